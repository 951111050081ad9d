"""Masks brought onto the pixels of their pictures: cut or padded as these are, and never blended."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Int16
from PIL import Image, UnidentifiedImageError

from contrapose.data.images.pixels.fitting import inner_size
from contrapose.data.samples import MASK, VOID
from contrapose.errors import DataError
from contrapose.preparation import Fit

MODES = ("L", "P", "1", "I", "I;16")
"""Modes of Pillow whose values are numbers of classes."""

LARGEST = np.iinfo(np.int16).max


def read_masks(masks: Sequence[Any], names: Sequence[str], *, size: int, how: Fit) -> Int16[np.ndarray, "N S S"]:
    """Decode masks, each a file, its bytes, a Pillow image, an array `(H, W)`, or None where there is none.

    Arguments:
        names: of the pictures, for errors.
        size: side of the pictures as they are used.
        how: what became of those that are not square.

    Errors:
        DataError: a mask that cannot be read, or whose pixels are no numbers of classes.
    """
    made = np.full((len(masks), size, size), VOID, dtype=np.int16)  # (N, S, S)
    for row, name in enumerate(names):
        mask = masks[row]
        if mask is not None:
            made[row] = fitted(_decoded(mask, name), size, how)
    return made


def fitted_array(masks: np.ndarray, count: int, *, size: int, how: Fit, where: str) -> Int16[np.ndarray, "N S S"]:
    """An array of masks `(N, H, W)` on the pixels of N pictures.

    Errors:
        DataError: another shape or number, or values that are no numbers of classes.
    """
    masks = np.asarray(masks)
    if masks.ndim == 4 and 1 in (masks.shape[1], masks.shape[3]):
        masks = masks.reshape(len(masks), *[side for side in masks.shape[1:] if side != 1])
    if masks.ndim != 3 or len(masks) != count:
        raise DataError(
            f"{where} is of shape {tuple(masks.shape)}: give ({count}, H, W), a class for each pixel of each picture."
        )
    return np.stack([fitted(_checked(mask, f"{where}, row {row}"), size, how) for row, mask in enumerate(masks)])


def on_pixels(targets: Mapping[str, np.ndarray], size: int) -> dict[str, np.ndarray]:
    """Targets of square pictures that are brought to another size: their masks, where there are any, as well."""
    if MASK not in targets:
        return dict(targets)
    return {**targets, MASK: np.stack([fitted(mask, size, "crop") for mask in targets[MASK]])}


def fitted(mask: np.ndarray, size: int, how: Fit) -> Int16[np.ndarray, "S S"]:
    """One mask `(H, W)` as its picture is: the central square of it, or the whole of it padded with `VOID`; each pixel
    takes the class of the nearest one."""
    height, width = mask.shape
    if how == "pad":
        inner = inner_size((height, width), size)
        padded = np.full((size, size), VOID, dtype=np.int16)
        top, left = ((size - side) // 2 for side in inner)
        padded[top : top + inner[0], left : left + inner[1]] = _resampled(mask, inner)
        return padded
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return _resampled(mask[top : top + side, left : left + side], (size, size))


def _resampled(mask: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    rows, columns = (
        ((np.arange(wanted) + 0.5) * given / wanted).astype(np.int64)
        for wanted, given in zip(size, mask.shape, strict=True)
    )  # the pixel in which each centre lies
    return mask[rows[:, None], columns].astype(np.int16)  # (S, S)


def _decoded(mask: Any, name: str) -> np.ndarray:
    """A mask as numbers, `(H, W)`."""
    if isinstance(mask, np.ndarray):
        return _checked(mask, f"the mask of {name}")
    try:
        opened = mask if isinstance(mask, Image.Image) else Image.open(io.BytesIO(mask) if _is_bytes(mask) else mask)
        if opened.mode not in MODES:
            raise DataError(
                f"The mask of {name} is a picture in colours (mode {opened.mode}); a mask has one channel, with the "
                "number of a class in each pixel (mode L or P)."
            )
        return _checked(np.asarray(opened), f"the mask of {name}")
    except (OSError, UnidentifiedImageError, ValueError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"The mask of {name} cannot be read ({error}).") from error


def _checked(mask: np.ndarray, where: str) -> np.ndarray:
    if mask.dtype.kind not in "iub" or mask.ndim != 2:
        raise DataError(f"{where} is {mask.dtype} of shape {mask.shape}: give whole numbers (H, W), the classes.")
    if mask.size and (int(mask.max()) > LARGEST or int(mask.min()) < VOID):
        raise DataError(
            f"{where} holds the numbers {mask.min()} to {mask.max()}; classes are 0 to {LARGEST}, and {VOID} is a "
            "pixel without one."
        )
    return mask


def _is_bytes(mask: Any) -> bool:
    return isinstance(mask, bytes | bytearray | memoryview)
