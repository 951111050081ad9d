"""One picture, in whatever encoding, into a small square of uint8 pixels."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError

from contrapose.errors import DataError

EXIF_ORIENTATION = 0x0112
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class PictureError(DataError):
    """A picture that cannot be used; its text is the reason, to be listed beside the picture's name."""


def decode(picture: Any, *, size: int, channels: int) -> tuple[np.ndarray, tuple[int, int]]:
    """The central square of a picture at `size` × `size`, and the size (width, height) that it was stored in.

    The shorter side is brought to `size` by area averaging down to twice the size (for JPEG already while
    decoding) and antialiased bicubic resampling from there; a picture of that size is not resampled. First
    frame of animations; 16 bits are scaled to 8; what is transparent shows white paper; EXIF orientation is
    applied.

    Shapes:
        returns `(C, size, size)` uint8.

    Arguments:
        picture: path, bytes of an encoded file, or a Pillow image.
        channels: 1 (luma of ITU-R 601) or 3 (RGB).

    Errors:
        PictureError: whatever is wrong with it, in a few words.
    """
    with _opened(picture) as image:
        stored = image.size
        if image.format in ("JPEG", "MPO") and image is not picture:  # a caller's own image is left as it is
            image.draft("L" if channels == 1 else "RGB", (2 * size, 2 * size))
        square = _on_white(_central_square(_eight_bit(image), size))
        orientation = _orientation(image)
    if orientation in TURNS:
        square = square.transpose(TURNS[orientation])
    if channels == 1:
        return np.asarray(square.convert("L"))[None], stored  # (1, S, S)
    return np.asarray(square.convert("RGB")).transpose(2, 0, 1), stored  # (3, S, S)


def stored_size(picture: Any) -> tuple[int, int]:
    """Width and height from a picture's header, without decoding it."""
    with _opened(picture) as image:
        return image.size


@contextmanager
def _opened(picture: Any) -> Iterator[Image.Image]:
    """The picture as a Pillow image; anything that goes wrong inside the block becomes a `PictureError`."""
    try:
        if isinstance(picture, Image.Image):
            yield picture
        else:
            with Image.open(_source(picture)) as image:
                yield image
    except PictureError:
        raise
    except PermissionError as error:
        raise PictureError("no permission to read it") from error
    except Image.DecompressionBombError as error:
        raise PictureError("too large: more pixels than Pillow's limit (Image.MAX_IMAGE_PIXELS)") from error
    except UnidentifiedImageError as error:
        raise PictureError("not a picture, or of an unknown format") from error
    except Exception as error:  # a damaged file can raise anything in a decoder
        raise PictureError(f"damaged ({str(error) or type(error).__name__})") from error


def _source(picture: Any) -> Any:
    if picture is None:
        raise PictureError("no picture in this row")
    if isinstance(picture, (bytes, bytearray, memoryview)):
        if not len(picture):
            raise PictureError("empty (0 bytes)")
        return io.BytesIO(picture)
    try:
        length = Path(picture).stat().st_size
    except FileNotFoundError as error:
        raise PictureError("no such file") from error
    if not length:
        raise PictureError("empty (0 bytes)")
    return picture


def _eight_bit(image: Image.Image) -> Image.Image:
    """The same picture in one of the modes L, LA, RGB, RGBA."""
    image.load()
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        return Image.fromarray(_scaled(np.asarray(image)))
    if image.mode in ("L", "LA", "RGB", "RGBA") and "transparency" not in image.info:
        return image
    grey = image.mode in ("1", "L", "LA", "La")
    if image.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in image.info:
        return image.convert("LA" if grey else "RGBA")
    return image.convert("L" if grey else "RGB")


def _scaled(pixels: np.ndarray) -> np.ndarray:
    """Deep pixels to uint8 by the range they must be in: 16 bits for integers, [0, 1] or 8 for floats."""
    low, high = pixels.min(), pixels.max()
    if not 0 <= low <= high <= 65535:  # NaN fails too
        raise PictureError(f"pixel values from {low} to {high}, which is no 8 or 16 bit range")
    if pixels.dtype.kind == "f" and high <= 1:
        factor = 255.0
    elif pixels.dtype.kind == "f" and high <= 255:
        factor = 1.0
    else:
        factor = 255 / 65535
    return np.round(pixels * factor).astype(np.uint8)


def _central_square(image: Image.Image, size: int) -> Image.Image:
    side = min(image.size)
    # whole pixels: a square cut between pixels would blur pictures that need no resampling
    left, top = (image.width - side) // 2, (image.height - side) // 2
    box = (left, top, left + side, top + side)
    if side == size:
        return image.crop(box)
    return image.resize((size, size), Image.Resampling.BICUBIC, box=box, reducing_gap=2.0)


def _on_white(image: Image.Image) -> Image.Image:
    if image.mode not in ("LA", "RGBA"):
        return image
    opaque = image.mode.removesuffix("A")
    paper = Image.new(opaque, image.size, "white")
    paper.paste(image.convert(opaque), mask=image.getchannel("A"))
    return paper


def _orientation(image: Image.Image) -> int | None:
    try:
        return image.getexif().get(EXIF_ORIENTATION)
    except Exception:  # EXIF that cannot be read says nothing; the pixels are fine
        return None
