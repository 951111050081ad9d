"""The pictures that a job left in a folder, as the page embeds them."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from contrapose.errors import DataError
from contrapose.report.course import Absent, LeftPicture
from contrapose.training.pictures import open_picture, read_pictures

WIDEST = 1600  # pixels that are embedded of a row: more than the page is wide, on a screen of two pixels a point
DRAWN = 640  # pixels to which small pictures are enlarged, by a whole number
TALLEST = 960  # and so high: a grid of many rows is not to fill several screens
MOST_TIMES = 8
LARGE = 400_000  # bytes without loss above which a picture loses a little: grids of photographs
QUALITY = 88  # of WebP


def left_pictures_of(folder: Path) -> Sequence[LeftPicture] | Absent:
    """The pictures in `pictures/` of a run's or a stage's folder, in their order; none where nothing was left."""
    try:
        return [drawn(open_picture(picture), picture.title, picture.caption) for picture in read_pictures(folder)]
    except DataError as error:
        return Absent(str(error))


def drawn(pixels: UInt8[np.ndarray, "H W 3"], title: str, caption: str, *, most_times: int = MOST_TIMES) -> LeftPicture:
    """Pixels as a picture of the page; small ones are enlarged by a whole number, at most `most_times`."""
    image = Image.fromarray(pixels)
    times = max(1, min(most_times, DRAWN // image.width, TALLEST // image.height))
    width = image.width * times
    if image.width > WIDEST:
        image.thumbnail((WIDEST, 4 * WIDEST))
        width = image.width
    content = _webp(image, lossless=True)
    if len(content) > LARGE:
        content = _webp(image, lossless=False)
    source = f"data:image/webp;base64,{base64.b64encode(content).decode()}"
    return LeftPicture(source, width, times > 1, title, caption)


def _webp(image: Image.Image, *, lossless: bool) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "WEBP", lossless=lossless, quality=QUALITY)
    return buffer.getvalue()
