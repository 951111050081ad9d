"""Labels of the rows: any integers or strings, turned into class codes that train and test share."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.evaluation.inputs import Array

Labels = Array | Sequence[int] | Sequence[str]
"""A class for each row."""

UNSEEN = -1
"""Code of a test label that no training row has: no prediction equals it."""


@dataclass(frozen=True)
class Classes:
    """The distinct training labels, sorted, and the training rows in terms of them.

    Shapes:
        names: `(classes,)`; codes: `(N,)` integers, `names[codes]` are the labels.
    """

    names: np.ndarray
    codes: np.ndarray

    @classmethod
    def of(cls, labels: Labels, count: int, name: str = "train_labels") -> Classes:
        """Classes of `count` training labels; one class alone is an error: nothing could be told apart."""
        names, codes = np.unique(label_array(labels, count, name), return_inverse=True)
        if len(names) < 2:
            raise ArgumentError(
                f"{name} hold one class only ({names[0]}): there is nothing to tell apart. Give two at least."
            )
        return cls(names, codes.reshape(-1))

    def __len__(self) -> int:
        return len(self.names)

    @property
    def chance(self) -> str:
        """How many classes there are and what guessing among them scores, e.g. `"10 classes, chance 10.0 %"`."""
        return chance_of(len(self))

    def encode(self, labels: Labels, count: int, name: str = "test_labels") -> np.ndarray:
        """Codes `(count,)` of other labels; `UNSEEN`, with a warning, where no training row has the label.

        Errors:
            ArgumentError: wrong length, or not one label in common with training.
        """
        array = label_array(labels, count, name)
        comparable = (array.dtype.kind == "U") == (self.names.dtype.kind == "U")
        known = np.isin(array, self.names) if comparable else np.zeros(count, dtype=bool)
        if not known.any():
            raise ArgumentError(
                f"{name} and the training labels have no class in common (e.g. {array[0]} against "
                f"{self.names[0]}): every answer would be wrong. Split rows of the same classes in two."
            )
        if not known.all():
            warnings.warn(
                f"{int((~known).sum())} of {count} {name} are of no training class: counted as wrong.",
                stacklevel=3,
            )
        codes = np.searchsorted(self.names, np.where(known, array, self.names[0]))
        return np.where(known, codes, UNSEEN)


def chance_of(classes: int) -> str:
    """What guessing among so many classes scores, however often each of them is right."""
    return f"{classes} classes, chance {100 / classes:.1f} %"


def label_array(labels: Labels, count: int, name: str) -> np.ndarray:
    """Labels as `(count,)` int64 or strings.

    Errors:
        ArgumentError: another length or shape, fractions, missing values.
    """
    array = labels.detach().cpu().numpy() if isinstance(labels, Tensor) else np.asarray(labels)
    if array.shape != (count,):
        raise ArgumentError(f"{name} must hold one label for each of the {count} rows; got the shape {array.shape}.")
    if array.dtype.kind == "O" and all(isinstance(label, str) for label in array):
        array = array.astype(str)
    if array.dtype.kind == "f" and np.array_equal(array, np.round(array)):
        array = array.astype(np.int64)
    if array.dtype.kind in "iub":
        return array.astype(np.int64)
    if array.dtype.kind != "U":
        raise ArgumentError(
            f"{name} must be whole numbers or strings, a class for each row; got {array[:3].tolist()} of "
            f"{array.dtype}. Drop the rows without a label; cut a continuous target into bins first."
        )
    return array
