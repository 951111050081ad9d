"""`Samples`: what every kind of data is to the rest of the house."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike
from torch import Tensor

from contrapose.errors import ArgumentError

LABEL = "label"
"""The name of the target that holds class numbers."""

NUMBER = "number"
"""The name of the target that holds a number to be predicted."""

NEXT = "next"
"""The name of the target that holds the number of the item that came next."""

MASK = "mask"
"""The name of the target that holds a class number for every pixel of a picture."""

VOID = -1
"""What a mask says of a pixel that it says nothing of."""


@dataclass(frozen=True)
class Skipped:
    """A sample that could not be used, and why."""

    path: str
    reason: str


class Samples:
    """N samples of one kind in a fixed order, with what is known about each.

    A subclass keeps the samples themselves in a store of `stored` rows, and says what a batch of them is, what
    identifies them from run to run, and how a person is told of them.

    Shapes:
        targets: each `(N,)`: class numbers int64 (-1 where there is none) under `"label"`, other numbers float64 (NaN
            where there is none) under names of their own; under `"mask"` `(N, H, W)` int16, the class of each pixel (-1
            where there is none).
        rows: `(N,)` int64, which rows of the store these samples are; None = all.

    Arguments:
        stored: rows of the store.
        targets: what is known of each sample besides itself, by name.
        class_names: names of classes 0, 1, ...; `None` where numbers are all that is known.
        identifiers: for each sample, its file's path relative to the data, or its row number as text.
        skipped: what was found but could not be read.
        origin: one sentence on where the samples come from, for people.
        notes: what was decided on the way that a person should know of (scaling, cropping, ignored files).
        fingerprint: a text that identifies the samples (not their targets) from run to run; by default `digest()`.
        former_fingerprint: the text by which earlier versions identified them, where it was another one.

    Errors:
        ArgumentError: targets or identifiers of another number than the samples.
    """

    modality: ClassVar[str]
    noun: ClassVar[str] = "sample"
    """What people call one of them; many of them are called so with an s."""

    def __init__(
        self,
        stored: int,
        *,
        targets: Mapping[str, np.ndarray | None] | None = None,
        class_names: Sequence[str] | None = None,
        identifiers: Sequence[str] | None = None,
        skipped: Sequence[Skipped] = (),
        origin: str = "memory",
        notes: Sequence[str] = (),
        fingerprint: str | None = None,
        former_fingerprint: str | None = None,
        rows: np.ndarray | None = None,
    ) -> None:
        self.rows = rows
        self._stored = stored
        self.targets = {name: _target(name, values) for name, values in (targets or {}).items() if values is not None}
        self.class_names = None if class_names is None else tuple(class_names)
        self.names_of: dict[str, tuple[str, ...]] = {}  # of the classes of further targets, by the target's name
        self.identifiers = [str(row) for row in range(len(self))] if identifiers is None else identifiers
        self.skipped = tuple(skipped)
        self.origin = origin
        self.notes = tuple(notes)
        self._fingerprint = fingerprint
        self._former_fingerprint = former_fingerprint
        for what, given in {**self.targets, "identifier": self.identifiers}.items():
            self._check_count(what, given)

    def batch(self, indices: Tensor | ArrayLike) -> Any:
        """The samples of these row numbers, in this order, in the form that their encoders prepare."""
        raise NotImplementedError(f"{type(self).__name__} must give its samples: batch(indices).")

    def digest(self) -> str:
        """A hash of all that is stored."""
        raise NotImplementedError(f"{type(self).__name__} must identify its samples: digest() -> text.")

    def in_words(self) -> str:
        """What one of them is, for people: "32 x 32 x 3"."""
        raise NotImplementedError(f"{type(self).__name__} must say what its samples are: in_words() -> text.")

    def contents(self) -> Iterator[Any]:
        """What each of them holds, as bytes or an array, one after the other: two that are equal are copies."""
        raise NotImplementedError(f"{type(self).__name__} must show what its samples hold: contents().")

    @property
    def shape(self) -> tuple[int, ...]:
        """That of one sample, where all have the same one."""
        return ()

    def excerpt(self, row: int) -> str | None:
        """The beginning of a sample, where it is read rather than looked at; None by default."""
        return None

    def words(self, row: int) -> frozenset[str] | None:
        """The words of a sample, where it is text; None by default."""
        return None

    def facts(self) -> dict[str, Any]:
        """The same as JSON, for the record of a run; nothing by default."""
        return {}

    def __len__(self) -> int:
        return self._stored if self.rows is None else len(self.rows)

    @property
    def labels(self) -> np.ndarray | None:
        """Class numbers, `(N,)` int64; None where no sample has one."""
        return self.targets.get(LABEL)

    @property
    def fingerprint(self) -> str:
        """A text that identifies the samples from run to run."""
        if self._fingerprint is None:
            self._fingerprint = self.digest()
        return self._of_rows(self._fingerprint)

    def recorded_as(self, fingerprint: str) -> bool:
        """Whether these are the samples that had this fingerprint, in this version or in an earlier one."""
        former = self._former_fingerprint
        return (former is not None and fingerprint == self._of_rows(former)) or fingerprint == self.fingerprint

    def subset(self, indices: Tensor | ArrayLike) -> Self:
        """These samples only, in this order; what is stored is shared, not copied."""
        wanted = self._checked(indices)
        chosen = copy.copy(self)
        chosen.rows = wanted if self.rows is None else self.rows[wanted]
        chosen.targets = {name: values[wanted] for name, values in self.targets.items()}
        chosen.identifiers = [self.identifiers[row] for row in wanted]
        return chosen

    def with_labels(self, labels: np.ndarray | None, class_names: Sequence[str] | None = None) -> Self:
        """The same samples with other class labels, or with none."""
        changed = self.with_target(LABEL, labels)
        changed.class_names = None if class_names is None else tuple(class_names)
        return changed

    def with_target(self, name: str, values: np.ndarray | None) -> Self:
        """The same samples with another target of this name, or without it.

        Errors:
            ArgumentError: another number of values than of samples.
        """
        changed = copy.copy(self)
        changed.targets = {key: kept for key, kept in self.targets.items() if key != name}
        if values is not None:
            self._check_count(name, values)
            changed.targets[name] = _target(name, values)
        return changed

    def with_classes(self, name: str, labels: np.ndarray, names: Sequence[str]) -> Self:
        """The same samples with a second question of classes beside that of their labels.

        Arguments:
            name: of the target.
            labels: `(N,)` class numbers, -1 where there is none.
            names: of the classes.

        Errors:
            ArgumentError: another number of labels than of samples.
        """
        changed = self.with_target(name, labels)
        changed.names_of = {**self.names_of, name: tuple(names)}
        return changed

    def with_targets(self, names: Sequence[str]) -> Self:
        """The same samples with those of their targets only that are called so."""
        changed = copy.copy(self)
        changed.targets = {name: values for name, values in self.targets.items() if name in names}
        return changed

    def stored_rows(self, indices: Tensor | ArrayLike) -> np.ndarray:
        """Rows of the store that hold the samples of these numbers.

        Errors:
            ArgumentError: no integers, another shape than `(B,)`, or numbers that no sample has.
        """
        wanted = self._checked(indices)
        return wanted if self.rows is None else self.rows[wanted]

    def _check_count(self, what: str, given: Any) -> None:
        if len(given) != len(self):
            raise ArgumentError(f"{len(self)} {self.noun}s came with {len(given)} {what}s: give one for each.")

    def _of_rows(self, fingerprint: str) -> str:
        if self.rows is None:
            return fingerprint
        return hashlib.sha256(fingerprint.encode() + self.rows.tobytes()).hexdigest()

    def _checked(self, indices: Tensor | ArrayLike) -> np.ndarray:
        wanted = np.asarray(indices.cpu() if isinstance(indices, Tensor) else indices)
        if wanted.size == 0:
            wanted = wanted.astype(np.int64)
        if wanted.ndim != 1 or wanted.dtype.kind not in "iu":
            raise ArgumentError(
                f"Row numbers must be integers of shape (B,), not {wanted.dtype} of shape {wanted.shape}."
            )
        wanted = wanted.astype(np.int64)
        if wanted.size and (wanted.min() < 0 or wanted.max() >= len(self)):
            wrong = wanted[(wanted < 0) | (wanted >= len(self))][0]
            raise ArgumentError(f"Row {wrong} does not exist: rows are 0 to {len(self) - 1}.")
        return wanted

    def __repr__(self) -> str:
        labels = self.labels
        classes = "no labels" if labels is None else f"{len(np.unique(labels[labels >= 0]))} classes"
        skipped = f", {len(self.skipped)} skipped" if self.skipped else ""
        return f"{type(self).__name__}({len(self):,} of {self.in_words()}, {classes}{skipped}, from {self.origin})"


def evenly_spaced(length: int, limit: int | None) -> np.ndarray:
    """At most `limit` of the rows 0..length-1, ascending, evenly spaced: sorted classes keep their shares."""
    if limit is None or limit >= length:
        return np.arange(length)
    return np.arange(limit) * length // limit


def _target(name: str, values: np.ndarray) -> np.ndarray:
    return np.asarray(values, dtype=_TYPES.get(name, np.float64))  # (N,), of masks (N, H, W)


_TYPES: dict[str, type] = {LABEL: np.int64, NEXT: np.int64, MASK: np.int16}
