"""`Rows`: a table of numbers, one row a sample."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import ArrayLike
from torch import Tensor

from contrapose.data.samples import Samples
from contrapose.errors import ArgumentError


class Rows(Samples):
    """Rows of F finite numbers.

    Shapes:
        values: `(N', F)` floating point; kept as `store`.
        batch(indices): `(B, F)`.

    Arguments:
        described: targets, class_names, identifiers, skipped, origin, notes, fingerprint, rows; see `Samples`.

    Errors:
        ArgumentError: another shape, or no numbers at all.
    """

    modality: ClassVar[str] = "rows"
    noun: ClassVar[str] = "row"

    def __init__(self, values: Tensor, **described: Any) -> None:
        if values.ndim != 2 or 0 in values.shape or not values.is_floating_point():
            raise ArgumentError(
                f"Rows hold floating point numbers of shape (N, F) with N, F > 0, not {values.dtype} of shape "
                f"{tuple(values.shape)}."
            )
        self.store = values
        super().__init__(len(values), **described)

    @property
    def columns(self) -> int:
        """F."""
        return self.store.shape[1]

    @property
    def names(self) -> list[str]:
        """What the columns are called."""
        return [f"column {column}" for column in range(self.columns)]

    @property
    def values(self) -> Float[Tensor, "N F"]:
        """All rows; of a subset, a copy."""
        return self.store if self.rows is None else self.store[torch.from_numpy(self.rows)]

    def batch(self, indices: Tensor | ArrayLike) -> Float[Tensor, "B F"]:
        """The rows of these numbers, in this order."""
        return self.store[torch.from_numpy(self.stored_rows(indices))]  # (B, F)

    def digest(self) -> str:
        """A hash of the shape and of all numbers."""
        digest = hashlib.sha256(f"{tuple(self.store.shape)} {self.store.dtype}".encode())
        digest.update(np.ascontiguousarray(self.store.numpy()).tobytes())
        return digest.hexdigest()

    def contents(self) -> Iterator[np.ndarray]:
        """The numbers of each row."""
        yield from np.ascontiguousarray(self.values.numpy())

    @property
    def shape(self) -> tuple[int, ...]:
        """(F,)."""
        return (self.columns,)

    def in_words(self) -> str:
        """The number of columns."""
        return f"{self.columns} numbers"
