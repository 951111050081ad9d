"""Frames and dictionaries from Python: columns of pictures and labels, by position."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from torch import Tensor

from contrapose.data.images.arrays import KEYS
from contrapose.data.images.columns import choose_columns
from contrapose.data.images.images import Images
from contrapose.data.images.objects import as_pictures
from contrapose.data.images.request import Request
from contrapose.data.labels import encode_labels
from contrapose.data.numbers import as_numbers
from contrapose.data.samples import NUMBER
from contrapose.data.tables.columns import PICTURE_NAMES, asked_column
from contrapose.data.tables.foreign import columns_of, is_column, is_missing, items_of
from contrapose.data.tables.held import is_many, kind_of_column
from contrapose.errors import ArgumentError, DataError
from contrapose.words import a_type


def open_frame(frame: Any, request: Request) -> Images:
    """A frame of pandas, polars or pyarrow with a column of paths, encoded pictures, Pillow images or arrays.

    Rows are taken in their order, whatever the index says; paths are relative to the working folder.

    Errors:
        DataError: no rows, no column of pictures, or what is in it is no picture.
        ArgumentError: a column that does not exist.
    """
    origin = a_type(frame)
    if not len(frame):
        raise DataError(f"{origin} has no rows.")
    return _open_columns(columns_of(frame), request, origin)


def open_mapping(mapping: Mapping[Any, Any], request: Request) -> Images:
    """A dictionary: `{"images": ..., "labels": ...}` of equally long columns, or `{path: label}` in its order.

    Errors:
        ArgumentError: a dictionary of anything else.
    """
    if not mapping:
        raise DataError("An empty dictionary holds no pictures.")
    columns = {str(name): values for name, values in mapping.items()}
    names = {name.lower() for name in columns}
    if all(is_many(values) for values in columns.values()):
        if names & {*PICTURE_NAMES, *KEYS} or request.image_column in columns:
            return _open_columns(columns, request, "a dictionary")
    elif not names & set(PICTURE_NAMES) and all(map(_is_label, columns.values())):
        labels = encode_labels(list(columns.values()), where="the values of the dictionary")
        return as_pictures(list(columns), request, labels=labels)
    some = ", ".join(repr(name) for name in list(columns)[:4]) + (", ..." if len(columns) > 4 else "")
    raise ArgumentError(
        f'A dictionary with the keys {some} is not understood: give {{"images": pictures, "labels": labels}}, or '
        "{path: label}. Of a dictionary of pictures give list(d.values()), of one of splits one split, d['train']."
    )


def _open_columns(columns: Mapping[str, Any], request: Request, origin: str) -> Images:
    kinds = {name: kind_of_column(values) for name, values in columns.items()}
    usual = {name.lower(): name for name in columns}
    if request.image_column is None and not any(name in usual for name in PICTURE_NAMES):  # as in an .npz
        named = next((usual[name] for name in KEYS if name in usual and kinds[usual[name]] == "bytes"), None)
        request = replace(request, image_column=named)
    chosen = choose_columns(kinds, request, origin=origin)
    label = chosen.label
    if label is None and request.reads_labels:
        known = KEYS.get(chosen.picture.lower(), KEYS["images"])
        label = next((usual[name] for name in known if name in usual and kinds[usual[name]] in ("whole", "text")), None)
    labels = None if label is None else encode_labels(columns[label], where=f"column {label!r} of {origin}")
    pictures = columns[chosen.picture]
    if not isinstance(pictures, (np.ndarray, Tensor)):
        pictures = [_picture(value) for value in (items_of(pictures) if is_column(pictures) else pictures)]
    images = as_pictures(pictures, request, labels=labels)
    images.notes = (replace(chosen, label=label).noted(labels), *images.notes)
    number = asked_column(kinds, request.number_column, origin)
    if number is None:
        return images
    return images.with_target(NUMBER, as_numbers(columns[number], where=f"column {number!r} of {origin}"))


def _is_label(value: Any) -> bool:
    return value is None or isinstance(value, (str, int, float, np.generic))


def _picture(value: Any) -> Any:
    if isinstance(value, Mapping):  # as `datasets` stores pictures
        return value.get("path") if value.get("bytes") is None else value["bytes"]
    return None if is_missing(value) else value
