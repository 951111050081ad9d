"""Nested cross-validation of a support vector machine: what few labelled samples can say, each of them tested once."""

from __future__ import annotations

import numpy as np

from contrapose.data import Samples, only_labelled, stratified_folds
from contrapose.data.copies import copy_groups
from contrapose.errors import ArgumentError, DataError
from contrapose.evaluation import Metric, balanced_accuracy, nested_svm, unequal_classes
from contrapose.evaluation.nested_svm import NAME
from contrapose.tasks.given import Given
from contrapose.tasks.labelled import MAJORITY
from contrapose.tasks.labelled_parts import class_names_of, majority_of
from contrapose.tasks.setting import Identity, Setting
from contrapose.tasks.task import Embed, Measurement, Metrics, Task
from contrapose.words import counted

FOLDS = 10
"""As is usual in learning of graphs."""
FEWEST, FEW = 30, 2000
"""Samples between which a fifth tests too little and a tenth enough, so that graphs are tested in folds unless
something else is asked for [design]."""
MOST = 10_000
"""Samples of which a kernel fits into a gigabyte."""


class _NestedSVM(Measurement):
    target = "label"

    def __init__(self, given: Given) -> None:
        samples = only_labelled(given.samples)
        if len(samples) > MOST:
            raise DataError(
                f"{samples.origin} holds {len(samples):,} labelled {samples.noun}s, too many for a kernel: give "
                f"--limit {MOST}, or --task labelled-table."
            )
        self.known, self.noun, self.seed, self.full = samples, samples.noun, given.seed, given.full
        self.names = class_names_of(samples)  # (N,)
        self._notes = [note.rstrip(".") for note in samples.notes]
        self.folds, whose = self._dealt(samples)
        self.asked = self.folds >= 0  # (N,)
        self.wanted = self.labels = self.names[self.asked]
        count = len(np.unique(self.folds[self.asked]))
        self.data = f"{samples.origin}, {counted(int(self.asked.sum()), samples.noun)} tested in {count} folds {whose}"
        test = samples.subset(np.flatnonzero(self.asked))
        self.setting = Setting("nested folds", {"seed": given.seed, "folds": count}, Identity.of(test, self.wanted))

    def _dealt(self, samples: Samples) -> tuple[np.ndarray, str]:
        """The folds of the data, or new ones."""
        own = getattr(samples, "folds", None)
        if own is not None and len(np.unique(own[own >= 0])) >= 3:
            never = int((own < 0).sum())
            if never:
                self._notes.append(f"{counted(never, samples.noun)} in no fold of the data, always learned from")
            return own, "of the data"
        groups = copy_groups(samples)  # (N,)
        copies = len(samples) - len(np.unique(groups))
        if copies:
            self._notes.append(f"{counted(copies, 'exact copy', 'exact copies')} of others kept in one fold with them")
        try:
            return stratified_folds(self.names, FOLDS, seed=self.seed, groups=groups), f"by class (seed {self.seed})"
        except ArgumentError as error:
            raise DataError(f"{samples.origin}: {error}") from error

    def __call__(self, embed: Embed) -> tuple[Metrics, np.ndarray]:
        rows = embed(self.known)  # (N, D)
        try:
            found = nested_svm(rows, self.names, self.folds)
        except ArgumentError as error:
            raise DataError(
                f"{self.known.origin} cannot be tested in folds (--task labelled-table can): {error}"
            ) from error
        return self._with_balanced(found), rows[self.asked]

    def floors(self) -> dict[str, Metrics]:
        """The largest class of what each fold learns from."""
        if not unequal_classes(self.wanted):
            return {}
        numbers, places = np.unique(self.folds[self.asked], return_inverse=True)
        largest = np.array([majority_of(self.names[self.folds != number]) for number in numbers])
        found = Metric.from_items(NAME, largest[places] == self.wanted, protocol="always the largest class of --data")
        return {MAJORITY: self._with_balanced(found)}

    def _with_balanced(self, found: Metric) -> Metrics:
        metrics = {found.name: found}
        if unequal_classes(self.wanted):
            balanced = balanced_accuracy(found, self.wanted)
            metrics[balanced.name] = balanced
        return metrics

    @property
    def notes(self) -> tuple[str, ...]:
        more = ("nested folds have no full table; --task labelled-table has one",) if self.full else ()
        return (*self._notes, *more)


class _NestedSVMTask(Task):
    name = "nested-svm"
    needs = "few samples with classes, from sub-folders or a column of them (--label-column NAME)"
    uses = ("label_column", "labels")

    def fits(self, given: Given) -> bool:
        """Graphs, of which there are few: as they are compared in papers."""
        asked = given.modality.name == "graph" and not given.full and not given.targets.number
        return asked and self.possible(given) and FEWEST <= len(given.samples) <= FEW

    def possible(self, given: Given) -> bool:
        labelled = not given.targets.without_labels and given.samples.labels is not None
        return labelled and given.test_data is None

    def prepare(self, given: Given) -> Measurement:
        return _NestedSVM(given)


NESTED_SVM = _NestedSVMTask()
