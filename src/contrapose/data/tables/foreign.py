"""Columns and frames of other libraries (pandas, polars, pyarrow), read by position, never by their index.

A series of pandas that was shuffled answers `series[0]` with the row whose *label* is 0, and has as many truths as
rows: nothing of it may be taken for a list. No such library is imported here; objects are known by what they can do.
"""

from __future__ import annotations

from typing import Any

import numpy as np

LISTERS = ("to_pylist", "to_list", "tolist")  # how pyarrow, polars and pandas, and all else give Python objects


def is_frame(value: Any) -> bool:
    """Whether it is a table with named columns: a frame of pandas or polars, a table of pyarrow."""
    return (hasattr(value, "iloc") and hasattr(value, "columns")) or (
        type(value).__module__.partition(".")[0] in ("polars", "pyarrow")
        and (hasattr(value, "get_columns") or hasattr(value, "column_names"))
    )


def is_column(value: Any) -> bool:
    """Whether it is one column: a series, index or categorical of pandas, a series of polars, an array of pyarrow."""
    known = hasattr(value, "iloc") or type(value).__module__.partition(".")[0] in ("pandas", "polars", "pyarrow")
    lists = any(hasattr(value, name) for name in LISTERS)
    return known and lists and hasattr(value, "__len__") and not is_frame(value)


def items_of(column: Any) -> list[Any]:
    """The values of a column, in order."""
    name = next(name for name in LISTERS if hasattr(column, name))
    return list(getattr(column, name)())


def columns_of(frame: Any) -> dict[str, Any]:
    """The columns of a frame by name, in order."""
    if hasattr(frame, "iloc"):  # pandas allows any name, and one twice
        columns: dict[str, Any] = {}
        for place, name in enumerate(frame.columns):
            columns.setdefault(str(name), frame.iloc[:, place])
        return columns
    names = list(getattr(frame, "column_names", None) or frame.columns)
    return {name: frame.column(name) if hasattr(frame, "column") else frame.get_column(name) for name in names}


def is_missing(value: Any) -> bool:
    """Whether a value stands for none: `None`, NaN, or what pandas has in place of them."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, (float, np.floating)) and bool(np.isnan(value))
