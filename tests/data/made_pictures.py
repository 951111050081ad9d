"""Pictures made on the spot."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image


def colour_picture(seed: int, width: int = 20, height: int = 20) -> Image.Image:
    """A smooth colour picture, the same for the same seed."""
    noise = np.random.default_rng(seed).integers(0, 255, (4, 4, 3), dtype=np.uint8)
    return Image.fromarray(noise).resize((width, height), Image.Resampling.BICUBIC)


def png_bytes(picture: Image.Image, kind: str = "PNG") -> bytes:
    """The picture as an encoded file."""
    buffer = io.BytesIO()
    picture.save(buffer, kind)
    return buffer.getvalue()
