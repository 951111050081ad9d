"""Pictures that lost quality in one stated way: what a classifier of pictures has to stand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from PIL import Image

from contrapose.data.images.images import Images
from contrapose.errors import ArgumentError
from contrapose.recompression import recompressed

Way = Literal["jpeg", "webp", "resize", "blur"]


@dataclass(frozen=True)
class Corruption:
    """One way to lose quality, and how much.

    Arguments:
        way: jpeg and webp: written as such a file, and read again; resize: made smaller and as large again, by straight
            lines between pixels; blur: a Gaussian.
        level: of a file its quality, 1 to 100; of resize the factor, in (0, 1); of blur the deviation in pixels.
    """

    way: Way
    level: float

    def __str__(self) -> str:
        names = {"jpeg": "JPEG {:g}", "webp": "WebP {:g}", "resize": "resized by {:g}", "blur": "blur of {:g} px"}
        return names[self.way].format(self.level)


_LEVELS: dict[Way, tuple[float, ...]] = {
    "jpeg": (90, 70, 50, 30),
    "webp": (70, 30),
    "resize": (0.75, 0.5, 0.25),
    "blur": (0.5, 1, 2),
}
CORRUPTIONS = tuple(Corruption(way, level) for way, levels in _LEVELS.items() for level in levels)
"""What `evaluate --task corruptions` measures under. [design] ImagiNet learns from qualities of 50 to 95."""


def corrupted(images: Images, corruption: Corruption) -> Images:
    """The same pictures after the corruption, with the same targets.

    Errors:
        ArgumentError: an unknown way, a level out of range; a file of pictures of other than 1 or 3 channels.
    """
    pixels = np.stack([_one(picture, corruption) for picture in images.pixels])  # (N, C, H, W)
    found = Images(
        pixels,
        targets=images.targets,
        class_names=images.class_names,
        identifiers=images.identifiers,
        origin=f"{images.origin} ({corruption})",
        notes=images.notes,
        preparation=images.preparation,
    )
    found.names_of = images.names_of
    return found


def _one(picture: np.ndarray, corruption: Corruption) -> np.ndarray:
    """`(C, H, W)` uint8 to the same."""
    from scipy.ndimage import gaussian_filter

    level = corruption.level
    if corruption.way == "jpeg" or corruption.way == "webp":
        return recompressed(picture, quality=int(level), format=corruption.way)
    if corruption.way == "resize":
        if not 0 < level < 1:
            raise ArgumentError(f"A picture is resized by a factor above 0 and below 1, and back; got {level:g}.")
        return np.stack([_resized(channel, level) for channel in picture])
    if corruption.way == "blur":
        if not level > 0:
            raise ArgumentError(f"A blur has a standard deviation above 0, in pixels; got {level:g}.")
        blurred = gaussian_filter(picture.astype(np.float64), (0, level, level), mode="nearest")
        return np.rint(blurred).clip(0, 255).astype(np.uint8)
    raise ArgumentError(f"Unknown corruption {corruption.way!r}. Known: jpeg, webp, resize, blur.")


def _resized(channel: np.ndarray, factor: float) -> np.ndarray:
    """`(H, W)` uint8 made smaller, averaging over what becomes one pixel, and as large again."""
    height, width = channel.shape
    smaller = (max(1, round(width * factor)), max(1, round(height * factor)))
    once = Image.fromarray(channel).resize(smaller, Image.Resampling.BILINEAR)
    return np.asarray(once.resize((width, height), Image.Resampling.BILINEAR))
