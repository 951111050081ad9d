"""Whether something looks like sequences of frames: a look, not a reading."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

SUFFIX = ".npy"
NAMES = ("frames", "sequences", "joints", "skeletons")
"""What no pictures are called."""


def archive_of_frames(path: Path) -> bool:
    """Whether an archive of numpy holds an array that is called so, or numbers of many frames beside the places where
    sequences begin."""
    from contrapose.data.frames.archives import headers_of, pointer_of

    try:
        headers = headers_of(path)
    except (OSError, ValueError, zipfile.BadZipFile):
        return False  # damaged: opening it will say
    if any(name.lower() in NAMES and (dtype.hasobject or len(shape) > 2) for name, (shape, dtype) in headers.items()):
        return True
    return pointer_of(headers) is not None and any(
        len(shape) in (2, 3) and dtype.kind == "f" for shape, dtype in headers.values()
    )


def list_of_frames(items: Sequence[Any]) -> bool:
    """Whether a list holds arrays or tensors of fractions that differ in their first axis and agree in all others.

    Pictures differ otherwise: in height and width, or they are whole numbers, or between 0 and 1.
    """
    shapes = {tuple(getattr(item, "shape", ())) for item in items}
    if (
        len(shapes) < 2
        or {len(shape) for shape in shapes} not in ({2}, {3})
        or len({shape[1:] for shape in shapes}) > 1
    ):
        return False
    arrays = [np.asarray(item.detach().cpu() if hasattr(item, "detach") else item) for item in items]
    if any(array.dtype.kind != "f" for array in arrays):
        return False
    known = [array[np.isfinite(array)] for array in arrays]
    return any(array.size and (array.min() < 0 or array.max() > 1) for array in known)


def column_of_frames(cells: Sequence[Any]) -> bool:
    """Whether the cells of a column are sequences: nested lists of numbers, or flat ones with fractions."""
    from contrapose.data.frames.lists import holds

    return holds(cells)
