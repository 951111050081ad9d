"""Pairs with a score in a table: which columns they are, and what is in them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from contrapose.data.labels import MISSING
from contrapose.data.numbers import as_numbers
from contrapose.data.tables.columns import PICTURE_NAMES, TEXT_NAMES, Kind, asked_column
from contrapose.data.tables.files import readable
from contrapose.data.tables.foreign import is_missing
from contrapose.data.tables.sources import Source
from contrapose.errors import ArgumentError, DataError
from contrapose.words import counted

PAIR_NAMES = {"text": (*TEXT_NAMES, "sent", "phrase", "string", "premise", "s"), "image": PICTURE_NAMES}
"""What columns of pairs are called before `1` and `2`, or `a` and `b`, by the kind of data."""
OTHER_PAIRS = {"text": (("premise", "hypothesis"), ("first", "second"))}
SCORE_NAMES = (
    *("score", "scores", "similarity", "similarity_score", "relatedness", "relatedness_score", "relatedness_judgment"),
    *("gold", "gold_score", "gold_label", "rating", "label"),
)
SUBSET_NAMES = ("dataset", "subset", "year", "task")
SPLIT = "split"


@dataclass(frozen=True)
class PairColumns:
    """Which columns of a table hold pairs: both sides, the score, and the subset where there is one."""

    first: str
    second: str
    score: str
    subset: str | None = None


@dataclass(frozen=True)
class ScoredPairs:
    """N pairs with a score each; row n of every part is of pair n.

    Arguments:
        first, second: the sides: texts, or paths of pictures.
        scores: `(N,)` float64.
        subsets: `(N,)` names, None where the table has no such column.
        origin: where they come from, in a sentence.
        notes: what was decided or left out, a sentence each without its full stop.
        splits: `(N,)` names of the parts that they belong to, None where the table has no such column.
        pooled: whether all scores are on one scale, so that pairs of several subsets can be ranked together.
    """

    first: Sequence[str]
    second: Sequence[str]
    scores: np.ndarray
    subsets: np.ndarray | None
    origin: str
    notes: tuple[str, ...]
    splits: np.ndarray | None = None
    pooled: bool = True

    def subset(self, rows: np.ndarray) -> ScoredPairs:
        """These pairs only, in this order."""
        return replace(
            self,
            first=[self.first[row] for row in rows],
            second=[self.second[row] for row in rows],
            scores=self.scores[rows],
            subsets=None if self.subsets is None else self.subsets[rows],
            splits=None if self.splits is None else self.splits[rows],
        )


def pair_columns(
    kinds: Mapping[str, Kind],
    modality: str,
    *,
    asked: Sequence[str] | None = None,
    score: str | None = None,
    origin: str = "the table",
) -> PairColumns | None:
    """The columns of scored pairs: those asked for, else those with usual names; None where there are none.

    Arguments:
        asked: names of both sides.
        score: name of the score.

    Errors:
        ArgumentError: an asked column that does not exist, or holds something else.
    """
    if asked is not None and len(asked) != 2:
        raise ArgumentError(f"pair_columns must name two columns, got {' '.join(asked) or 'none'}: one for each side.")
    sides = usual_sides(kinds, modality) if asked is None else (asked[0], asked[1])
    if sides is None:
        return None
    for name in sides:
        asked_column(kinds, name, origin)
        if kinds[name] != "text":
            raise ArgumentError(f"Column {name!r} of {origin} holds no texts, and a side of a pair does: name another.")
    found = asked_column(kinds, score, origin) or _usual_score(kinds)
    lower = {name.lower(): name for name in kinds if name not in (*sides, found)}
    subset = next((lower[name] for name in SUBSET_NAMES if name in lower), None)
    return None if found is None else PairColumns(*sides, found, subset)


def read_pairs(source: Source, columns: PairColumns) -> ScoredPairs:
    """The pairs that are whole: both sides are there, and the score.

    Errors:
        DataError: a score that is no number, or no whole pair at all.
    """
    with readable(source.origin):
        first, second = (list(source.read(name)) for name in (columns.first, columns.second))
        scores = as_numbers(source.read(columns.score), where=f"column {columns.score!r} of {source.origin}")  # (N,)
        subsets = None if columns.subset is None else [_name(cell) for cell in source.read(columns.subset)]
        split = next((name for name in source.kinds if name.lower() == SPLIT), None)
        splits = [] if split is None else [_name(cell) for cell in source.read(split)]
    whole = [not (_is_blank(a) or _is_blank(b)) for a, b in zip(first, second, strict=True)]
    rows = np.flatnonzero(np.asarray(whole) & np.isfinite(scores))  # (n,)
    if not len(rows):
        raise DataError(f"{source.origin} has no row with {columns.first}, {columns.second} and {columns.score}.")
    notes = [f"pairs of {columns.first!r} and {columns.second!r}, scores from {columns.score!r}"]
    if len(rows) < len(first):
        notes.append(f"{counted(len(first) - len(rows), 'row')} without a side or a score left out")
    if len(parts := list(dict.fromkeys(splits))) > 1:
        counts = ", ".join(f"{part} {splits.count(part):,}" for part in parts)
        notes.append(f"column {split!r} tells parts apart ({counts}), and all of them are measured")
    return ScoredPairs(
        [str(first[row]) for row in rows],
        [str(second[row]) for row in rows],
        scores[rows],
        None if subsets is None else np.asarray(subsets, object)[rows],
        source.origin,
        tuple(notes),
        None if split is None else np.asarray(splits, object)[rows],
    )


def usual_sides(kinds: Mapping[str, Kind], modality: str) -> tuple[str, str] | None:
    """Two columns with the usual names of the sides of a pair; None where there are none."""
    lower = {name.lower(): name for name, kind in kinds.items() if kind == "text"}
    for one, other in OTHER_PAIRS.get(modality, ()):
        if one in lower and other in lower:
            return lower[one], lower[other]
    for name in lower:
        found = re.fullmatch(r"(.+?)([ _-]?)([1a])", name)
        if found is None or found[1] not in PAIR_NAMES.get(modality, ()):
            continue
        other = f"{found[1]}{found[2]}{'2' if found[3] == '1' else 'b'}"
        if other in lower:
            return lower[name], lower[other]
    return None


def _usual_score(kinds: Mapping[str, Kind]) -> str | None:
    """The column of scores by its name, else the only one of numbers with fractions."""
    numbers = {name.lower(): name for name, kind in kinds.items() if kind in ("whole", "number")}
    usual = next((numbers[name] for name in SCORE_NAMES if name in numbers), None)
    fractions = [name for name, kind in kinds.items() if kind == "number" and name.lower() not in SUBSET_NAMES]
    return usual or (fractions[0] if len(fractions) == 1 else None)


def _is_blank(cell: Any) -> bool:
    return is_missing(cell) or not str(cell).strip()


def _name(cell: Any) -> str:
    return "none" if is_missing(cell) or str(cell).strip() in MISSING else str(cell).strip()
