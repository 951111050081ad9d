"""Scenes: one scanned digit a picture, in a colour and at a place, which a caption can name."""

from __future__ import annotations

import numpy as np
import torch

from contrapose.data.images.images import Images
from contrapose.data.images.made.digit_scans import digit_scans
from contrapose.data.images.made.trifeature import COLOURS
from contrapose.data.images.made.whole import check_whole
from contrapose.data.randomness import derived_generator
from contrapose.errors import ArgumentError

SCAN = 8  # pixels of a digit's side
DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
PLACES = ("top left", "top right", "bottom left", "bottom right")


def scenes(
    count: int = 2000, *, seed: int = 0, first: int = 0, last: int | None = None, side: int = 16, scale: int = 1
) -> Images:
    """A scanned digit on black, tinted with one of six colours, anywhere on the canvas.

        pixel = colour · ink,   ink of one of scikit-learn's 8 x 8 scans, moved by whole pixels

    Digit, colour and place are drawn independently, the scan with replacement among those of `first` up to `last`:
    parts that must not share a scan take different ranges. As pairs (`--modality pairs`, or a method of pairs) each
    scene has captions that name what it shows (`data.pairs.scene_captions`).

    Shapes:
        the result: `(count, 3, side, side)` uint8. Targets "digit" (0 to 9), "colour" (0 to 5) and "place" (the quarter
        that the middle of the digit lies in, 0 to 3); the labels are the digits, called by their words.

    Arguments:
        count: scenes.
        seed: of everything drawn; with another one these are other scenes.
        first, last: which of the 1,797 scans, in an order in which writers are mixed: from `first` up to `last`, that
            one left out; None: to the end.
        side: of the canvas in pixels, one more than a digit at least.
        scale: pixels a side that each pixel of a scan becomes; a digit has 8 times as many a side.

    Errors:
        ArgumentError: no scene, no scan in the range, a canvas without room to move, or numbers that are not whole.

    Chance: 1/10 for the digit, 1/6 for the colour, 1/4 for the place.
    """
    scans, digits = digit_scans()
    last = len(scans) if last is None else last
    check_whole(count=(count, 1), seed=(seed, 0), first=(first, 0), last=(last, 1), scale=(scale, 1))
    size = SCAN * scale
    check_whole(side=(side, size + 1))
    if first >= min(last, len(scans)):
        raise ArgumentError(f"There is no scan from {first} up to {last}: there are {len(scans):,}, counted from 0.")
    generator = derived_generator(seed, "scenes")
    chosen = first + torch.randint(min(last, len(scans)) - first, (count,), generator=generator).numpy()  # (N,)
    colour = torch.randint(len(COLOURS), (count,), generator=generator).numpy()  # (N,)
    corner = torch.randint(side - size + 1, (count, 2), generator=generator).numpy()  # (N, 2), from top and left
    ink = np.zeros((count, side, side))  # (N, H, W)
    rows, columns = corner[:, :1] + np.arange(size), corner[:, 1:] + np.arange(size)  # (N, 8 scale) each
    large = scans[chosen].repeat(scale, axis=1).repeat(scale, axis=2)  # (N, 8 scale, 8 scale)
    ink[np.arange(count)[:, None, None], rows[:, :, None], columns[:, None, :]] = large
    rgb = np.array(list(COLOURS.values()))[colour]  # (N, 3)
    pixels = np.rint(rgb[:, :, None, None] * ink[:, None]).astype(np.uint8)  # (N, 3, H, W)
    low, right = (2 * corner + size >= side).astype(np.int64).T  # (N,) each
    known = {
        "digit": (digits[chosen], DIGITS),
        "colour": (colour, tuple(COLOURS)),
        "place": (2 * low + right, PLACES),
    }
    images = Images(pixels, digits[chosen], class_names=DIGITS, origin="scenes of digits")
    for name, (numbers, names) in known.items():
        images = images.with_classes(name, numbers, names)
    return images
