"""Pictures written as JPEG or WebP and read again: what is left of them is what such a file keeps."""

from __future__ import annotations

import io
from typing import Literal

import numpy as np

from contrapose.errors import ArgumentError

Format = Literal["jpeg", "webp"]
FORMATS: tuple[Format, ...] = ("jpeg", "webp")


def recompressed(picture: np.ndarray, *, quality: int, format: Format = "jpeg") -> np.ndarray:
    """One picture as a lossy file of this quality gives it back.

    Colours are subsampled as the writers do by default (4:2:0). A grey picture stays one: WebP knows colours only, so
    it is stored as a colour picture and made grey again.

    Shapes:
        picture: `(C, H, W)` uint8, of 1 or 3 channels; returns the same.

    Arguments:
        quality: 1 to 100, as Pillow has it.

    Errors:
        ArgumentError: another type or number of channels, an unknown format, a quality out of range, or a Pillow
            without WebP.
    """
    from PIL import Image, features

    if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[0] not in (1, 3):
        raise ArgumentError(
            f"Only uint8 pictures (C, H, W) of 1 or 3 channels can be compressed; got {picture.dtype} of shape "
            f"{tuple(picture.shape)}."
        )
    if format not in FORMATS or not 1 <= quality <= 100:
        raise ArgumentError(f"A picture is stored as jpeg or webp of quality 1 to 100; got {format} of {quality}.")
    if format == "webp" and not features.check("webp"):
        raise ArgumentError("This Pillow was built without WebP: take jpeg alone, or install Pillow from its wheels.")
    grey = picture.shape[0] == 1
    file = io.BytesIO()
    Image.fromarray(picture[0] if grey else picture.transpose(1, 2, 0)).save(file, format=format, quality=int(quality))
    file.seek(0)
    with Image.open(file) as stored:
        pixels = np.asarray(stored.convert("L" if grey else "RGB"))  # (H, W) or (H, W, 3)
    return pixels[None].copy() if grey else np.ascontiguousarray(pixels.transpose(2, 0, 1))  # (C, H, W)
