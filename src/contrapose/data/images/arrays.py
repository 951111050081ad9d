"""Pictures that are arrays already: in memory, in `.npy` and in `.npz` files."""

from __future__ import annotations

import hashlib
import os
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from contrapose.data.images.images import Images
from contrapose.data.images.listing import stamp
from contrapose.data.images.masks import fitted_array
from contrapose.data.images.pixels.array_form import channels_first, eight_bit, fit
from contrapose.data.images.request import Request
from contrapose.data.labels import Labels, check_count, choose_labels, encode_labels
from contrapose.data.numbers import as_numbers
from contrapose.data.samples import MASK, NUMBER, evenly_spaced
from contrapose.errors import ArgumentError, DataError, did_you_mean
from contrapose.preparation import Fit

# for each way of naming pictures in an archive, the ways of naming their labels, first match first
KEYS = {
    **dict.fromkeys(("images", "image", "x", "data", "pixels", "arr_0"), ("labels", "label", "y", "targets", "target")),
    "x_train": ("y_train", "labels_train"),
    "train_images": ("train_labels",),
    "images_train": ("labels_train",),
}
NAME_KEYS = ("class_names", "label_names", "classes")


def open_array(
    array: np.ndarray,
    request: Request,
    *,
    origin: str = "an array",
    labels: Labels | None = None,
    numbers: np.ndarray | None = None,
    masks: np.ndarray | None = None,
    former_fingerprint: str | None = None,
    notes: Sequence[str] = (),
) -> Images:
    """An array of pictures as `Images`: without a copy where it is uint8, square and has the size asked for.

    Shapes:
        array: `(N, H, W)`, `(N, H, W, C)` or `(N, C, H, W)`, of numbers (see `array_form`).

    Errors:
        DataError: not pictures, or labels that do not fit.
    """
    if array.dtype.kind == "O":
        array = _stacked(array)
    pictures = channels_first(array)  # (N, C, H, W)
    chosen = choose_labels(labels, request.labels, len(pictures))
    if chosen is not None:
        check_count(chosen, len(pictures), origin)
    count = len(pictures)
    rows = evenly_spaced(count, request.limit)
    if len(rows) < len(pictures):
        pictures = pictures[rows]
    pixels, preparation, scaling = eight_bit(pictures, request.settled, decide=request.decides)
    pixels, fitting = fit(pixels, image_size=request.image_size, channels=request.channels, how=preparation.fit)
    return Images(
        pixels,
        None if chosen is None else chosen.numbers[rows],
        targets={
            NUMBER: None if numbers is None else numbers[rows],
            MASK: _masks(request.masks if masks is None else masks, rows, count, pixels.shape[2], preparation.fit),
        },
        class_names=None if chosen is None else chosen.names,
        identifiers=[str(row) for row in rows],
        origin=origin,
        notes=[*notes, *scaling, *fitting],
        former_fingerprint=former_fingerprint,
        preparation=preparation,
    )


def open_array_file(path: Path, request: Request) -> Images:
    """A `.npy` file (mapped, not read, when it is uint8) or a `.npz` archive with one array of pictures.

    Errors:
        DataError: damaged, pickled objects, or no array that could be the pictures.
    """
    labels: Labels | None = None
    numbers: np.ndarray | None = None
    masks: np.ndarray | None = None
    notes: tuple[str, ...] = ()
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
        if not isinstance(array, np.ndarray):
            with array as archive:
                array, labels, notes = _from_archive(path, archive, request)
                numbers = _numbers(path, archive, request.number_column)
                masks = _named(path, archive, request.masks) if isinstance(request.masks, str) else None
    except PermissionError:
        raise  # not damaged
    except (zipfile.BadZipFile, EOFError, OSError) as error:
        raise DataError(f"{path} is damaged or no numpy file ({error}).") from error
    except ValueError as error:
        if isinstance(error, (DataError, ArgumentError)):
            raise
        raise DataError(
            f"{path} cannot be read ({error}). Arrays of Python objects, e.g. pictures of various sizes, are "
            "not "
            "read from files: save them as picture files, or as one array of numbers."
        ) from error
    return open_array(
        array,
        request,
        origin=str(path),
        labels=labels,
        numbers=numbers,
        masks=masks,
        former_fingerprint=_former_fingerprint(path, request),
        notes=notes,
    )


