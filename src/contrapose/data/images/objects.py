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

from contrapose.data.files.names import printable
from contrapose.data.images.arrays import open_array
from contrapose.data.images.assembly import assemble, decode_listing, pack_in_memory
from contrapose.data.images.images import Images
from contrapose.data.images.listing import Listing, stamp
from contrapose.data.images.request import Request
from contrapose.data.labels import Labels, check_count, choose_labels, encode_labels, plain_name
from contrapose.data.samples import evenly_spaced
from contrapose.data.tables.columns import LABEL_NAMES, PICTURE_NAMES
from contrapose.data.tables.foreign import is_missing
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
    if isinstance(items, tuple) and len(items) == 2 and _is_labelled_pair(*items):
        raise DataError(
            "Pictures and their labels in one tuple are not taken: give the pictures, and labels= beside them. (Items "
            "of a list may be (picture, label).)"
        )
    if all(isinstance(item, (list, tuple, Mapping)) for item in items):
        _check_not_columns(items)
        parts = [_parts(item, "a list") for item in items]
        labels = encode_labels([label for _, label in parts], where="the items of the list")
        return as_pictures([picture for picture, _ in parts], request, labels=labels)
    items = [None if is_missing(item) else item for item in items]
    present = [item for item in items if item is not None]
    if present and all(isinstance(item, (str, os.PathLike)) for item in present):
        return decode_listing(_listed_files([item and os.fspath(item) for item in items]), request)
    if present and all(isinstance(item, (Image.Image, bytes)) for item in present):
        rows = [str(row) for row in range(len(items))]
        return decode_listing(Listing(pictures=items, identifiers=rows, origin="a list of pictures"), request)
    if all(isinstance(item, (np.ndarray, Tensor)) for item in items):
        return open_array(_stack([to_array(item) for item in items]), request, origin="a list of arrays")
    kinds = sorted({type(item).__name__ for item in items})
    raise DataError(
        f"A list of {', '.join(kinds)} is not understood: give paths, or Pillow images, or arrays of one shape."
    )


def as_pictures(items: Any, request: Request, *, labels: Labels | None) -> Images:
    """Pictures with labels that were found beside them: taken unless the caller brings others or wants none."""
    if not len(items):
        raise DataError("There are no pictures in it.")
    if labels is not None:
        check_count(labels, len(items), "The data")
    request = replace(request, labels=labels if request.labels is None and labels is not None else request.labels)
    if isinstance(items, (np.ndarray, Tensor)):
        return open_array(to_array(items), request)
    return open_sequence(items, request)


def open_paths_array(array: np.ndarray, request: Request) -> Images:
    """An array of paths, pictures or encoded bytes, one a sample: shape `(N,)`, or `(N, 1)`.

    Errors:
        DataError: several a sample.
    """
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]  # (N,)
    if array.ndim != 1:
        raise DataError(
            f"An array of {array.dtype.name} of shape {array.shape} is not one path a sample: give one column, shape "
            "(N,). The labels of another column go into labels=."
        )
    items = array.tolist()
    return open_sequence([os.fsdecode(item) for item in items] if array.dtype.kind == "S" else items, request)


def holds_paths(array: np.ndarray) -> bool:
    """Whether an array holds paths, encoded bytes or Pillow images in place of numbers."""
    from PIL import Image

    if array.dtype.kind in "US":
        return True
    first = next((item for item in array.flat if not is_missing(item)), None) if array.dtype.kind == "O" else None
    return isinstance(first, (str, os.PathLike, bytes, Image.Image))


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
    labels = items.labels(_class_names(dataset)) if request.reads_labels else given and given.select(rows)
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

    def labels(self, names: list[str] | None) -> Labels | None:
        labels = encode_labels(self.found, where=self.origin)
        if labels is None or labels.names is not None or names is None:
            return labels
        return Labels(labels.numbers, tuple(names)) if labels.numbers.max() < len(names) else labels


def _class_names(dataset: Any) -> list[str] | None:
    """The names of the classes 0, 1, ... as torchvision's data sets carry them; also below a `Subset`."""
    while not hasattr(dataset, "classes") and (hasattr(dataset, "dataset") or bool(getattr(dataset, "datasets", None))):
        dataset = dataset.dataset if hasattr(dataset, "dataset") else dataset.datasets[0]
    names = getattr(dataset, "classes", None)
    fitting = isinstance(names, (list, tuple)) and names and all(isinstance(name, str) for name in names)
    return [plain_name(name) for name in names] if fitting and names is not None else None


def _is_labelled_pair(pictures: Any, labels: Any) -> bool:
    """Whether a tuple is (all pictures, all labels), or (one picture, its label), rather than two pictures."""
    if isinstance(pictures, list) and isinstance(labels, list):
        return True
    dimensions = [getattr(value, "ndim", 1 if isinstance(value, (list, tuple)) else 0) for value in (pictures, labels)]
    return dimensions[0] > dimensions[1] or (dimensions[1] == 0 and isinstance(labels, (int, float, np.generic)))


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


def _check_not_columns(items: Sequence[Any]) -> None:
    """Stop at lists of numbers, which hold no picture, and may be data of two other kinds; and at `[pictures, labels]`,
    whose rows would be taken for (picture, label)."""
    cells = [cell for item in items if not isinstance(item, Mapping) for cell in item]
    if cells and all(isinstance(cell, int | float) for cell in cells):
        raise DataError(
            "Lists of numbers hold no pictures. Where they are the items of users, one list a user, say "
            "modality='items'; where they are rows of a table, give numpy.array(...) of them."
        )
    longest = max(len(item) if isinstance(item, list) else 0 for item in items)
    if len(items) == 2 and longest > 2:
        raise DataError(
            "Two lists in a list are not taken: give the pictures, and labels= beside them; or (picture, label) items."
        )


def _listed_files(paths: list[str | None]) -> Listing:
    present = [path for path in paths if path is not None]
    root = Path(os.path.commonpath([Path(path).absolute().parent for path in present]))
    names = [
        str(row) if path is None else os.path.relpath(Path(path).absolute(), root).replace(os.sep, "/")
        for row, path in enumerate(paths)
    ]
    stamps = [stamp(path or "", name) for path, name in zip(paths, names, strict=True)]
    if all(size < 0 for _, size, *_ in stamps):
        raise DataError(f"None of the {len(paths)} files in the list exists (first: {present[0]}).")
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
