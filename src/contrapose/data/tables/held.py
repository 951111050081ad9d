"""What columns from Python hold, by the values that are in them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np
from torch import Tensor

from contrapose.data.tables.columns import Kind
from contrapose.data.tables.foreign import is_column, is_missing, items_of


def is_many(value: Any) -> bool:
    """Whether a value of a dictionary is a column rather than one thing."""
    return is_column(value) or (isinstance(value, (list, tuple, np.ndarray, Tensor)) and getattr(value, "ndim", 1) > 0)


def kind_of_column(values: Any) -> Kind:
    """What a column holds, by its first value that is there."""
    from PIL import Image

    if isinstance(values, (np.ndarray, Tensor)) and values.ndim > 1:
        return "bytes" if values.ndim > 2 else "other"
    values = items_of(values) if is_column(values) or isinstance(values, (np.ndarray, Tensor)) else values
    first = next((value for value in values if not is_missing(value)), None)
    if isinstance(first, Mapping):
        return "struct" if {"bytes", "path"} <= first.keys() else "other"
    if isinstance(first, (bytes, Image.Image, np.ndarray, Tensor)):
        return "bytes"
    if isinstance(first, (str, os.PathLike)):
        return "text"
    if isinstance(first, (bool, int, np.bool_, np.integer)):
        return "whole"
    if isinstance(first, (float, np.floating)):
        return "whole" if all(is_missing(value) or value == round(value) for value in values) else "number"
    return "other"


def held_kind(values: Any) -> Kind:
    """What a column holds; of fractions that are all whole numbers, those."""
    if isinstance(values, np.ndarray) and values.ndim == 1 and values.dtype.kind in "biuf":
        known = values[~np.isnan(values)] if values.dtype.kind == "f" else values
        return "whole" if np.array_equal(known, np.floor(known)) else "number"
    return kind_of_column(values)
