"""`Rows`: a table of numbers and categories, one row a sample."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import ArrayLike
from torch import Tensor

from contrapose.columns import Column, numbered
from contrapose.data.samples import Samples
from contrapose.errors import ArgumentError
from contrapose.words import counted

SHOWN = 8  # cells of an excerpt


class Rows(Samples):
    """Rows of F numbers and categories; a category is a place among the values of its column, and NaN is missing.

    Shapes:
        values: `(N', F)` floating point; kept as `store`.
        batch(indices): `(B, F)`.

    Arguments:
        columns: what each of the F columns holds. None: numbers without names.
        described: targets, class_names, identifiers, skipped, origin, notes, fingerprint, rows; see `Samples`.

    Errors:
        ArgumentError: another shape, or no numbers at all.
    """

    modality: ClassVar[str] = "rows"
    noun: ClassVar[str] = "row"

    def __init__(self, values: Tensor, columns: Sequence[Column] | None = None, **described: Any) -> None:
        if values.ndim != 2 or 0 in values.shape or not values.is_floating_point():
            raise ArgumentError(
                f"Rows hold floating point numbers of shape (N, F) with N, F > 0, not {values.dtype} of shape "
                f"{tuple(values.shape)}."
            )
        if columns is not None and len(columns) != values.shape[1]:
            raise ArgumentError(
                f"{values.shape[1]} columns of values came with {len(columns)} names: give one for each."
            )
        self.store = values
        self.described = columns is not None
        self.columns = numbered(values.shape[1]) if columns is None else tuple(columns)
        super().__init__(len(values), **described)

    @property
    def names(self) -> list[str]:
        """What the columns are called."""
        return [column.name for column in self.columns]

    @property
    def values(self) -> Float[Tensor, "N F"]:
        """All rows; of a subset, a copy."""
        return self.store if self.rows is None else self.store[torch.from_numpy(self.rows)]

    def batch(self, indices: Tensor | ArrayLike) -> Float[Tensor, "B F"]:
        """The rows of these numbers, in this order."""
        return self.store[torch.from_numpy(self.stored_rows(indices))]  # (B, F)

    def statistics(self) -> tuple[tuple[Column, ...], list[float], list[float]]:
        """The columns, saying which have missing values here, and mean and standard deviation of each, missing values
        aside: 0 and 1 of a category, and 1 for the deviation of a constant."""
        columns, means, scales = [], [], []
        for column, cells in zip(self.columns, self.values.T, strict=True):
            known = cells[~cells.isnan()].double()  # (n,)
            columns.append(replace(column, missing=len(known) < len(cells)))
            plain = column.values is None and len(known) > 0
            mean = float(known.mean()) if plain else 0.0
            scale = float((known - mean).square().mean().sqrt()) if plain else 1.0
            means.append(mean)
            scales.append(scale if scale > 1e-12 * abs(mean) else 1.0)  # below it is rounding
        return tuple(columns), means, scales

    def cells(self, row: int) -> list[str]:
        """A row as people read it."""
        (values,) = self.batch([row]).tolist()
        return [column.shown(value) for column, value in zip(self.columns, values, strict=True)]

    def digest(self) -> str:
        """A hash of the shape, of what the columns are, and of all numbers."""
        what = f"{tuple(self.store.shape)} {self.store.dtype}" + (f" {self.columns}" if self.described else "")
        digest = hashlib.sha256(what.encode("utf-8", "surrogatepass"))
        digest.update(np.ascontiguousarray(self.store.numpy()).tobytes())
        return digest.hexdigest()

    def contents(self) -> Iterator[np.ndarray]:
        """The numbers of each row."""
        yield from np.ascontiguousarray(self.values.numpy())

    @property
    def shape(self) -> tuple[int, ...]:
        """(F,)."""
        return (len(self.columns),)

    def excerpt(self, row: int) -> str:
        """The first cells, by the names of their columns."""
        shown = [f"{name} {cell}" for name, cell in zip(self.names, self.cells(row), strict=True)]
        return ", ".join(shown[:SHOWN]) + (", ..." if len(shown) > SHOWN else "")

    def in_words(self) -> str:
        """How many columns of each kind there are."""
        categories = sum(column.values is not None for column in self.columns)
        numbers = len(self.columns) - categories
        kinds = [f"{numbers} numbers"] if numbers != 1 else ["1 number"]
        kinds += [counted(categories, "category", "categories")] if categories else []
        return " and ".join(kinds if numbers else kinds[1:])

    def facts(self) -> dict[str, Any]:
        """The columns by name, and what they hold."""
        return {"columns": {column.name: "number" if column.values is None else "category" for column in self.columns}}
