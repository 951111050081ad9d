"""Two digits laid over each other: two features in one picture, independent of each other."""

from __future__ import annotations

import numpy as np

from contrapose.data.images.images import Images
from contrapose.data.images.made.scans import SIDE, scans
from contrapose.data.images.made.whole import check_whole
from contrapose.data.randomness import derived_generator

BENEATH, ABOVE = "beneath", "above"
WEIGHT = 0.5  # of each of the two
LOW = 5  # digits below it lie beneath, the others above


def superposition(count: int = 2000, *, seed: int = 0, side: int = SIDE) -> Images:
    """A digit of 0 to 4 at half its strength, and one of 5 to 9 at half its strength over it, drawn independently.

        pixel = (pixel of the one + pixel of the other) / 2

    Both are as bright and as large: what a loss learns of one does not help with the other, and it may pass either
    over. Scans are those of scikit-learn, drawn with replacement.

    Shapes:
        the result: `(count, 1, side, side)` uint8. Targets "beneath" and "above", classes 0 to 4 each (digits 0 to 4,
        and 5 to 9); the labels are those above.

    Arguments:
        count: pictures.
        seed: of everything drawn; with another one these are other pairs of the same scans.
        side: pixels.

    Errors:
        ArgumentError: no picture, a side below 8, numbers that are not whole.

    Chance: 1/5 for each.
    """
    check_whole(count=(count, 1), seed=(seed, 0), side=(side, 8))
    pixels, digits = scans(side)
    random = np.random.default_rng(derived_generator(seed, "superposition").initial_seed())
    low, high = np.flatnonzero(digits < LOW), np.flatnonzero(digits >= LOW)
    beneath, above = low[random.integers(len(low), size=count)], high[random.integers(len(high), size=count)]  # (N,)
    names = [str(number) for number in range(10)]
    images = Images(laid_over(pixels[beneath], pixels[above]), digits[above] - LOW, class_names=names[LOW:])
    images = images.with_classes(BENEATH, digits[beneath], names[:LOW])
    return images.with_classes(ABOVE, digits[above] - LOW, names[LOW:])


def laid_over(beneath: np.ndarray, above: np.ndarray, there: np.ndarray | float = 1.0) -> np.ndarray:
    """Pictures with others over them, uint8 as they are.

    Shapes:
        beneath, above: `(N, C, H, W)`; there: a number, or one for each, `(N, 1, 1, 1)`: 0 leaves the other out.
    """
    return np.rint(WEIGHT * (beneath + there * above.astype(np.float32))).astype(np.uint8)  # (N, C, H, W)
