"""Pictures that lost quality in one stated way: what an encoder or classifier of pictures has to stand."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Literal

import numpy as np
from PIL import Image

from contrapose.data.images.images import Images
from contrapose.errors import ArgumentError
from contrapose.recompression import recompressed

Way = Literal["jpeg", "webp", "resize", "blur", "noise", "contrast", "brightness"]


@dataclass(frozen=True)
class Corruption:
    """One way to lose quality, and how much.

    Arguments:
        way: jpeg and webp: written as such a file, and read again; resize: made smaller and as large again, by straight
            lines between pixels; blur: a Gaussian.
        level: of a file its quality, 1 to 100; of resize the factor, in (0, 1); of blur the deviation in pixels; of
            noise the deviation, white being 1; of contrast the share that is left of it; of brightness what is added.
    """

    way: Way
    level: float

    def __str__(self) -> str:
        return _NAMES[self.way].format(self.level)


_NAMES: dict[Way, str] = {
    "jpeg": "JPEG {:g}",
    "webp": "WebP {:g}",
    "resize": "resized by {:g}",
    "blur": "blur of {:g} px",
    "noise": "noise of {:g}",
    "contrast": "contrast of {:g}",
    "brightness": "brightness +{:g}",
}


_LEVELS: dict[Way, tuple[float, ...]] = {
    "jpeg": (90, 70, 50, 30),
    "webp": (70, 30),
    "resize": (0.75, 0.5, 0.25),
    "blur": (0.5, 1, 2),
}
CORRUPTIONS = tuple(Corruption(way, level) for way, levels in _LEVELS.items() for level in levels)
"""What `evaluate --task corruptions` measures under. [design] ImagiNet learns from qualities of 50 to 95."""

SMALL = 96  # pixels a side, below which the strengths are those for small pictures [design]
_SMALL: dict[Way, tuple[float, ...]] = {
    "noise": (0.04, 0.06, 0.08, 0.09, 0.1),
    "blur": (0.4, 0.6, 0.7, 0.8, 1),
    "contrast": (0.75, 0.5, 0.4, 0.3, 0.15),
    "brightness": (0.05, 0.1, 0.15, 0.2, 0.3),
    "jpeg": (80, 65, 58, 50, 40),
}
_LARGE: dict[Way, tuple[float, ...]] = {
    "noise": (0.08, 0.12, 0.18, 0.26, 0.38),
    "blur": (1, 2, 3, 4, 6),
    "contrast": (0.4, 0.3, 0.2, 0.1, 0.05),
    "brightness": (0.1, 0.2, 0.3, 0.4, 0.5),
    "jpeg": (25, 18, 15, 10, 7),
}


def strengths(image_size: int) -> dict[Way, tuple[Corruption, ...]]:
    """Five ways at five strengths each, as CIFAR-10-C has them, from 96 pixels a side on as ImageNet-C.

    Noise, blur, contrast, brightness and JPEG; brightness is added to every channel here, not to the value of HSV.

    Paper: Hendrycks and Dietterich, ICLR 2019, https://arxiv.org/abs/1903.12261
    """
    levels = _SMALL if image_size < SMALL else _LARGE
    return {way: tuple(Corruption(way, level) for level in of) for way, of in levels.items()}


def corrupted(images: Images, corruption: Corruption) -> Images:
    """The same pictures after the corruption, with the same targets. The noise of a picture is drawn from what it
    shows, so that it does not hang on the others.

    Errors:
        ArgumentError: an unknown way, a level out of range; a file of pictures of other than 1 or 3 channels.
    """
    pixels = np.stack([_one(picture, corruption) for picture in images.pixels])  # (N, C, H, W)
    return images.with_pixels(pixels, how=str(corruption))


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
    if corruption.way in ("noise", "contrast", "brightness"):
        return np.rint(255 * _of_light(picture / 255, corruption)).clip(0, 255).astype(np.uint8)
    raise ArgumentError(f"Unknown corruption {corruption.way!r}. Known: {', '.join(_NAMES)}.")


def _of_light(x: np.ndarray, corruption: Corruption) -> np.ndarray:
    """`(C, H, W)` in [0, 1] with other values, which may lie outside."""
    level = corruption.level
    if corruption.way == "brightness":
        return x + level
    if not level > 0:
        raise ArgumentError(f"{corruption.way} has a level above 0, white being 1; got {level:g}.")
    if corruption.way == "contrast":
        mean = x.mean(axis=(1, 2), keepdims=True)  # (C, 1, 1)
        return mean + level * (x - mean)
    random = np.random.default_rng(zlib.crc32(np.ascontiguousarray(x).data))
    return x + level * random.standard_normal(x.shape)


def _resized(channel: np.ndarray, factor: float) -> np.ndarray:
    """`(H, W)` uint8 made smaller, averaging over what becomes one pixel, and as large again."""
    height, width = channel.shape
    smaller = (max(1, round(width * factor)), max(1, round(height * factor)))
    once = Image.fromarray(channel).resize(smaller, Image.Resampling.BILINEAR)
    return np.asarray(once.resize((width, height), Image.Resampling.BILINEAR))
