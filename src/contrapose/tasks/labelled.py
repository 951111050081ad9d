"""The labelled table: kNN and a linear probe, learned on one part and tested on the other."""

from __future__ import annotations

import numpy as np

from contrapose.tasks.given import Given
from contrapose.tasks.labelled_parts import copies_asked, given_parts, held_out_parts
from contrapose.tasks.labelled_table import LabelledTable
from contrapose.tasks.parts import Parts
from contrapose.tasks.setting import Identity, Setting
from contrapose.tasks.share import Share, share_of
from contrapose.tasks.task import Embed, Measurement, Metrics, Task

MAJORITY = "majority class"


class _Labelled(Measurement):
    target = "label"

    def __init__(self, parts: Parts, given: Given) -> None:
        seed = given.seed
        self.parts = parts
        self.known, self.noun, self.leaked, self.labels = parts.bank, parts.test.noun, parts.leaked, parts.wanted
        self.data, self.full = parts.origin, given.full
        self.table = LabelledTable(parts.known, parts.wanted, k=given.k, seed=seed, full=given.full)
        self.setting = Setting(
            "labelled data",
            {"seed": seed, "k": given.k},
            Identity.of(parts.test, parts.wanted),
            Identity.of(parts.bank, parts.known),
        )

    @classmethod
    def of(cls, given: Given) -> _Labelled:
        """Of the data as they were given."""
        bank, seed = given.samples, given.seed
        test = None if given.test_data is None else given.open(given.test_data, limit=given.limit)
        return cls(held_out_parts(bank, seed=seed) if test is None else given_parts(bank, test), given)

    def share(self, given: Given) -> Share | None:
        return share_of(self, self.parts, lambda some: _Labelled(some, given), given.modality.floor, given.seed)

    def __call__(self, embed: Embed) -> tuple[Metrics, np.ndarray]:
        test = embed(self.parts.test)  # (T, D)
        return self.table(embed(self.parts.bank), test), test

    def floors(self) -> dict[str, Metrics]:
        majority = self.table.majority()
        return {MAJORITY: majority} if majority else {}

    @property
    def notes(self) -> tuple[str, ...]:
        return (*self.parts.notes, *(copies_asked(self.parts.test) if self.full else ()), *self.table.notes)


class _LabelledTable(Task):
    name = "labelled-table"
    needs = "classes, from sub-folders or a column of them (--label-column NAME)"
    uses = ("label_column", "labels")

    def fits(self, given: Given) -> bool:
        return self.possible(given)

    def possible(self, given: Given) -> bool:
        return not given.targets.without_labels and given.samples.labels is not None

    def prepare(self, given: Given) -> Measurement:
        return _Labelled.of(given)


LABELLED_TABLE = _LabelledTable()
