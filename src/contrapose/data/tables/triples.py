"""Triples in a table: an anchor, what means the same, and what contradicts it; or pairs that are called so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from contrapose.data.tables.columns import Kind
from contrapose.data.tables.files import readable
from contrapose.data.tables.foreign import is_missing
from contrapose.data.tables.pairs import usual_sides
from contrapose.data.tables.sources import Source
from contrapose.errors import DataError

ANCHOR = ("anchor", "query", "premise")
SAME = ("paraphrase", "positive", "entailment")
OPPOSITE = ("contradiction", "negative", "hard_negative")
OTHER = ("random", "unrelated")
CALLED = ("entailment", "entailment_label", "entailment_judgment", "gold_label", "relation", "label")
SAME_WORDS, OPPOSITE_WORDS = ("entail", "paraphrase", "duplicate", "same"), ("contradict", "opposite")


@dataclass(frozen=True)
class TripleColumns:
    """The columns of triples: three sides, and the unrelated one where there is one."""

    anchor: str
    same: str
    opposite: str
    other: str | None = None


@dataclass(frozen=True)
class CalledColumns:
    """The columns of pairs of which one says what they are to each other."""

    first: str
    second: str
    called: str


@dataclass(frozen=True)
class CalledPairs:
    """Pairs that mean the same, and pairs that contradict each other.

    Arguments:
        same, opposite: `(first, second)` texts of each.
        left_out: pairs that are neither, or lack a side.
    """

    same: tuple[tuple[str, str], ...]
    opposite: tuple[tuple[str, str], ...]
    left_out: int


def triple_columns(kinds: Mapping[str, Kind]) -> TripleColumns | CalledColumns | None:
    """The columns of triples by their usual names, else of pairs that a column calls so; None where there are none."""
    texts = {name.lower(): name for name, kind in kinds.items() if kind == "text"}
    found = [next((texts[name] for name in names if name in texts), None) for names in (ANCHOR, SAME, OPPOSITE, OTHER)]
    anchor, same, opposite, other = found
    if anchor is not None and same is not None and opposite is not None:
        return TripleColumns(anchor, same, opposite, other)
    sides = usual_sides(kinds, "text")
    called = next((texts[name] for name in CALLED if name in texts), None)
    return None if sides is None or called is None or called in sides else CalledColumns(*sides, called)


def read_triples(source: Source, columns: TripleColumns) -> tuple[dict[str, list[str]], int]:
    """The sides of triples that are whole, by `anchor`, `same`, `opposite` and perhaps `other`, and how many are not.

    Errors:
        DataError: none is whole.
    """
    named = {"anchor": columns.anchor, "same": columns.same, "opposite": columns.opposite, "other": columns.other}
    with readable(source.origin):
        sides = {side: list(source.read(column)) for side, column in named.items() if column is not None}
    whole = _whole(list(sides.values()))
    if not len(whole):
        raise DataError(f"{source.origin} has no row with all of {', '.join(name for name in named.values() if name)}.")
    count = len(sides["anchor"])
    return {side: [str(cells[row]) for row in whole] for side, cells in sides.items()}, count - len(whole)


def read_called_pairs(source: Source, columns: CalledColumns) -> CalledPairs:
    """The pairs whose column says that they mean the same, or that they contradict each other.

    Errors:
        DataError: none of the one, or none of the other.
    """
    with readable(source.origin):
        first, second, called = (list(source.read(name)) for name in (columns.first, columns.second, columns.called))
    found: dict[bool, list[tuple[str, str]]] = {True: [], False: []}
    for row in _whole([first, second, called]):
        word = str(called[row]).strip().lower()
        if word.startswith(SAME_WORDS + OPPOSITE_WORDS):
            found[word.startswith(SAME_WORDS)].append((str(first[row]), str(second[row])))
    if not found[True] or not found[False]:
        raise DataError(
            f"Column {columns.called!r} of {source.origin} calls {len(found[True]):,} pairs the same and "
            f"{len(found[False]):,} contradictions: both are needed, by words such as entailment and contradiction."
        )
    left_out = len(first) - len(found[True]) - len(found[False])
    return CalledPairs(tuple(found[True]), tuple(found[False]), left_out)


def _whole(sides: Sequence[Sequence[object]]) -> np.ndarray:
    """Rows in which no side is blank."""
    there = [[not (is_missing(cell) or not str(cell).strip()) for cell in side] for side in sides]
    return np.flatnonzero(np.all(there, axis=0))
