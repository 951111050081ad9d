"""When something was taken: numbers, dates and texts of dates as numbers that can be ordered."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import numpy as np

from contrapose.data.tables.foreign import is_missing
from contrapose.errors import DataError

EXAMPLE = "seconds (1719792000), or a date as 2024-07-01 or 2024-07-01T08:30:00"


def as_times(cells: Sequence[Any], where: str) -> np.ndarray:
    """`(S,)` float64 or int64 that grow with time: numbers as they are, dates as microseconds.

    Errors:
        DataError: a cell without a time, or one that is none, with its row.
    """
    if isinstance(cells, np.ndarray) and cells.dtype.kind in "iu":
        return cells.astype(np.int64)
    values = [cell.strip() if isinstance(cell, str) else cell for cell in cells]
    missing = next((row for row, value in enumerate(values) if is_missing(value) or value == ""), None)
    if missing is not None:
        raise DataError(f"{where} has no time in row {missing}: fill it, leave the row out, or name another column.")
    found = _numbers(values)
    return _dates(values, where) if found is None else found


def _numbers(values: Sequence[Any]) -> np.ndarray | None:
    if any(isinstance(value, date | datetime | np.datetime64) for value in values[:1]):
        return None
    try:
        numbers = np.asarray([float(value) for value in values])  # (S,)
    except (TypeError, ValueError):
        return None
    return numbers if np.isfinite(numbers).all() else None


def _dates(values: Sequence[Any], where: str) -> np.ndarray:
    times = np.empty(len(values), dtype=np.int64)
    for row, value in enumerate(values):
        try:
            times[row] = _microseconds(value)
        except (TypeError, ValueError):
            raise DataError(
                f"{where} holds {value!r} in row {row}, which is no time that can be ordered: give {EXAMPLE}."
            ) from None
    return times


def _microseconds(value: Any) -> int:
    if isinstance(value, np.datetime64):
        return int(value.astype("datetime64[us]").astype(np.int64))
    if hasattr(value, "to_pydatetime"):
        value = value.to_pydatetime()
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    if not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day) if isinstance(value, date) else None
    if value is None:
        raise TypeError("no time")
    return int(np.datetime64(value.replace(tzinfo=None), "us").astype(np.int64)) - _offset(value)


def _offset(value: datetime) -> int:
    """How far its clock is ahead of Greenwich, in microseconds."""
    ahead = value.utcoffset()
    return 0 if ahead is None else int(ahead.total_seconds() * 1e6)
