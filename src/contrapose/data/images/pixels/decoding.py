"""One picture, in whatever encoding, into a small square of uint8 pixels."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image, UnidentifiedImageError

from contrapose.data.images.pixels.deep_values import GREY, as_image, deep_values, is_deep
from contrapose.data.images.pixels.fitting import inner_size, padded, square
from contrapose.data.images.pixels.picture_limits import OF_THE_MOMENT, no_room, pillow_limit_lifted, too_large, turn
from contrapose.data.images.pixels.pixel_range import DEEPEST, PixelRange, kind_of, range_of
from contrapose.data.images.pixels.pixel_scale import checked, fixed_white, range_levels, to_eight_bit
from contrapose.errors import ArgumentError, DataError
from contrapose.preparation import Kind, Preparation

DEFAULT = Preparation()
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


class UndecidedError(Exception):
    """A picture deeper than 8 bits, while it is not decided yet what is white in such."""


class Decoded(NamedTuple):
    """One picture.

    Shapes:
        pixels: `(C, size, size)` uint8.

    Arguments:
        stored: width and height in the file.
        pages: whether there are more pages or frames, of which this is the first.
        deep: of more than 8 bits, the kind and range of the values.
    """

    pixels: np.ndarray
    stored: tuple[int, int]
    pages: bool = False
    deep: tuple[Kind, PixelRange] | None = None


def decode(
    picture: Any, *, size: int, channels: int, preparation: Preparation = DEFAULT, decided: bool = True
) -> Decoded:
    """A picture as a square of `size` × `size`.

    The shorter side (with `"pad"`, the longer) is brought to `size` by area averaging down to twice the size
    (for JPEG already while decoding) and antialiased bicubic resampling from there; a picture of that size is not
    resampled. First frame of animations; more than 8 bits are scaled by the white level of the preparation; what is
    transparent shows white paper; EXIF orientation is applied.

    Arguments:
        picture: path, bytes of an encoded file, or a Pillow image.
        channels: 1 (luma of ITU-R 601) or 3 (RGB).
        preparation: white levels, and how to make it square.
        decided: where the preparation has no white level: take the largest that the format can hold (16 bits; 1 for
            floats).

    Errors:
        PictureError: whatever is wrong with it, in a few words.
        UndecidedError: not `decided`, and a level that is needed is missing.
    """
    with opened(picture) as image:
        stored, pages = image.size, _more_pages(image)
        if image.format in ("JPEG", "MPO") and image is not picture:  # a caller's own image is left as it is
            width, height = (2 * size, 2 * size) if preparation.fit == "crop" else inner_size(stored, 2 * size)
            image.draft("L" if channels == 1 else "RGB", (width, height))
        if reason := no_room(image):
            raise PictureError(reason)
        with turn(image):
            deep: tuple[Kind, PixelRange] | None
            if _deep(image, picture):
                plain, deep = _scaled(image, picture, preparation, decided)
            else:
                plain, deep = _eight_bit(image), None
            small = _on_white(square(plain, size, preparation.fit))
        orientation = _orientation(image)
    if orientation in TURNS:
        small = small.transpose(TURNS[orientation])
    if channels == 1:
        pixels = np.asarray(small.convert("L"))[None]  # (1, S, S), or one side smaller
    else:
        pixels = np.asarray(small.convert("RGB")).transpose(2, 0, 1)  # (3, S, S), or one side smaller
    if pixels.shape[1] != pixels.shape[2]:
        pixels = padded(pixels[None])[0]  # (C, S, S)
    return Decoded(pixels, stored, pages, deep)


def stored_size(picture: Any) -> tuple[int, int]:
    """Width and height from a picture's header, without decoding it."""
    with opened(picture) as image:
        return image.size


def deep_range(picture: Any) -> tuple[Kind, PixelRange] | None:
    """In which range the values of a picture are; `None` for one of 8 bits, which is not decoded."""
    with opened(picture) as image:
        if not _deep(image, picture):
            return None
        if reason := no_room(image):
            raise PictureError(reason)
        with turn(image):
            values, _ = deep_values(image, lambda: Image.open(_source(picture)))
            return kind_of(values.dtype), range_of(values)


@contextmanager
def opened(picture: Any) -> Iterator[Image.Image]:
    """The picture as a Pillow image; anything that goes wrong inside the block becomes a `PictureError`."""
    try:
        with pillow_limit_lifted():
            if isinstance(picture, Image.Image):
                yield picture
                return
            with Image.open(_source(picture)) as image:
                if reason := too_large(image.size):
                    raise PictureError(reason)
                yield image
    except (PictureError, UndecidedError, ArgumentError):
        raise
    except MemoryError as error:
        raise PictureError(f"{OF_THE_MOMENT}: its memory is full; scale it down") from error
    except PermissionError as error:
        raise PictureError("no permission to read it") from error
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


def _more_pages(image: Image.Image) -> bool:
    """Whether there is more than the first page; the second picture of a phone's JPEG (MPO) is no page."""
    if image.format == "MPO":
        return False
    try:
        return bool(getattr(image, "is_animated", False))
    except Exception:  # a damaged second page says nothing of the first
        return False


def _deep(image: Image.Image, picture: Any) -> bool:
    """Whether it has more than 8 bits; of a caller's own image in colour, which has lost them, it has not."""
    return is_deep(image) and (image is not picture or image.mode in GREY)


def _eight_bit(image: Image.Image) -> Image.Image:
    """The same picture in one of the modes L, LA, RGB, RGBA."""
    image.load()
    if image.mode in ("L", "LA", "RGB", "RGBA") and "transparency" not in image.info:
        return image
    grey = image.mode in ("1", "L", "LA", "La")
    if image.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in image.info:
        return image.convert("LA" if grey else "RGBA")
    return image.convert("L" if grey else "RGB")


def _scaled(
    image: Image.Image, picture: Any, preparation: Preparation, decided: bool
) -> tuple[Image.Image, tuple[Kind, PixelRange]]:
    """A deep picture to 8 bits by the data set's white level, and the range of its values."""
    kind: Kind = "floats" if image.mode == "F" else "integers"
    if not decided and preparation.white(kind) is None:
        raise UndecidedError
    pixels, opacity = deep_values(image, lambda: Image.open(_source(picture)))
    white = fixed_white(kind, preparation, assumed=DEEPEST)
    found = range_of(pixels, range_levels(white))
    if found.wrong:
        raise PictureError(f"{found.wrong} of its pixel values are NaN or infinite")
    try:
        checked(found, kind, white, what="its pixels")
    except DataError as error:
        raise PictureError(str(error).removesuffix(".")) from error
    return as_image(to_eight_bit(pixels, white.level), opacity), (kind, found)


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
