"""Search by pairs: does the one side of a pair find its other side among all others? Code search, with MRR."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from contrapose.data import derived_generator
from contrapose.data.samples import evenly_spaced
from contrapose.data.tables.columns import asked_column
from contrapose.data.tables.foreign import is_missing
from contrapose.errors import ArgumentError, DataError
from contrapose.evaluation import beside_zeros, retrieval
from contrapose.tasks.given import Given
from contrapose.tasks.setting import Identity, Setting
from contrapose.tasks.task import INTERVALS, Embed, Measurement, Metrics, Task
from contrapose.words import counted

DEPTHS = (1, 5, 10)
USUAL = (("docstring", "code"), ("comment", "code"), ("description", "code"), ("query", "code"), ("query", "document"))
"""Names of columns that are such pairs: what is looked for, and where [design]."""


class _PairedSearch(Measurement):
    """The first column of each row looks for the second among those of all rows."""

    named = False
    noun = "text"

    def __init__(self, given: Given) -> None:
        assert given.table is not None, "the task is possible"
        sides = _sides(given)
        assert sides is not None, "the task is possible"
        if given.test_data is not None:
            raise ArgumentError("Nothing is learned from pairs, so --test-data has no place: give them with --data.")
        asked, wanted = (list(given.table.read(name)) for name in sides)
        whole = [n for n, pair in enumerate(zip(asked, wanted, strict=True)) if not any(map(_is_blank, pair))]
        rows = np.asarray(whole, np.int64)[evenly_spaced(len(whole), given.limit)]  # (N,)
        if len(rows) < 2:
            raise DataError(
                f"{given.table.origin} has {counted(len(rows), 'whole pair')} of {' and '.join(sides)}: give 2."
            )
        self.queries = [str(asked[row]) for row in rows]
        self.items = [str(wanted[row]) for row in rows]
        self.known = given.bring([*self.queries, *self.items])  # 2N: the first sides, then the second
        self.seed = given.seed
        self.data = f"{given.table.origin}, {counted(len(rows), 'pair')} of {sides[0]!r} and {sides[1]!r}"
        self.setting = Setting("search by pairs", {"seed": given.seed}, Identity.of(self.known, np.tile(rows, 2)))
        self.left_out = len(asked) - len(whole)

    def __call__(self, embed: Embed) -> tuple[Metrics, np.ndarray]:
        rows = embed(self.known)  # (2N, D)
        count = len(self.queries)
        numbers: dict[str, int] = {}
        same = np.asarray([numbers.setdefault(text, len(numbers)) for text in self.items])  # (N,), equal texts are one
        unique = np.unique(same, return_index=True)[1]  # (M,), the first row of each
        found = retrieval(
            beside_zeros(rows[:count], 0),
            same,
            beside_zeros(rows[count:][unique], 1),
            same[unique],
            ks=[depth for depth in DEPTHS if depth <= len(unique)],
            generator=derived_generator(self.seed, INTERVALS),
        )
        names = ["MRR", *(name for name in found.metrics if name.startswith("recall"))]
        return {name: replace(found.metrics[name], name=name) for name in names}, rows

    @property
    def notes(self) -> tuple[str, ...]:
        blank = (f"{counted(self.left_out, 'row')} without one of the sides left out",) if self.left_out else ()
        return (f"each of {len(self.queries):,} first sides looks among {len(set(self.items)):,} second ones", *blank)


class _PairedSearchTask(Task):
    name = "paired-search"
    needs = (
        "a table with two columns of texts, what is looked for and where (docstring and code, or --pair-columns A B)"
    )
    uses = ("pair_columns",)
    modalities = ("text",)

    def fits(self, given: Given) -> bool:
        asked = given.targets
        return not asked.label and not asked.number and given.pairs is None and self.possible(given)

    def possible(self, given: Given) -> bool:
        return self.takes(given) and _sides(given) is not None

    def prepare(self, given: Given) -> Measurement:
        return _PairedSearch(given)


def _sides(given: Given) -> tuple[str, str] | None:
    """The two columns that were asked for, else those with usual names."""
    if given.table is None:
        return None
    kinds, asked = given.table.kinds, given.targets.pair_columns
    if asked is not None:
        if len(asked) != 2:
            raise ArgumentError(f"pair_columns must name two columns, got {' '.join(asked) or 'none'}.")
        for name in asked:
            asked_column(kinds, name, given.table.origin)
        return (asked[0], asked[1]) if all(kinds[name] == "text" for name in asked) else None
    lower = {name.lower(): name for name, kind in kinds.items() if kind == "text"}
    return next(((lower[one], lower[other]) for one, other in USUAL if one in lower and other in lower), None)


def _is_blank(cell: object) -> bool:
    return is_missing(cell) or not str(cell).strip()


PAIRED_SEARCH = _PairedSearchTask()
