"""Class labels of any kind into int64 numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from contrapose.errors import ArgumentError, DataError


@dataclass(frozen=True)
class Labels:
    """One class number a sample, and the classes' names where they have some.

    Shapes:
        numbers: `(N,)` int64.
    """

    numbers: np.ndarray
    names: tuple[str, ...] | None = None

    def select(self, rows: np.ndarray) -> Labels:
        return Labels(self.numbers[rows], self.names)


def encode_labels(values: Any, *, where: str, names: Sequence[str] | None = None) -> Labels:
    """Integers stay what they are; texts become the row numbers of their sorted distinct values.

    Arguments:
        values: N labels: integers, whole floats, booleans or texts; `(N, 1)` is taken as `(N,)`.
        where: where they come from, for the error texts, e.g. `"column 'label'"`.
        names: names of the classes 0, 1, ..., where the source has them.

    Errors:
        DataError: missing labels, fractions, more than one label a sample, or other types.
    """
    array = np.asarray(values.detach().cpu() if hasattr(values, "detach") else values)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]  # (N,)
    if array.ndim != 1:
        raise DataError(
            f"The labels in {where} are of shape {array.shape}: give one class number a sample, shape (N,). "
            "One-hot rows become numbers with .argmax(axis=1)."
        )
    if array.dtype.kind == "O":
        array = _homogeneous(array, where)
    if array.dtype.kind == "f":
        array = _whole(array, where)
    if array.dtype.kind in "US":
        texts, numbers = np.unique(array.astype(str), return_inverse=True)
        return Labels(numbers.astype(np.int64), tuple(texts.tolist()))
    if array.dtype.kind not in "iub":
        raise DataError(f"The labels in {where} are of type {array.dtype}: give integers or texts.")
    numbers = array.astype(np.int64)
    _check_names(numbers, names, where)
    return Labels(numbers, None if names is None else tuple(str(name) for name in names))


def choose_labels(found: Labels | None, asked: Any, count: int) -> Labels | None:
    """The labels that the user asked for: `None` = as found, `False` = none, else one a sample."""
    if asked is None:
        return found
    if asked is False:
        return None
    if isinstance(asked, (str, bool)):
        raise ArgumentError(
            f"labels={asked!r} is not understood here: give one label a sample, or False for none. "
            "A column or array inside the data is chosen with label_column=."
        )
    labels = encode_labels(asked, where="labels=")
    check_count(labels, count, "labels=")
    return labels


def check_count(labels: Labels, count: int, where: str) -> None:
    """Stop unless there is one label for each of `count` samples."""
    if len(labels.numbers) != count:
        raise DataError(f"{where} holds {len(labels.numbers)} labels for {count} pictures: give one for each.")


def _homogeneous(array: np.ndarray, where: str) -> np.ndarray:
    missing = sum(value is None for value in array)
    if missing:
        raise DataError(
            f"{missing} of {len(array)} labels in {where} are missing: fill them in, or open the data "
            "without "
            "labels (labels=False)."
        )
    kinds = {type(value).__name__ for value in array}
    if len(kinds) > 1 or np.asarray(array.tolist()).dtype.kind == "O":
        raise DataError(f"The labels in {where} are of mixed or unknown types ({', '.join(sorted(kinds))}).")
    return np.asarray(array.tolist())


def _whole(array: np.ndarray, where: str) -> np.ndarray:
    wrong = ~(np.isfinite(array) & (array == np.round(array)))
    if wrong.any():
        raise DataError(
            f"{int(wrong.sum())} labels in {where} are not whole numbers (first: row {int(wrong.argmax())}, "
            f"{array[wrong][0]}): classes are integers or texts. Open without them with labels=False."
        )
    return array.astype(np.int64)


def _check_names(numbers: np.ndarray, names: Sequence[str] | None, where: str) -> None:
    if names is not None and len(numbers) and not 0 <= numbers.min() <= numbers.max() < len(names):
        raise DataError(
            f"The labels in {where} run from {numbers.min()} to {numbers.max()}, but there are names for "
            f"classes 0 to {len(names) - 1}."
        )
