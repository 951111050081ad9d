"""The pictures that a job left in a folder, as the page embeds them."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from contrapose.errors import DataError
from contrapose.report.course import Absent, LeftPicture
from contrapose.training.pictures import Picture, open_picture, read_pictures

WIDEST = 1600  # pixels that are embedded of a row: more than the page is wide, on a screen of two pixels a point
DRAWN = 640  # pixels to which small pictures are enlarged, by a whole number
MOST_TIMES = 8
LARGE = 400_000  # bytes without loss above which a picture loses a little: grids of photographs
QUALITY = 88  # of WebP


def left_pictures_of(folder: Path) -> Sequence[LeftPicture] | Absent:
    """The pictures in `pictures/` of a run's or a stage's folder, in their order; none where nothing was left."""
    try:
        return [_embedded(picture) for picture in read_pictures(folder)]
    except DataError as error:
        return Absent(str(error))


def _embedded(picture: Picture) -> LeftPicture:
    image = Image.fromarray(open_picture(picture))
    times = max(1, min(MOST_TIMES, DRAWN // image.width))
    width = image.width * times
    if image.width > WIDEST:
        image.thumbnail((WIDEST, 4 * WIDEST))
        width = image.width
    content = _webp(image, lossless=True)
    if len(content) > LARGE:
        content = _webp(image, lossless=False)
    source = f"data:image/webp;base64,{base64.b64encode(content).decode()}"
    return LeftPicture(source, width, times > 1, picture.title, picture.caption)


def _webp(image: Image.Image, *, lossless: bool) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "WEBP", lossless=lossless, quality=QUALITY)
    return buffer.getvalue()
