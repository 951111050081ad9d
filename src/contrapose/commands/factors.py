"""Several questions of classes about the same samples: which there are, and the classes of each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from contrapose.data import Samples
from contrapose.data.copies import copies_in, split_samples
from contrapose.errors import DataError
from contrapose.words import counted

Open = Callable[..., Samples]  # (data, **options) -> samples


@dataclass(frozen=True)
class Factors:
    """Samples with a class of each of several questions.

    Arguments:
        samples: every factor's classes are the target `factor: NAME`, numbered as `names` has them.
        names: factor -> what its classes are called.
    """

    samples: Samples
    names: dict[str, list[str]]

    def classes(self, samples: Samples) -> dict[str, np.ndarray]:
        """The name of each sample's class, `(N,)` texts, for each factor."""
        numbers = {name: samples.targets[_target(name)].astype(np.int64) for name in self.names}  # (N,) each
        return {name: np.asarray(self.names[name])[numbers[name]] for name in self.names}

    def in_words(self) -> str:
        """`colour (6 classes), shape (6 classes)`."""
        factors = ", ".join(f"{name} ({counted(len(names), 'class', 'classes')})" for name, names in self.names.items())
        return f"{self.samples.origin}: {factors}"


def factors_of(
    open: Open, data: Any, columns: Sequence[str] = (), names: dict[str, list[str]] | None = None
) -> Factors:
    """The samples of `data` that have a class of every factor.

    Arguments:
        columns: one a factor; none: those that the data say they have (made pictures do).
        names: of the classes of each factor, where others have settled them: a class that is not among them is added.

    Errors:
        DataError: fewer than two factors, a column without labels, samples of which none has a class of each.
        ArgumentError: a column that does not exist.
    """
    samples = open(data)
    columns = tuple(columns) or tuple(samples.names_of)
    if len(columns) < 2:
        raise DataError(
            f"{samples.origin} has {counted(len(columns), 'factor')} to tell apart: name two columns of classes or "
            "more with --label-columns, or take made:trifeature."
        )
    found: dict[str, list[str]] = {}
    for column in columns:
        other = open(data, label_column=column)
        if list(other.identifiers) != list(samples.identifiers):
            raise DataError(f"{samples.origin} has other samples when it is opened by the column {column!r}.")
        if other.labels is None:
            raise DataError(f"The column {column!r} of {samples.origin} holds no class: name another.")
        texts = _texts(other)  # (N,), "" where there is none
        found[column] = [*(names or {}).get(column, [])]
        found[column] += sorted(set(texts.tolist()) - {"", *found[column]})
        place = {name: number for number, name in enumerate(found[column])}
        samples = samples.with_target(_target(column), np.array([place.get(text, -1) for text in texts.tolist()]))
    whole = np.stack([samples.targets[_target(column)] for column in columns]).min(axis=0) >= 0  # (N,)
    if not whole.any():
        raise DataError(f"No sample of {samples.origin} has a class of each of {', '.join(columns)}.")
    return Factors(samples if whole.all() else samples.subset(np.flatnonzero(whole)), found)


def with_asked(factors: Factors, open: Open, test_data: Any, *, seed: int) -> tuple[Samples, Samples]:
    """What probes learn from, and what they are asked: other data, or a fifth of the same, exact copies kept together.

    Errors:
        DataError: test data without one of the factors, with a class that nobody has learned, or that are all among
            those learned from; nothing to hold out.
    """
    if test_data is None:
        first = next(iter(factors.names))
        labelled = factors.samples.with_labels(factors.samples.targets[_target(first)].astype(np.int64))
        parts = split_samples(labelled, seed=seed)
        return parts.bank, parts.test
    other = factors_of(open, test_data, tuple(factors.names), factors.names)
    for name, names in other.names.items():
        if len(names) > len(factors.names[name]):
            new = names[len(factors.names[name])]
            raise DataError(
                f"{other.samples.origin} has the class {new!r} of {name}, which no sample to learn from has."
            )
    shared = {row for row, _ in copies_in(other.samples, factors.samples)}
    rows = [row for row in range(len(other.samples)) if row not in shared]
    if not rows:
        raise DataError(
            f"All of {other.samples.origin} are among {factors.samples.origin}: give other data to test on."
        )
    return factors.samples, other.samples.subset(rows) if shared else other.samples


def _texts(samples: Samples) -> np.ndarray:
    labels, names = samples.labels, samples.class_names
    assert labels is not None, "the caller has checked"
    return np.array(["" if one < 0 else str(one) if names is None else names[one] for one in labels.tolist()])


def _target(name: str) -> str:
    return f"factor: {name}"
