"""Arrays of any layout and number type into square uint8 pictures `(N, C, S, S)`."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch.nn.functional import interpolate

from contrapose.errors import ArgumentError, DataError

BLOCK = 1024  # pictures converted at a time: keeps float copies of a large array small
USUAL_CHANNELS = (1, 3, 4)


def channels_first(array: np.ndarray) -> np.ndarray:
    """`(N, H, W)`, `(N, H, W, C)` or `(N, C, H, W)` as a view `(N, C, H, W)`.

    Four dimensions are told apart by a number of channels of 1, 3 or 4; else by which two sizes are equal.

    Errors:
        DataError: another number of dimensions, nothing in it, one single picture, or a layout that cannot be
            told.
    """
    shape = array.shape
    if array.ndim == 2:
        raise DataError(
            f"An array of shape {shape} holds numbers, not pictures: rows of numbers are not read yet. "
            "Pictures are "
            "of shape (N, H, W), (N, H, W, C) or (N, C, H, W)."
        )
    if array.ndim not in (3, 4) or 0 in shape:
        raise DataError(
            f"An array of shape {shape} holds no pictures: give (N, H, W), (N, H, W, C) or (N, C, H, W), N > 0."
        )
    if array.ndim == 3:
        if shape[2] in USUAL_CHANNELS and min(shape[:2]) > 4:
            raise DataError(f"An array of shape {shape} looks like one single picture: give (N, H, W, C).")
        return array[:, None]  # (N, 1, H, W)
    first, last = shape[1] in USUAL_CHANNELS, shape[3] in USUAL_CHANNELS
    if first == last:
        first, last = shape[2] == shape[3], shape[1] == shape[2]
    if first == last:
        raise DataError(
            f"The layout of an array of shape {shape} cannot be told: move the channels to the second place, "
            "and make the pictures square."
        )
    return array if first else array.transpose(0, 3, 1, 2)  # (N, C, H, W)


def eight_bit(array: np.ndarray) -> tuple[np.ndarray, str | None]:
    """Any numbers to uint8, by the range that they are in as a whole, and a note that says how.

        uint8: as it is;  bool: × 255;  integers up to 255: as they are;  integers up to 65535: 16 bit, / 257
        floats in [0, 1]: × 255;  floats in [0, 255]: rounded

    Errors:
        DataError: NaN or infinite values, values outside these ranges, or no numbers at all.
    """
    if array.dtype == np.uint8:
        return array, None
    if array.dtype.kind not in "biuf":
        raise DataError(f"Pictures must be arrays of numbers, not of type {array.dtype}.")
    low, high = _range(array)
    factor, note = _scale(array.dtype, low, high)

    def convert(block: np.ndarray) -> np.ndarray:
        return np.round(np.clip(block.astype(np.float32) * factor, 0, 255)).astype(np.uint8)

    return _blockwise(array, convert), note


def fit(pixels: np.ndarray, *, image_size: int | None, channels: int | None) -> tuple[np.ndarray, list[str]]:
    """uint8 `(N, C, H, W)` cut to the central square, resampled to `image_size`, with `channels` channels.

    What already fits is not copied. Resampling is antialiased bicubic; 3 to 1 channel is the luma of ITU-R
    601; the fourth of 4 channels is taken as opacity, over white, when fewer are asked for.

    Errors:
        ArgumentError: a change of channels that has no meaning.
    """
    notes = []
    height, width = pixels.shape[2:]
    side = min(height, width)
    if height != width:
        top, left = (height - side) // 2, (width - side) // 2
        pixels = pixels[:, :, top : top + side, left : left + side]  # (N, C, side, side)
        notes.append(f"Pictures of {height} x {width} were cut to their central {side} x {side}.")
    if image_size is not None and image_size != side:
        size = (image_size, image_size)
        pixels = _blockwise(pixels, lambda block: _resized(block, size))  # (N, C, S, S)
        notes.append(f"Pictures of {side} x {side} were resampled to {image_size} x {image_size}.")
    if channels is not None and channels != pixels.shape[1]:
        pixels = _with_channels(pixels, channels)  # (N, channels, S, S)
    return pixels, notes


def _range(array: np.ndarray) -> tuple[float, float]:
    """Smallest and largest value, after a look for NaN and infinities."""
    low, high, wrong, first = np.inf, -np.inf, 0, -1
    for start in range(0, len(array), BLOCK):
        block = array[start : start + BLOCK]
        finite = np.isfinite(block)
        if not finite.all():
            rows = ~finite.reshape(len(block), -1).all(axis=1)  # (k,)
            first = start + int(rows.argmax()) if first < 0 else first
            wrong += int((~finite).sum())
        else:
            low, high = min(low, float(block.min())), max(high, float(block.max()))
    if wrong:
        raise DataError(
            f"{wrong} values are NaN or infinite (first in row {first}): repair or leave out these pictures."
        )
    return low, high


def _scale(dtype: np.dtype, low: float, high: float) -> tuple[float, str | None]:
    values = f"values from {low:g} to {high:g}"
    if dtype.kind == "b":
        return 255.0, "Boolean pixels were taken as black and white."
    if low < 0 or high > 65535 or (dtype.kind == "f" and high > 255):
        raise DataError(
            f"Pixels of type {dtype} have {values}: give uint8, floats in [0, 1] or in [0, 255], or 16 bit "
            "integers. Undo a normalisation first, e.g. x * std + mean: the encoder brings its own."
        )
    if dtype.kind == "f" and high <= 1:
        return 255.0, f"Pixels ({values}) were taken as [0, 1] and multiplied by 255."
    if high <= 255:
        return 1.0, f"Pixels of type {dtype} ({values}) were taken as 0 to 255."
    return 255 / 65535, f"Pixels ({values}) were taken as 16 bit and divided by 257."


def _blockwise(array: np.ndarray, convert: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    return np.concatenate([convert(array[start : start + BLOCK]) for start in range(0, len(array), BLOCK)])


def _resized(block: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    floats = torch.from_numpy(np.ascontiguousarray(block)).float()  # (k, C, H, W)
    floats = interpolate(floats, size, mode="bicubic", antialias=True, align_corners=False)  # (k, C, S, S)
    return floats.round().clamp(0, 255).byte().numpy()


def _with_channels(pixels: np.ndarray, channels: int) -> np.ndarray:
    given = pixels.shape[1]
    if given == 1:
        return np.broadcast_to(pixels, (len(pixels), channels, *pixels.shape[2:]))  # (N, channels, S, S)
    if given == 4 and channels == 3:
        return _blockwise(pixels, _over_white)
    if given == 4 and channels == 1:
        return _blockwise(pixels, lambda block: _luma(_over_white(block)))
    if given == 3 and channels == 1:
        return _blockwise(pixels, _luma)
    raise ArgumentError(
        f"Pictures of {given} channels cannot be brought to {channels}: 1 to any, 3 to 1 and 4 (RGBA) to 3 "
        "or 1 "
        "can. Choose the channels in the array."
    )


def _luma(block: np.ndarray) -> np.ndarray:
    red, green, blue = block.astype(np.uint32).transpose(1, 0, 2, 3)  # 3 of (k, S, S)
    luma = (19595 * red + 38470 * green + 7471 * blue + 32768) >> 16  # 0.299, 0.587, 0.114 in 16 bits
    return luma[:, None].astype(np.uint8)  # (k, 1, S, S)


def _over_white(block: np.ndarray) -> np.ndarray:
    opacity = block[:, 3:].astype(np.float32) / 255  # (k, 1, S, S)
    return np.round(block[:, :3] * opacity + 255 * (1 - opacity)).astype(np.uint8)  # (k, 3, S, S)
