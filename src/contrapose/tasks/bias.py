"""Bias: what a classifier answers where a nuisance that went with the class in training does not go with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from contrapose.data import Samples
from contrapose.encoders.heads import Question
from contrapose.errors import ArgumentError, DataError
from contrapose.evaluation.bias_groups import bias_groups
from contrapose.tasks.classification import Classification, truths_of
from contrapose.tasks.given import Given
from contrapose.tasks.setting import Identity, Setting
from contrapose.tasks.task import Measurement, Metrics, Task


class _Bias(Classification):
    """Classification, with the same answers looked at group by group besides."""

    def __init__(self, given: Given) -> None:
        assert given.targets.bias_column is not None
        self.column = given.targets.bias_column
        self.given = given
        super().__init__(given)
        if len(self.questions) > 1:
            raise DataError(
                f"The classifier answers {len(self.questions)} questions, and a bias is measured of one. Train one for "
                "the question that is meant."
            )
        rows = {name: row for row, name in enumerate(self.opened.identifiers)}
        self.bias = self.values[[rows[name] for name in self.test.identifiers]]  # (T,)
        unknown = int((self.bias == "").sum())
        if unknown:
            self._notes.append(f"{unknown:,} of {len(self.bias):,} have no {self.column} and are groups of their own")
        self.tied = self._tied()
        named = [f"{name}|{value}" for name, value in zip(self.truths[0], self.bias, strict=True)]  # type: ignore[arg-type]
        self.setting = Setting(f"bias, {self.column}", {"seed": given.seed}, Identity.of(self.test, named))

    def _opened(self, given: Given) -> tuple[Samples, list[np.ndarray | None]]:
        samples, truths = super()._opened(given)
        spec = given.data if given.test_data is None else given.test_data
        self.opened, self.values = samples, self._values(spec, len(samples))
        return samples, truths

    def _values(self, spec: object, count: int) -> np.ndarray:
        """The nuisance of all samples of some data, by name, `(N,)`; "" where there is none.

        Errors:
            DataError: no such column.
        """
        try:
            found = truths_of(self.given.open(spec, limit=self.given.limit, label_column=self.column))
        except ArgumentError as error:
            raise DataError(f"The data have nothing called {self.column!r} to measure the bias by ({error})") from error
        if len(found) != count:
            raise DataError(
                f"{self.column!r} is there for {len(found):,} of {count:,} samples: give data that have both."
            )
        return found

    def _tied(self) -> dict[str, str] | None:
        """Class -> the nuisance that most of its pictures in `--data` have; else, where both have the same names, the
        one of that name."""
        classes, values = set(self.questions[0].classes), set(self.bias.tolist())
        most = self._most(sorted(classes)) if self.given.test_data is not None else {}
        if values & {value for value, _, _ in most.values()}:  # else the data call it otherwise
            share = sum(many for _, many, _ in most.values()) / sum(count for _, _, count in most.values())
            self._notes.append(
                f"conflicting is another {self.column} than most of the class have in --data, where {100 * share:.1f} "
                "% have that of most"
            )
            return {name: value for name, (value, _, _) in most.items()}
        if classes >= values - {""} and len(values - {""}) > 1:
            self._notes.append(f"conflicting is a {self.column} of another name than the class has")
            return {name: name for name in classes}
        self._notes.append(
            f"which {self.column} goes with which class is not known, so nothing is told of conflicting rows: give "
            f"--test-data beside biased --data that have a {self.column} too, called alike"
        )
        return None

    def _most(self, classes: Sequence[str]) -> dict[str, tuple[str, int, int]]:
        """Of each class in `--data` the nuisance that most of its samples have, how many these are, and of how many;
        nothing where it is not known there."""
        known = truths_of(self.given.open(self.given.data, limit=self.given.limit))
        try:
            there = self._values(self.given.data, len(known))
        except DataError:  # no such column in what was learned from
            return {}
        own = {name: there[(known == name) & (there != "")].tolist() for name in classes}
        return {name: (*Counter(of).most_common(1)[0], len(of)) for name, of in own.items() if of}

    def _scored(
        self, question: Question, answers: np.ndarray, truths: np.ndarray | None, how: str = "", **options: Any
    ) -> Metrics:
        found = super()._scored(question, answers, truths, how, **options)
        if truths is None:
            return found
        protocol = how or f"{self.column} is what may lead it"
        return {**found, **bias_groups(answers == truths, truths, self.bias, tied=self.tied, protocol=protocol)}


class _BiasTask(Task):
    name = "bias"
    needs = "a classifier's run, classes, and a column of what may lead it (--bias-column NAME)"
    uses = ("label_column", "labels", "bias_column")
    artifacts = ("classifier",)

    def takes(self, given: Given) -> bool:
        return given.classifier is not None

    def fits(self, given: Given) -> bool:
        return given.targets.bias_column is not None and self.possible(given)

    def possible(self, given: Given) -> bool:
        asked = given.targets
        return given.classifier is not None and asked.bias_column is not None and not asked.without_labels

    def prepare(self, given: Given) -> Measurement:
        return _Bias(given)


BIAS = _BiasTask()
