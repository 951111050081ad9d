"""What comes in, checked once: embeddings as a finite float tensor, counts as whole numbers."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from contrapose.errors import ArgumentError

Array = Tensor | np.ndarray
"""Embeddings, labels or per-item scores, as a torch tensor or a numpy array."""


def as_rows(values: Array, name: str, *, letters: str = "N D", minimum: int = 1) -> Tensor:
    """Embeddings as a detached float32 tensor (float64 stays float64) on the device they came on.

    Shapes:
        values: one dimension for each of `letters`, the last one the embedding; returned with the same shape.

    Arguments:
        values: numbers of any real type; whole numbers (raw pixels) become float32.
        name: how the errors call it.
        letters: the expected dimensions, e.g. `"N D"` or `"R N D"`.
        minimum: the fewest rows (first dimension) that make sense to the caller.

    Errors:
        ArgumentError: not numbers, another number of dimensions, too few rows, nothing in a row, or rows that
            hold NaN or infinity (it says how many).
    """
    rows = _float_tensor(values, name)
    if rows.ndim != len(letters.split()):
        remedy = "one row a sample, e.g. by x.reshape(len(x), -1)." if letters == "N D" else "one letter a dimension."
        raise ArgumentError(f"{name} must be ({letters.replace(' ', ', ')}); got {tuple(rows.shape)}. Give {remedy}")
    if rows.shape[0] < minimum or rows[0].numel() == 0:
        raise ArgumentError(
            f"{name} must hold at least {minimum} row(s) of at least one number; got {tuple(rows.shape)}."
        )
    # A sum is finite only of finite numbers, and needs no memory; where it is not, rows may still be large and finite.
    broken = 0 if bool(rows.sum().isfinite()) else _broken(rows)
    if broken:
        raise ArgumentError(
            f"{name}: {broken} of {rows[..., 0].numel()} rows hold NaN or infinity. "
            "Remove them, or find the input or training step that produced them."
        )
    return rows


def as_numbers(values: Any, count: int, name: str) -> np.ndarray:
    """Targets of `count` rows as `(count,)` float64.

    Errors:
        ArgumentError: another length or shape, not numbers, NaN or infinity (it says how many).
    """
    array = values.detach().cpu().numpy() if isinstance(values, Tensor) else np.asarray(values)
    if array.shape != (count,):
        raise ArgumentError(f"{name} must hold one number for each of the {count} rows; got the shape {array.shape}.")
    if array.dtype.kind not in "fiu":
        raise ArgumentError(f"{name} must be numbers; got {array[:3].tolist()} of {array.dtype}. Take kNN for classes.")
    numbers = array.astype(np.float64)
    broken = int((~np.isfinite(numbers)).sum())
    if broken:
        raise ArgumentError(f"{name}: {broken} of {count} are NaN or infinite. Leave out the rows without a number.")
    return numbers


def _broken(rows: Tensor) -> int:
    """How many rows hold NaN or infinity, from a part of `(..., D)` at a time."""
    return sum(int((~torch.isfinite(part).all(dim=-1)).sum()) for part in rows.split(4096))


def _float_tensor(values: Array, name: str) -> Tensor:
    if isinstance(values, Tensor):
        if values.is_complex():
            raise ArgumentError(f"{name} must be real numbers; got {values.dtype}.")
        return values.detach().to(values.dtype if values.dtype == torch.float64 else torch.float32)
    array = np.asarray(values)
    if array.dtype.kind not in "fiub":
        raise ArgumentError(f"{name} must be numbers in one regular array; got an array of {array.dtype}.")
    wanted = np.float64 if array.dtype.kind == "f" and array.dtype.itemsize >= 8 else np.float32
    # torch warns about read-only memory (memory maps), so that is copied; anything else is shared
    return torch.from_numpy(np.require(array, dtype=wanted, requirements=["C", "W"]))


def positive_integer(value: Any, name: str) -> int:
    """`value` as an `int` of at least 1, or an `ArgumentError` that names it."""
    try:
        number = operator.index(value)
    except TypeError:
        number = 0
    if number < 1:
        raise ArgumentError(f"{name} must be a whole number of at least 1; got {value!r}.")
    return number


def positive_number(value: Any, name: str) -> float:
    """`value` as a finite `float` above 0, or an `ArgumentError` that names it."""
    number = float(value)
    if not 0.0 < number < float("inf"):
        raise ArgumentError(f"{name} must be a finite number above 0; got {value!r}.")
    return number
