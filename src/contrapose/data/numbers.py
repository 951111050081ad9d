"""Numbers as targets: a column of a table, or one number a sample, as float64 with NaN where there is none."""

from __future__ import annotations

from typing import Any

import numpy as np

from contrapose.data.labels import MISSING
from contrapose.data.tables.foreign import is_column, is_missing, items_of
from contrapose.errors import DataError


def as_numbers(values: Any, *, where: str) -> np.ndarray:
    """One number a sample, by position; missing ones become NaN.

    Arguments:
        values: N numbers, or texts that are numbers, in a list, array, tensor, series or the like.
        where: where they come from, for the error's text.

    Shapes:
        returns `(N,)` float64.

    Errors:
        DataError: something that is no number, infinite ones, or none at all.
    """
    if hasattr(values, "detach"):
        values = values.detach().cpu().numpy()
    cells = items_of(values) if is_column(values) else values.tolist() if isinstance(values, np.ndarray) else values
    numbers = np.full(len(cells), np.nan)
    for row, cell in enumerate(cells):
        if is_missing(cell) or (isinstance(cell, str) and cell.strip() in MISSING):
            continue
        try:
            numbers[row] = float(cell)
        except (TypeError, ValueError):
            raise DataError(f"{where} holds {cell!r} in row {row}, which is no number: name another column.") from None
    if not np.isfinite(numbers).any() or np.isinf(numbers).any():
        what = "no number" if not np.isfinite(numbers).any() else "infinite numbers"
        raise DataError(f"{where} holds {what}: name another column with number_column= (--number-column).")
    return numbers  # (N,)
