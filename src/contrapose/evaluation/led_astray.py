"""What a change of all pictures does to an encoder: answers that are others now, and how much of a score is lost."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from contrapose.errors import ArgumentError


def fooling_rate(before: ArrayLike, after: ArrayLike) -> float:
    """The share of answers that are others now, right or wrong before: 0 to 1.

    Shapes:
        before, after: `(N,)` of whatever can be compared, row by row of the same samples.

    Errors:
        ArgumentError: another number in each, or none.

    Closed form: 0 where nothing changed; of answers drawn anew among C at random (C - 1) / C.
    """
    one, other = np.asarray(before), np.asarray(after)
    if one.shape != other.shape or one.ndim != 1 or not len(one):
        raise ArgumentError(f"Answers must be (N,) before and after, got {one.shape} and {other.shape}.")
    return float((one != other).mean())


def relative_decline(before: float, after: float) -> float:
    """How much of a score is gone, in percent of what it was: 100 (before - after) / before.

    Negative where it has risen; NaN where it was 0 and nothing could be lost.

    Closed form: 0.8 before and 0.2 after: 75.
    """
    return 100 * (before - after) / before if before else float("nan")


def attack_success(before: ArrayLike, after: ArrayLike) -> float:
    """Of the queries that were answered rightly before, the share that are not any more: 0 to 1; NaN where none were.

    Queries that were wrong before play no part: over all of them an encoder that knows nothing would seem attacked.

    Shapes:
        before, after: `(N,)`, whether the answer is right (0 or 1), row by row of the same queries.

    Errors:
        ArgumentError: another number in each, or none.

    Closed form: of (1, 1, 0, 0) before and (1, 0, 0, 1) after 1 / 2.
    """
    was, now = np.asarray(before), np.asarray(after)
    if was.shape != now.shape or was.ndim != 1 or not len(was):
        raise ArgumentError(f"Right answers must be (N,) before and after, got {was.shape} and {now.shape}.")
    right = was.astype(bool)
    return float(1 - now[right].astype(bool).mean()) if right.any() else float("nan")
