"""Arrays of any layout and number type into square uint8 pictures `(N, C, S, S)`."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch.nn.functional import interpolate

from contrapose.data.images.pixels.fitting import array_note, inner_size, padded
from contrapose.data.images.pixels.pixel_range import DEEPEST, range_of
from contrapose.data.images.pixels.pixel_scale import (
    checked,
    decided_white,
    fixed_white,
    measured_kind,
    range_levels,
    sentence,
    to_eight_bit,
)
from contrapose.errors import ArgumentError, DataError
from contrapose.preparation import Fit, Preparation

BLOCK = 1024  # pictures converted at a time: keeps float copies of a large array small
USUAL_CHANNELS = (1, 3, 4)
DEFAULT = Preparation()


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
            f"An array of shape {shape} holds numbers, not pictures, which are of shape (N, H, W), (N, H, W, C) or "
            "(N, C, H, W). To learn from its rows: --modality rows (modality=)."
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


def eight_bit(
    array: np.ndarray, kept: Preparation = DEFAULT, *, decide: bool = True
) -> tuple[np.ndarray, Preparation, list[str]]:
    """Any numbers to uint8 by one white level for all, with the preparation that says which, and notes.

    uint8 stays as it is, and booleans become black and white; for the rest see `pixel_scale.white_level`.

    Arguments:
        kept: white levels that were settled before.
        decide: find those that are missing by the range of the array.

    Errors:
        DataError: NaN or infinite values, values that the white level cannot be meant for, or no numbers at all.
    """
    if array.dtype == np.uint8:
        return array, kept, []
    if array.dtype.kind == "b":
        return array.astype(np.uint8) * np.uint8(255), kept, ["Boolean pixels were taken as black and white."]
    kind = measured_kind(array)
    sixteen_bits = array.dtype.kind == "u" and array.dtype.itemsize == 2
    fixed = fixed_white(kind, kept, assumed=DEEPEST if sixteen_bits else None)
    found = range_of(array, range_levels(fixed))
    if found.wrong:
        _stop_at_wrong_values(array, found.wrong)
    wanted = decided_white(found, kind) if decide and fixed.source == "assumed" else fixed
    white = checked(found, kind, wanted, what=f"Pixels of type {array.dtype}")
    pixels = _blockwise(array, lambda block: to_eight_bit(block, white.level))
    return pixels, kept.with_white(kind, white.level), [sentence(found, kind, white)]


def fit(
    pixels: np.ndarray, *, image_size: int | None, channels: int | None, how: Fit = "crop"
) -> tuple[np.ndarray, list[str]]:
    """uint8 `(N, C, H, W)` made square, resampled to `image_size`, with `channels` channels.

    What already fits is not copied. Resampling is antialiased bicubic; 3 to 1 channel is the luma of ITU-R
    601; the fourth of 4 channels is taken as opacity, over white, when fewer are asked for.

    Arguments:
        how: `"crop"` keeps the central square; `"pad"` the whole picture, with the colour of its edge beside it.

    Errors:
        ArgumentError: a change of channels that has no meaning.
    """
    notes = []
    height, width = pixels.shape[2:]
    side = max(height, width) if how == "pad" else min(height, width)
    if height != width:
        notes.append(array_note(height, width, how))
    if height != width and how == "crop":
        top, left = (height - side) // 2, (width - side) // 2
        pixels = pixels[:, :, top : top + side, left : left + side]  # (N, C, side, side)
    if image_size is not None and image_size != side:
        before = pixels.shape[2], pixels.shape[3]
        size = inner_size(before, image_size)
        pixels = _blockwise(pixels, lambda block: _resized(block, size))  # (N, C, S, S), or less where padding follows
        shown = " x ".join(map(str, before)), " x ".join(map(str, size))
        notes.append(f"Pictures of {shown[0]} were resampled to {shown[1]}.")
    if pixels.shape[2] != pixels.shape[3]:
        pixels = _blockwise(pixels, padded)  # (N, C, S, S)
    if channels is not None and channels != pixels.shape[1]:
        pixels = _with_channels(pixels, channels)  # (N, channels, S, S)
    return pixels, notes


def _stop_at_wrong_values(array: np.ndarray, wrong: int) -> None:
    for start in range(0, len(array), BLOCK):
        rows = ~np.isfinite(array[start : start + BLOCK]).reshape(len(array[start : start + BLOCK]), -1).all(axis=1)
        if rows.any():
            first = start + int(rows.argmax())
            break
    raise DataError(f"{wrong} values are NaN or infinite (first in row {first}): repair or leave out these pictures.")


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