def _from_archive(
    path: Path, archive: np.lib.npyio.NpzFile, request: Request
) -> tuple[np.ndarray, Labels | None, tuple[str, ...]]:
    names = {name.lower(): name for name in archive.files}
    picture_key = _picture_key(path, names, request.image_column)
    label_key = request.label_column
    if label_key is None:
        known = KEYS.get(picture_key.lower(), KEYS["images"])
        label_key = next((names[name] for name in known if name in names), None)
    elif label_key not in archive.files:
        raise ArgumentError(f"{path} has no array {label_key!r}.{did_you_mean(label_key, archive.files)}")
    notes = [f"Pictures from array {picture_key!r}" + (f", labels from {label_key!r}." if label_key else ".")]
    labels = None
    if label_key is not None and request.reads_labels:
        values = archive[label_key]
        class_names = next((archive[names[name]].tolist() for name in NAME_KEYS if name in names), None)
        labels = encode_labels(
            values, where=f"array {label_key!r}", names=class_names if values.dtype.kind in "iuf" else None
        )
    return archive[picture_key], labels, tuple(notes)


def _numbers(path: Path, archive: np.lib.npyio.NpzFile, asked: str | None) -> np.ndarray | None:
    return None if asked is None else as_numbers(_named(path, archive, asked), where=f"array {asked!r} of {path}")


def _named(path: Path, archive: np.lib.npyio.NpzFile, asked: str) -> np.ndarray:
    if asked not in archive.files:
        raise ArgumentError(f"{path} has no array {asked!r}.{did_you_mean(asked, archive.files)}")
    return np.asarray(archive[asked])


def _masks(masks: Any, rows: np.ndarray, count: int, size: int, how: Fit) -> np.ndarray | None:
    """Of these rows of `count` pictures, on their pixels."""
    if masks is None:
        return None
    if isinstance(masks, str | os.PathLike):
        raise ArgumentError(
            f"masks={os.fspath(masks)!r} names no masks of an array: give an array (N, H, W) of classes."
        )
    if len(masks) != count:
        raise DataError(f"masks= holds {len(masks):,} masks for {count:,} pictures: give one for each.")
    return fitted_array(np.asarray(masks)[rows], len(rows), size=size, how=how, where="masks=")


def _picture_key(path: Path, names: dict[str, str], asked: str | None) -> str:
    if asked is not None:
        if asked not in names.values():
            raise ArgumentError(f"{path} has no array {asked!r}.{did_you_mean(asked, names.values())}")
        return asked
    for known in KEYS:
        if known in names:
            return names[known]
    if len(names) == 1:
        return next(iter(names.values()))
    raise DataError(
        f"{path} holds the arrays {', '.join(names.values()) or '(none)'}: say which are the pictures with "
        "image_column= (--image-column)."
    )


def _stacked(array: np.ndarray) -> np.ndarray:
    """An array of equally large arrays as one array of numbers."""
    try:
        items = [np.asarray(item) for item in array]
        shapes = sorted({item.shape for item in items})
    except TypeError as error:
        raise DataError(f"Pictures must be arrays of numbers, not Python objects ({error}).") from error
    if len(shapes) != 1 or any(item.dtype.kind == "O" for item in items):
        shown = ", ".join(str(shape) for shape in shapes[:3])
        raise DataError(
            f"An array of Python objects cannot be used; its items have shapes {shown}. Resize them to one "
            "shape, "
            "or give a list of Pillow images or of paths, which are brought to one size."
        )
    return np.stack(items)


def _former_fingerprint(path: Path, request: Request) -> str:
    """What earlier versions called the pictures of a file, by its size and time."""
    options = (request.image_size, request.channels, request.limit, request.image_column)
    terms = (*stamp(str(path), path.name)[:3], *options)
    return hashlib.sha256(repr(terms).encode()).hexdigest()
