"""Pictures given from Python: lists of paths, pictures or arrays, and map-style data sets."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor, bfloat16

from contrapose.data.arrays import open_array
from contrapose.data.assembly import assemble, decode_listing, pack_in_memory
from contrapose.data.columns import LABEL_NAMES, PICTURE_NAMES
from contrapose.data.file_names import printable
from contrapose.data.images import Images, evenly_spaced
from contrapose.data.labels import Labels, choose_labels, encode_labels
from contrapose.data.listing import Listing, stamp
from contrapose.data.request import Request
from contrapose.errors import ArgumentError, DataError


def to_array(value: np.ndarray | np.generic | Tensor) -> np.ndarray:
    """A tensor of any device and type as an array."""
    if not isinstance(value, Tensor):
        return np.asarray(value)
    value = value.detach().cpu()
    return (value.float() if value.dtype == bfloat16 else value).numpy()  # numpy has no bfloat16


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
    """A map-style data set: items that are a picture, (picture, label), or a dictionary of these.

    Pictures are Pillow images, paths, encoded bytes, or arrays and tensors of one shape. Every item is asked
    for once (the first may be twice), in this process, and kept as uint8 pixels in memory: what the data set
    draws at random is then drawn for good, so leave random views to the training.

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
    given = None if request.reads_labels else choose_labels(None, request.labels, length)
    items = _Items(dataset, rows)
    images, kept = _fetched(items, replace(request, limit=None, labels=None))
    labels = items.labels() if request.reads_labels else given and given.select(rows)
    return images if labels is None else images.with_labels(labels.numbers[kept], labels.names)


def _fetched(items: _Items, request: Request) -> tuple[Images, np.ndarray]:
    """All items' pictures, and which of the items they are."""
    if isinstance(items[0], (np.ndarray, Tensor)):
        array = _stack([to_array(items[row]) for row in range(len(items))])
        return open_array(array, request, origin=items.origin), np.arange(len(items))
    request.check_photo_channels()
    names = [str(row) for row in items.rows]
    listing = Listing(pictures=items, identifiers=names, origin=items.origin)
    packed = pack_in_memory(listing, request)
    return assemble(listing, packed), packed.rows


class _Items(Sequence[Any]):
    """The pictures of some items of a data set; their labels are kept on the way."""

    def __init__(self, dataset: Any, rows: np.ndarray) -> None:
        self.dataset = dataset
        self.rows = rows
        self.found: list[Any] = [None] * len(rows)
        self.origin = f"data set {type(dataset).__name__}"

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, row: Any) -> Any:
        try:
            item = self.dataset[int(self.rows[row])]
        except Exception as error:  # a data set can raise anything
            reason = f"{type(error).__name__}: {error}".splitlines()[0]
            raise DataError(f"Item {self.rows[row]} of {self.origin} could not be read ({reason}).") from error
        picture, self.found[row] = _parts(item, self.origin)
        return picture

    def labels(self) -> Labels | None:
        if all(label is None for label in self.found):
            return None
        return encode_labels(np.asarray(self.found), where=self.origin)


def _parts(item: Any, origin: str) -> tuple[Any, Any]:
    """An item's picture, and its label where that is one class: a number or a text."""
    from PIL import Image

    if isinstance(item, Mapping):
        picture = next((item[name] for name in PICTURE_NAMES if name in item), None)
        label = next((item[name] for name in LABEL_NAMES if name in item), None)
    elif isinstance(item, (tuple, list)) and item:
        picture, label = item[0], item[1] if len(item) > 1 else None
    else:
        picture, label = item, None
    if not isinstance(picture, (Image.Image, np.ndarray, Tensor, bytes, str, os.PathLike)):
        raise DataError(
            f"Items of {origin} must be a picture, (picture, label) or a dictionary with an image; "
            f"one is {type(item).__name__} with {type(picture).__name__} for a picture."
        )
    if isinstance(label, (Tensor, np.ndarray, np.generic)) and to_array(label).size == 1:
        label = label.item()
    return picture, label if isinstance(label, (int, float, str)) else None


def _listed_files(paths: list[str]) -> Listing:
    root = Path(os.path.commonpath([Path(path).absolute().parent for path in paths]))
    names = [os.path.relpath(Path(path).absolute(), root).replace(os.sep, "/") for path in paths]
    stamps = [stamp(path, name) for path, name in zip(paths, names, strict=True)]
    if all(size < 0 for _, size, *_ in stamps):
        raise DataError(f"None of the {len(paths)} files in the list exists (first: {paths[0]}).")
    which = hashlib.sha256(os.fsencode("\n".join(names))).hexdigest()[:16]
    return Listing(
        pictures=paths,
        identifiers=[printable(name) for name in names],
        origin=printable(f"a list of files below {root}"),
        place=f"{root}#{which}",
        stamps=stamps,
    )


def _stack(arrays: list[np.ndarray]) -> np.ndarray:
    shapes = sorted({array.shape for array in arrays})
    if len(shapes) > 1:
        raise DataError(
            f"The {len(arrays)} arrays have {len(shapes)} shapes, e.g. {shapes[0]} and {shapes[-1]}: resize "
            "them to "
            "one, or give Pillow images or paths, which are brought to one size."
        )
    return np.stack(arrays)  # (N, ...)
