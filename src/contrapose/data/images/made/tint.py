"""Tinted pictures: a colour that goes with the class, for as large a share of the pictures as asked for."""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch

from contrapose.data.images.biased import hues
from contrapose.data.images.images import Images
from contrapose.data.images.made.scans import SIDE, scans
from contrapose.data.images.made.whole import check_whole
from contrapose.data.randomness import derived_generator
from contrapose.errors import ArgumentError

COLOUR = "colour"
"""The target that holds the colours; `CLASS` the one of the classes, where further questions are named."""
CLASS = "digit"
DARK = 0.25
"""Of a tinted background: how bright it is. [design] a digit is told from it, and its colour at a glance."""

Where = Literal["digit", "background"]


def tint(
    count: int = 1797,
    *,
    share: float | None = 0.0,
    where: Where = "digit",
    part: Literal["all", "learned", "asked"] = "all",
    side: int = SIDE,
    seed: int = 0,
) -> Images:
    """Digits of scikit-learn, each in the colour of its class but for a share of them.

    Shapes:
        the result: `(count, 3, side, side)` uint8. Targets "digit" (also the labels) and "colour", classes 0 to 9 each;
            colour k is that of digit k.

    Arguments:
        count: pictures, at most as many as there are.
        share: r, of pictures whose colour is one of the other nine, drawn uniformly. 0: not one. None: colours say
            nothing of the class, as an unbiased test wants them.
        where: what is coloured: the digit on black, or the background behind a white one.
        part: of the scans: "learned", the first 1,200, to train on; "asked", the other 597, to test on; "all".
        side: pixels.
        seed: of the colours, and of which scans, where not all of them.

    Errors:
        ArgumentError: no picture or more than there are, a share outside [0, 1], another place or part, a side below 8.
    """
    check_whole(side=(side, 8), count=(count, 1))
    parts = {"all": slice(None), "learned": slice(0, LEARNED), "asked": slice(LEARNED, None)}
    if part not in parts:
        raise ArgumentError(f"part is {part!r}; it must be one of {', '.join(parts)}.")
    pixels, labels = (values[parts[part]] for values in scans(side))
    drawn = torch.randperm(len(pixels), generator=derived_generator(seed, "tint", "scans"))[:count]  # (N,)
    some = drawn.sort().values.numpy()  # (N,)
    names = [str(number) for number in range(10)]
    images = Images(pixels[some], labels[some], class_names=names, origin="the digits of scikit-learn")
    return tinted(images, share=share, where=where, seed=seed).with_classes(CLASS, labels[some], names)


LEARNED = 1200
"""Scans to learn from; the others are asked."""


def tinted(images: Images, *, share: float | None = 0.0, where: Where = "digit", seed: int = 0) -> Images:
    """Any labelled pictures, tinted: the colour of a picture is that of its class, but for a share of them.

        digit:       pixel <- brightness · colour
        background:  pixel <- brightness · white + (1 - brightness) · dark colour

    Colours are K hues at equal distances. Bright on dark is assumed, as digits are.

    Shapes:
        images: N pictures of 1 or 3 channels, labelled with classes 0 to K - 1; the result has 3 channels, the same
            labels, and the target "colour", classes 0 to K - 1.

    Arguments:
        share: r, of pictures whose colour is one of the K - 1 others, drawn uniformly; None: all K alike, whatever the
            class.
        where: what is coloured.
        seed: of the colours.

    Errors:
        ArgumentError: pictures without labels, of one class or of other channels; a share outside [0, 1]; another
            place.
    """
    if images.labels is None or int(images.labels.min()) < 0 or int(images.labels.max()) < 1:
        raise ArgumentError("Pictures are tinted by their classes, 0 to K - 1 with K at least 2; give labelled ones.")
    if images.channels not in (1, 3) or where not in ("digit", "background"):
        raise ArgumentError(
            f"Grey and RGB pictures can be tinted, on the digit or on the background; got {images.channels} channels "
            f"and {where!r}."
        )
    if not (share is None or 0 <= share <= 1):
        raise ArgumentError(f"share is of pictures in another colour, in [0, 1], or None for no bias; got {share}.")
    labels, count = images.labels, int(images.labels.max()) + 1
    colours = _colours(labels, count, share, derived_generator(seed, "tint"))
    pixels = _painted(images.pixels, hues(count)[colours], where)  # (N, 3, H, W)
    bias = "colours drawn whatever the class" if share is None else f"{share:g} of them in the colour of another class"
    made = Images(
        pixels,
        labels,
        class_names=images.class_names or [str(number) for number in range(count)],
        identifiers=images.identifiers,
        origin=images.origin,
        notes=[*images.notes, f"Tinted in {count} hues, {bias}"],
        preparation=images.preparation,
    )
    return made.with_classes(COLOUR, colours, [str(number) for number in range(count)])


def colours_of(images: Images) -> np.ndarray:
    """The number of the colour of each tinted picture, `(N,)` int64."""
    return images.targets[COLOUR].astype(np.int64)  # (N,)


def _colours(labels: np.ndarray, count: int, share: float | None, generator: torch.Generator) -> np.ndarray:
    """A colour for each picture, `(N,)` int64; as many are another class's as the share says, to the nearest whole."""
    if share is None:
        return torch.randint(count, (len(labels),), generator=generator).numpy()  # (N,)
    step = torch.randint(1, count, (len(labels),), generator=generator).numpy()  # (N,) to one of the others
    others = torch.randperm(len(labels), generator=generator).numpy()[: round(share * len(labels))]
    colours = labels.copy()  # (N,)
    colours[others] = (labels[others] + step[others]) % count
    return colours


def _painted(pixels: np.ndarray, rgb: np.ndarray, where: Where) -> np.ndarray:
    """`(N, C, H, W)` of 1 or 3 channels -> `(N, 3, H, W)` in the colours `rgb` `(N, 3)` in [0, 1]."""
    bright = pixels.max(axis=1, keepdims=True).astype(np.float32)  # (N, 1, H, W)
    paint = rgb[:, :, None, None].astype(np.float32)  # (N, 3, 1, 1)
    if where == "digit":
        return np.rint(bright * paint).astype(np.uint8)  # (N, 3, H, W)
    return np.rint(bright + (255 - bright) * DARK * paint).astype(np.uint8)
