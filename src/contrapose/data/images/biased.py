"""Pictures with a bias of known strength: a colour that goes with the class, as often as asked for."""

from __future__ import annotations

import colorsys
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from contrapose.atomic import write_atomically
from contrapose.data.images.images import Images
from contrapose.errors import ArgumentError


@dataclass(frozen=True)
class BiasedImages:
    """Pictures with two labels: their class, and the colour that was laid over them.

    Shapes:
        colours: `(N,)` int64, one of K colours, where K is the number of classes.

    Arguments:
        images: the coloured pictures, labelled by class.
    """

    images: Images
    colours: np.ndarray

    @property
    def classes(self) -> np.ndarray:
        """`(N,)` int64."""
        assert self.images.labels is not None
        return self.images.labels

    @property
    def conflicting(self) -> np.ndarray:
        """`(N,)` true where the colour is not that of the class."""
        return self.classes != self.colours

    @property
    def groups(self) -> np.ndarray:
        """`(N,)` int64, K · class + colour: what a worst-group accuracy is taken over."""
        count = int(max(self.classes.max(), self.colours.max())) + 1
        return self.classes * count + self.colours

    @property
    def by_colour(self) -> Images:
        """The same pictures labelled by colour: how well these can be told is the leakage of the bias."""
        return self.images.with_labels(self.colours)

    def save(self, path: str | Path) -> None:
        """Write an `.npz` that `contrapose train --data` and `evaluate` read: images, labels (the classes), colours.

        Errors:
            RunError: the disk is full or cannot be written.
        """
        buffer = io.BytesIO()
        pictures = self.images.pixels.transpose(0, 2, 3, 1)  # (N, H, W, 3)
        np.savez_compressed(buffer, images=pictures, labels=self.classes, colours=self.colours)
        write_atomically(Path(path), buffer.getvalue())


def colour_biased(
    images: Images,
    *,
    correlation: float | None = 0.95,
    strength: float = 0.5,
    generator: torch.Generator,
) -> BiasedImages:
    """Lay a haze of one of K colours over each picture; with probability `correlation` that of its class.

        colour = class with probability correlation, else one of the K - 1 others, all alike
        pixel <- 255 (1 - (1 - pixel/255) (1 - strength · colour's share of the channel))

    The colours are K hues at equal distances. White stays white, black becomes strength times the colour: on drawings
    the background is coloured, on photos everything is.

    Shapes:
        images: N pictures of 1 or 3 channels, labelled with classes 0 to K - 1; the result has 3 channels.

    Arguments:
        correlation: 0.95 is usual in studies of biased data. None = 1/K: colours say nothing of the class, and groups
            are balanced, as a probe or a test wants them.
        strength: of the haze, in (0, 1]. [design] 0.5: told at once by eye, and photos are still recognised.
        generator: draws who is biased and which other colour the rest get.

    Errors:
        ArgumentError: pictures without labels or with negative ones, one class, other channels, a correlation outside
            [0, 1] or a strength outside (0, 1].
    """
    classes = _classes(images)
    if images.channels not in (1, 3):
        raise ArgumentError(f"Only grey and RGB pictures can be coloured; these have {images.channels} channels.")
    if not (correlation is None or 0 <= correlation <= 1):
        raise ArgumentError(f"correlation is a probability, in [0, 1], or None for no correlation; got {correlation}.")
    if not 0 < strength <= 1:
        raise ArgumentError(f"strength must be above 0 and at most 1, got {strength}; 0.5 is usual.")
    count = int(classes.max()) + 1
    share = 1 / count if correlation is None else correlation
    agrees = torch.rand(len(classes), generator=generator).numpy() < share  # (N,)
    step = torch.randint(1, count, (len(classes),), generator=generator).numpy()  # (N,) to one of the others
    colours = np.where(agrees, classes, (classes + step) % count)  # (N,)
    pixels = _hazed(images.pixels, colours, _tables(count, strength))
    names = None if images.class_names is None else list(images.class_names)
    note = f"Coloured with {count} hues of strength {strength:g}, that of the class with probability {share:g}"
    coloured = Images(
        pixels,
        classes,
        class_names=names,
        identifiers=images.identifiers,
        origin=images.origin,
        notes=[*images.notes, note],
        preparation=images.preparation,
    )
    return BiasedImages(coloured, colours)


def hues(count: int) -> np.ndarray:
    """Colours at equal distances around the circle, `(K, 3)` in [0, 1], the first of them red."""
    return np.array([colorsys.hsv_to_rgb(number / count, 1.0, 1.0) for number in range(count)])


def _tables(count: int, strength: float) -> np.ndarray:
    """What each grey level becomes in each channel under each of the colours, `(K, 3, 256)` uint8."""
    kept = 1 - strength * hues(count)[:, :, None]  # (K, 3, 1)
    return np.rint(255 - (255 - np.arange(256)) * kept).astype(np.uint8)  # (K, 3, 256)


def _hazed(pixels: np.ndarray, colours: np.ndarray, tables: np.ndarray) -> np.ndarray:
    """`(N, C, H, W)` grey or RGB -> `(N, 3, H, W)`."""
    result = np.empty((len(pixels), 3, *pixels.shape[2:]), dtype=np.uint8)
    for colour, table in enumerate(tables):
        chosen = np.flatnonzero(colours == colour)
        for channel in range(3):
            source = pixels[chosen, channel % pixels.shape[1]]  # (n, H, W)
            result[chosen, channel] = table[channel][source]
    return result


def _classes(images: Images) -> np.ndarray:
    if images.labels is None:
        raise ArgumentError("The pictures have no labels, and a bias goes with the class; give labelled pictures.")
    low, high = int(images.labels.min()), int(images.labels.max())
    if low < 0 or high < 1:
        raise ArgumentError(f"Labels must be classes 0 to K - 1 with K at least 2; got {low} to {high}.")
    return images.labels
