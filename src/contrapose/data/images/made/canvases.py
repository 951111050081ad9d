"""Canvases: several real digits on a textured ground, with the class of every pixel."""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image
from torch.nn import functional as F

from contrapose.data.images.images import Images
from contrapose.data.images.made.digit_scans import digit_scans
from contrapose.data.images.made.whole import check_whole
from contrapose.data.randomness import derived_generator
from contrapose.data.samples import MASK
from contrapose.errors import ArgumentError

SIDE = 48  # pixels
FEWEST, MOST = 3, 5  # digits on a canvas
SMALLEST, LARGEST = 10, 16  # pixels of a digit's side
INKED = 0.3  # of full ink, from which on a pixel belongs to its digit
BACKGROUND = "background"
TRIES = 60  # places for a digit before the canvas is begun anew


def canvases(count: int = 2000, *, seed: int = 0, first: int = 0, last: int | None = None) -> Images:
    """Three to five scanned digits on a 48 x 48 canvas of smooth grey texture, and a mask of what each pixel shows.

        pixel = ground (1 - ink) + level ink,    mask = digit where ink >= 0.3, else 10, the background

    The digits are real scans of 8 x 8, those of scikit-learn, enlarged to 10 to 16 pixels, at places where no two
    overlap, in a light grey of their own; the ground is smooth noise of a coarse grid with finer noise on it. They
    are drawn with replacement, so parts that must not share a scan take different ranges of them.

    Shapes:
        the result: `(count, 1, 48, 48)` uint8. Target "mask" `(count, 48, 48)`: 0 to 9, and 10 for the background.

    Arguments:
        count: canvases.
        seed: of everything drawn; with another one these are other canvases.
        first, last: which of the 1,797 scans, in an order in which writers are mixed: from `first` up to `last`, that
            one left out; None: to the end.

    Errors:
        ArgumentError: no canvas, no scan in the range, or numbers that are not whole.

    Chance: a map that says background everywhere has a mean IoU of its share, about 0.89, over 11.
    """
    scans, digits = _scans(count, seed, first, last)
    generator = derived_generator(seed, "canvases")
    random = np.random.default_rng(int(torch.randint(2**31, (), generator=generator)))
    grounds = _grounds(count, generator)  # (N, 48, 48)
    masks = np.full((count, SIDE, SIDE), 10, dtype=np.int16)  # (N, 48, 48)
    for ground, mask in zip(grounds, masks, strict=True):
        for top, left, side in _layout(random):
            chosen = int(random.integers(len(scans)))
            scan = Image.fromarray(scans[chosen].astype(np.float32))
            ink = np.clip(np.asarray(scan.resize((side, side), Image.Resampling.BICUBIC)), 0, 1)  # (s, s)
            place = slice(top, top + side), slice(left, left + side)
            ground[place] += (random.uniform(0.7, 1.0) - ground[place]) * ink
            mask[place][ink >= INKED] = digits[chosen]
    pixels = np.rint(255 * grounds).clip(0, 255).astype(np.uint8)[:, None]  # (N, 1, 48, 48)
    names = (*map(str, range(10)), BACKGROUND)
    return Images(pixels, origin="canvases of digits").with_classes(MASK, masks, names)


def _scans(count: int, seed: int, first: int, last: int | None) -> tuple[np.ndarray, np.ndarray]:
    """The scans that may be drawn, `(n, 8, 8)`, and what they are."""
    scans, digits = digit_scans()
    last = len(scans) if last is None else last
    check_whole(count=(count, 1), seed=(seed, 0), first=(first, 0), last=(last, 1))
    if first >= min(last, len(scans)):
        raise ArgumentError(f"There is no scan from {first} up to {last}: there are {len(scans):,}, counted from 0.")
    return scans[first:last], digits[first:last]


def _grounds(count: int, generator: torch.Generator) -> np.ndarray:
    """Textures of grey levels from about 0.05 to 0.5, `(N, 48, 48)`."""
    level = 0.15 + 0.2 * torch.rand(count, 1, 1, 1, generator=generator)  # (N, 1, 1, 1)
    coarse = torch.rand(count, 1, 7, 7, generator=generator) - 0.5  # (N, 1, 7, 7)
    smooth = F.interpolate(coarse, size=(SIDE, SIDE), mode="bicubic", align_corners=True)  # (N, 1, 48, 48)
    fine = torch.randn(count, 1, SIDE, SIDE, generator=generator)  # (N, 1, 48, 48)
    return (level + 0.25 * smooth + 0.02 * fine).clamp(0, 1)[:, 0].numpy()


def _layout(random: np.random.Generator) -> list[tuple[int, int, int]]:
    """Top, left and side of three to five squares that do not overlap."""
    wanted = int(random.integers(FEWEST, MOST + 1))
    placed: list[tuple[int, int, int]] = []
    tries = 0
    while len(placed) < wanted:
        side = int(random.integers(SMALLEST, LARGEST + 1))
        top, left = (int(place) for place in random.integers(0, SIDE - side + 1, size=2))
        if all(top >= t + s or t >= top + side or left >= lf + s or lf >= left + side for t, lf, s in placed):
            placed.append((top, left, side))
        tries += 1
        if tries == TRIES:
            placed, tries = [], 0
    return placed
