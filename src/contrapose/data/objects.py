"""Pictures given from Python: lists of paths, pictures or arrays, and map-style data sets."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from contrapose.data.arrays import open_array
from contrapose.data.assembly import assemble, decode_listing, pack_in_memory
from contrapose.data.columns import LABEL_NAMES, PICTURE_NAMES
from contrapose.data.images import Images, evenly_spaced
from contrapose.data.labels import choose_labels, encode_labels
from contrapose.data.listing import Listing, stamp
from contrapose.data.request import Request
from contrapose.errors import ArgumentError, DataError


def to_array(value: np.ndarray | Tensor) -> np.ndarray:
    """A tensor of any device and type as an array."""
    if not isinstance(value, Tensor):
        return value
    value = value.detach().cpu()
    return (value if value.dtype.itemsize != 2 or not value.is_floating_point() else value.float()).numpy()


def open_sequence(items: Sequence[Any], request: Request) -> Images:
    """A list of paths, of Pillow images or encoded bytes, or of arrays of one shape.

    Errors:
        DataError: an empty list, items of several kinds, or arrays of several shapes.
    """
    from PIL import Image

    if not items:
        raise DataError("An empty list holds no pictures.")
    if all(isinstance(item, (str, os.PathLike)) for item in items):
        return decode_listing(_listed_files([os.fspath(item) for item in items]), request)
    if all(isinstance(item, (Image.Image, bytes)) for item in items):
        rows = [str(row) for row in range(len(items))]
        return decode_listing(Listing(pictures=items, identifiers=rows, origin="a list of pictures"), request)
    if all(isinstance(item, (np.ndarray, Tensor)) for item in items):
        return open_array(_stack([to_array(item) for item in items]), request, origin="a list of arrays")
    kinds = sorted({type(item).__name__ for item in items})
    raise DataError(
        f"A list of {', '.join(kinds)} is not understood: give paths, or Pillow images, or arrays of one shape."
    )


def open_dataset(dataset: Any, request: Request) -> Images:
    """A map-style data set: `len(dataset)` items that are a picture, (picture, label), or a dictionary of these.

    Pictures are Pillow images, paths, encoded bytes, or arrays and tensors of one shape. Every item is asked for
    once (the first may be twice), in this process, and kept as uint8 pixels in memory: what the data set draws at
    random is then drawn for good, so leave random views to the training.

    Errors:
        ArgumentError: no length, as of an iterable-style data set.
        DataError: an item that cannot be read, or pictures that do not fit each other.
    """
    try:
        length = len(dataset)
    except TypeError as error:
        raise ArgumentError(
            f"{type(dataset).__name__} has no length: give a map-style data set, a path, a list or an array."
        ) from error
    if not length:
        raise DataError(f"{type(dataset).__name__} is empty.")
    rows = evenly_spaced(length, request.limit)
    items = _Items(dataset, rows)
    if request.labels is not None and request.labels is not False:
        items.given = choose_labels(None, request.labels, length)
    wanted = replace(request, limit=None, labels=None)
    if isinstance(items[0], (np.ndarray, Tensor)):
        array = _stack([to_array(items[row]) for row in range(len(items))])
        images = open_array(array, wanted, origin=items.origin)
        kept = np.arange(len(items))
    else:
        request.check_photo_channels()
        listing = Listing(pictures=items, identifiers=[str(row) for row in rows], origin=items.origin)
        packed = pack_in_memory(listing, wanted)
        images, kept = assemble(listing, packed), packed.rows
    labels = None if request.labels is False else items.labels(kept)
    return images if labels is None else images.with_labels(labels.numbers, labels.names)
