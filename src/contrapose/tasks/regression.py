"""Regression: how well a number can be read off the embeddings, and whether they lie in its order."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from contrapose.data import Samples, derived_generator
from contrapose.data.numbers import as_numbers
from contrapose.data.samples import NUMBER, evenly_spaced
from contrapose.errors import ArgumentError, DataError
from contrapose.evaluation import order_score, regression_scores, ridge
from contrapose.tasks.given import Given
from contrapose.tasks.number_parts import given_numbers, held_out_numbers
from contrapose.tasks.parts import Parts
from contrapose.tasks.setting import Identity, Setting
from contrapose.tasks.share import Share, share_of
from contrapose.tasks.task import INTERVALS, Embed, Measurement, Metrics, Task

MEAN = "mean of the training numbers"


class _Regression(Measurement):
    target = "number"

    def __init__(self, parts: Parts, given: Given, column: str | None) -> None:
        self.seed, self.full = given.seed, given.full
        self.number_column = column
        self.parts = parts
        self.known, self.noun, self.leaked = parts.bank, parts.test.noun, parts.leaked
        self.data = parts.origin if column is None else f"{parts.origin}, numbers from {column!r}"
        self.setting = Setting(
            "numbers",
            {"seed": given.seed},
            Identity.of(parts.test, parts.wanted),
            Identity.of(parts.bank, parts.known),
        )
        self._left_out: dict[str, None] = {}  # a set that keeps the order

    @classmethod
    def of(cls, given: Given) -> _Regression:
        """Of the data as they were given."""
        column, numbers = _column(given), given.targets.numbers
        bank = _opened(given, given.data, column, numbers)
        if given.test_data is None:
            parts = held_out_numbers(bank, seed=given.seed)
        elif numbers is not None:
            raise ArgumentError(
                "numbers= are those of the data, and test_data need some too: name a column that both have "
                "(number_column=), or give samples.with_target('number', numbers) of each."
            )
        else:
            parts = given_numbers(bank, _opened(given, given.test_data, column, None))
        return cls(parts, given, column)

    def share(self, given: Given) -> Share | None:
        on = partial(_Regression, given=given, column=self.number_column)
        return share_of(self, self.parts, on, given.modality.floor, given.seed)

    def __call__(self, embed: Embed) -> tuple[Metrics, np.ndarray]:
        parts = self.parts
        train, test = embed(parts.bank), embed(parts.test)  # (N, D), (T, D)
        found = ridge(train, parts.known, test, parts.wanted)
        how = f"ridge regression (standardised), L2 strength {found.strength:g}, {len(train):,} train rows"
        metrics = self._scores(found.predicted, how)
        try:
            order = order_score(test, parts.wanted, generator=derived_generator(self.seed, INTERVALS))
        except ArgumentError as error:  # an encoder that makes one of all has no order
            self._left_out[f"no order score: {str(error).rstrip('.')}"] = None
        else:
            metrics[order.name] = order
        return metrics, test

    def floors(self) -> dict[str, Metrics]:
        mean, count = float(self.parts.known.mean()), len(self.parts.known)
        return {MEAN: self._scores(np.full(len(self.parts.wanted), mean), f"always {mean:.4g}, the mean of {count:,}")}

    def _scores(self, predicted: np.ndarray, how: str) -> Metrics:
        generator = derived_generator(self.seed, INTERVALS)
        return regression_scores(predicted, self.parts.wanted, protocol=how, generator=generator)

    @property
    def notes(self) -> tuple[str, ...]:
        more = ("regression has no full table",) if self.full else ()
        return (*self.parts.notes, *more, *self._left_out)


class _RegressionTask(Task):
    name = "regression"
    needs = "a number of each sample, from a column of them (--number-column NAME)"
    uses = ("number_column", "numbers")

    def fits(self, given: Given) -> bool:
        """Asked for; or what the run was trained for; or all that there is, where there are no labels."""
        asked = given.targets
        if asked.number or asked.label:
            return asked.number and (not asked.label or given.trained_for == "number")
        if given.trained_for == "number" and self.possible(given):
            return True
        labelled = not asked.without_labels and given.samples.labels is not None
        return not labelled and self.possible(given)

    def possible(self, given: Given) -> bool:
        return given.targets.number or given.carries_numbers or _column(given) is not None

    def prepare(self, given: Given) -> Measurement:
        return _Regression.of(given)


def _column(given: Given) -> str | None:
    """The column of numbers: asked for, else that of the run's own data, else one with a usual name."""
    if given.targets.number:
        return given.targets.number_column
    return None if given.carries_numbers else given.own_column or given.usual_column


def _opened(given: Given, spec: Any, column: str | None, numbers: Any) -> Samples:
    """Data with their numbers, and without their labels."""
    if numbers is not None:
        samples = given.open(spec, labels=False)
        values = as_numbers(numbers, where="numbers=")  # (N,)
        if len(values) != len(samples):
            skipped = f" ({len(samples.skipped):,} could not be read)" if samples.skipped else ""
            raise DataError(
                f"numbers= holds {len(values):,} numbers for {len(samples):,} {samples.noun}s{skipped}: give one for "
                "each."
            )
        samples = samples.with_target(NUMBER, values)
        return samples.subset(evenly_spaced(len(samples), given.limit))
    reading = {} if column is None else {"number_column": column}
    samples = given.open(spec, limit=given.limit, labels=False, **reading)
    if NUMBER not in samples.targets:
        raise DataError(
            f"{samples.origin} has no number of each {samples.noun}: give a table with a column of numbers "
            "(--number-column NAME), or numbers= in Python."
        )
    return samples


REGRESSION = _RegressionTask()
