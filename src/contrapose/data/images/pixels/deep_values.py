"""The numbers of pictures that have more than 8 bits a channel."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image

GREY = ("I", "F", "I;16", "I;16L", "I;16B", "I;16N")
COLOUR = {f"{mode};16{order}" for mode in ("RGB", "RGBA") for order in "LBN"}
OTHER_BYTE = {"L": "B", "B": "L", "N": "B" if sys.byteorder == "little" else "L"}


def is_deep(image: Image.Image) -> bool:
    """Whether an image that is not loaded yet has more than 8 bits: by its mode, and for colour by its file."""
    return image.mode in GREY or _is_deep_colour(image)


def deep_values(image: Image.Image, reopen: Callable[[], Any]) -> tuple[np.ndarray, np.ndarray | None]:
    """The values of a deep image, and its opacity.

    Pillow has no colour of 16 bits and reads the upper byte of each value. Told that the bytes of the file are in the
    other order, it reads the lower one: that makes two readings, and all 16 bits.

    Shapes:
        returns `(H, W)` or `(H, W, 3)`, and `(H, W)` uint8 or `None`.

    Arguments:
        reopen: opens the same file again.
    """
    if image.mode in GREY:
        return np.asarray(image), None
    with reopen() as again:
        again.tile = [tile._replace(args=_with_other_byte(tile.args)) for tile in again.tile]
        lower = np.asarray(again)  # (H, W, 3 or 4)
    upper = np.asarray(image)  # (H, W, 3 or 4)
    values = upper[..., :3].astype(np.uint16) << 8 | lower[..., :3]  # (H, W, 3)
    return values, upper[..., 3] if upper.shape[2] == 4 else None


def as_image(values: np.ndarray, opacity: np.ndarray | None) -> Image.Image:
    """uint8 values of the same shapes as an image."""
    return Image.fromarray(values if opacity is None else np.dstack([values, opacity]))


def _is_deep_colour(image: Image.Image) -> bool:
    tiles = getattr(image, "tile", ())
    return bool(tiles) and all(_raw_mode(tile.args) in COLOUR for tile in tiles)


def _raw_mode(args: Any) -> Any:
    return args[0] if isinstance(args, tuple) and args else args


def _with_other_byte(args: Any) -> Any:
    raw = _raw_mode(args)
    other = raw[:-1] + OTHER_BYTE[raw[-1]]
    return (other, *args[1:]) if isinstance(args, tuple) else other
