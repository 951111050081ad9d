"""Pictures that are not square: how they are made so, and what that loses."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

from contrapose.preparation import Fit

MUCH = 0.34  # share of the area; a photo of 3 to 2 loses a third
PADDED = "scaled whole and padded with the colour of their own edge"
KEEP_WHOLE = 'fit="pad" (on the command line --fit pad) keeps them whole'


def square(image: Image.Image, size: int, how: Fit) -> Image.Image:
    """The central square of an image at `size` × `size`, or the whole of it: then smaller on one side, to be padded."""
    if how == "pad":
        width, height = inner_size(image.size, size)
        return _resampled(image, (width, height), (0, 0, *image.size))
    side = min(image.size)
    # whole pixels: a square cut between pixels would blur pictures that need no resampling
    left, top = (image.width - side) // 2, (image.height - side) // 2
    return _resampled(image, (size, size), (left, top, left + side, top + side))


def _resampled(image: Image.Image, size: tuple[int, int], box: tuple[int, int, int, int]) -> Image.Image:
    if size == (box[2] - box[0], box[3] - box[1]):
        return image if box == (0, 0, *image.size) else image.crop(box)
    return image.resize(size, Image.Resampling.BICUBIC, box=box, reducing_gap=2.0)


def inner_size(size: tuple[int, int], side: int) -> tuple[int, int]:
    """A size scaled so that its longer part is `side`."""
    first, second = size
    longer = max(first, second)
    return max(1, round(first * side / longer)), max(1, round(second * side / longer))


def padded(pixels: np.ndarray) -> np.ndarray:
    """`(N, C, H, W)` put into the middle of a square, `(N, C, S, S)`; around it, for each picture and channel, the
    median of the edges that touch what is added: white paper is continued white, and night black.
    """
    height, width = pixels.shape[2:]
    if height > width:
        return padded(pixels.transpose(0, 1, 3, 2)).transpose(0, 1, 3, 2)
    edges = np.concatenate([pixels[:, :, 0], pixels[:, :, -1]], axis=2)  # (N, C, 2 W)
    colour = np.median(edges, axis=2, keepdims=True)[..., None].astype(pixels.dtype)  # (N, C, 1, 1)
    result = np.broadcast_to(colour, (*pixels.shape[:2], width, width)).copy()  # (N, C, S, S)
    top = (width - height) // 2
    result[:, :, top : top + height] = pixels
    return result


def array_note(height: int, width: int, how: Fit) -> str:
    """What is said of an array of pictures that are not square."""
    side = min(height, width)
    if how == "pad":
        return f"Pictures of {height} x {width} were {PADDED}."
    return (
        f"Pictures of {height} x {width} were cut to their central {side} x {side}, which loses "
        f"{_lost(height, width):.0%} of their area; {KEEP_WHOLE}."
    )


def files_note(sizes: Sequence[tuple[int, int]], how: Fit) -> str | None:
    """What is said of files, of which some are not square."""
    lost = np.asarray([_lost(*size) for size in sizes])
    uneven = lost > 0
    if not uneven.any():
        return None
    which = f"{int(uneven.sum()):,} of {len(sizes):,} pictures are not square"
    if how == "pad":
        return f"{which}: they were {PADDED}."
    much = int((lost > MUCH).sum())
    worst = f", {much:,} of them more than a third" if much else ""
    return (
        f"{which}: of these the central square is used, and they lose {lost[uneven].mean():.0%} of their area "
        f"on average{worst}; {KEEP_WHOLE}."
    )


def _lost(first: int, second: int) -> float:
    """The share of the area outside the central square."""
    return 1 - min(first, second) / max(first, second)
