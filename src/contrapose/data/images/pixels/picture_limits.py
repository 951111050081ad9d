"""How large a picture may be: a limit of our own in the place of Pillow's, and the memory that there is."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from PIL import Image

from contrapose.errors import ArgumentError

VARIABLE = "CONTRAPOSE_MAX_PIXELS"
MOST_PIXELS = 1_000_000_000  # panoramas and slides; a header that promises more is likelier to be damaged
OF_THE_MOMENT = "too large for this machine"  # how a reason begins that may be none the next time
HUGE = 50_000_000  # pixels decoded; pictures above are decoded one at a time
COPIES = 2  # of the decoded picture in memory at once: as decoded, and as converted

_one_at_a_time = threading.Lock()
_lifting = threading.RLock()
_lifted: list[int | None] = []  # Pillow's limit, once for everybody who has it lifted at the moment


@contextmanager
def pillow_limit_lifted() -> Iterator[None]:
    """Pillow's own limit (`Image.MAX_IMAGE_PIXELS`, 179 million) put aside inside the block, in all threads."""
    with _lifting:
        _lifted.append(Image.MAX_IMAGE_PIXELS if not _lifted else _lifted[0])
        Image.MAX_IMAGE_PIXELS = None
    try:
        yield
    finally:
        with _lifting:
            before = _lifted.pop()
            if not _lifted:
                Image.MAX_IMAGE_PIXELS = before


def most_pixels() -> int:
    """The largest picture that is decoded: `$CONTRAPOSE_MAX_PIXELS`, else a gigapixel.

    Errors:
        ArgumentError: a variable that is no positive number.
    """
    text = os.environ.get(VARIABLE, "")
    if not text:
        return MOST_PIXELS
    try:
        found = int(float(text))
    except (ValueError, OverflowError):
        found = 0
    if found < 1:
        raise ArgumentError(f"{VARIABLE} is {text!r}: give a number of pixels, e.g. 2000000000.")
    return found


def too_large(size: tuple[int, int]) -> str | None:
    """Why a picture of this size is not opened, by its header alone; `None` for one that may be."""
    pixels, most = size[0] * size[1], most_pixels()
    if pixels <= most:
        return None
    return (
        f"too large: {size[0]} x {size[1]} are {pixels / 1e6:,.0f} million pixels, and {most / 1e6:,.0f} million are "
        f"the limit; scale it down, or set the environment variable {VARIABLE}={pixels}"
    )


def no_room(image: Image.Image) -> str | None:
    """Why an opened image cannot be decoded in the memory that is free; `None` for one that can."""
    pixels = image.width * image.height
    if pixels < HUGE:
        return None
    depth = 4 if image.mode in ("I", "F") else 2 if image.mode.startswith("I;16") else 1
    needed, free = pixels * len(image.getbands()) * depth * COPIES, _free_memory()
    if free is None or needed <= free:
        return None
    return (
        f"{OF_THE_MOMENT}: {image.width} x {image.height} need {needed / 1e9:.1f} GB of memory to decode, "
        f"and {free / 1e9:.1f} GB are free; scale it down, or save it as a JPEG, which is reduced while decoding"
    )


def turn(image: Image.Image) -> AbstractContextManager[object]:
    """To be held while decoding: pictures of which several at once could fill the memory wait for each other."""
    return _one_at_a_time if image.width * image.height >= HUGE else nullcontext()


def _free_memory() -> int | None:
    """Bytes that can be had without swapping, where the system tells."""
    try:
        with open("/proc/meminfo", encoding="ascii") as file:  # noqa: PTH123 - no file, but the kernel
            found = dict(line.split(":", 1) for line in file)
        return int(found["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        return None
