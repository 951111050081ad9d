"""How sure a proportion is. A bootstrap of answers that are all right has nothing to resample; these have a width."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from contrapose.errors import ArgumentError
from contrapose.evaluation.inputs import positive_integer


class Interval(NamedTuple):
    """A mean and the ends of its interval."""

    value: float
    low: float
    high: float


def wilson_interval(share: float, count: int, *, level: float = 0.95) -> Interval:
    """Wilson's score interval of a share of `count` independent answers.

    Equation: the ends are the p with |share - p| = z sqrt(p (1 - p) / count), z the normal quantile of `level`.

    Arguments:
        share: of right answers, in [0, 1]; a fraction of an answer (a tie, counted as a half) may be among them.
        count: answers.
        level: share of such intervals that hold the true one; 0.95 by convention.

    Errors:
        ArgumentError: a share outside [0, 1], no answers, a level outside (0, 1).

    Closed form: n of n right give [n / (n + z²), 1], and none of n [0, z² / (n + z²)]: never a point. Paper: Wilson,
    Probable inference, JASA 22 (1927), https://doi.org/10.1080/01621459.1927.10502953; advised for all n by Brown, Cai
    and DasGupta 2001, https://doi.org/10.1214/ss/1009213286.
    """
    if not 0 <= share <= 1:
        raise ArgumentError(f"share must lie in [0, 1]; got {share!r}.")
    n, z = positive_integer(count, "count"), _quantile(level)
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    # rounding must not push an end past the share itself
    return Interval(share, max(0.0, min(share, centre - half)), min(1.0, max(share, centre + half)))


def paired_proportions(a: np.ndarray, b: np.ndarray, *, level: float = 0.95) -> Interval:
    """Difference of two shares over the same right-or-wrong answers, by Bonett and Price.

    Equation: with n answers, r right in `a` alone and s in `b` alone, p = (r + 1) / (n + 2), q = (s + 1) / (n + 2): the
    interval is p - q ± z sqrt((p + q - (p - q)²) / (n + 2)), cut at ±1. The value is (r - s) / n.

    Shapes:
        a, b: `(N,)` of 0 and 1, answer i of one beside answer i of the other.

    Closed form: answers that never differ give 0 ± z sqrt(2) / (n + 2): that no difference was seen does not say that
    there is none. Paper: Bonett and Price 2012, https://doi.org/10.3102/1076998611411915.
    """
    n, z = len(a), _quantile(level)
    first, second = int(((a == 1) & (b == 0)).sum()), int(((a == 0) & (b == 1)).sum())
    p, q = (first + 1) / (n + 2), (second + 1) / (n + 2)
    half = z * math.sqrt((p + q - (p - q) ** 2) / (n + 2))
    value = (first - second) / n
    return Interval(value, max(-1.0, min(value, p - q - half)), min(1.0, max(value, p - q + half)))


def right_or_wrong(values: np.ndarray) -> bool:
    """Whether all values are 0 or 1."""
    return bool(np.isin(values, (0, 1)).all())


def _quantile(level: float) -> float:
    if not 0 < level < 1:
        raise ArgumentError(f"level must lie between 0 and 1; got {level!r}. 0.95 is a 95 % interval.")
    return NormalDist().inv_cdf((1 + level) / 2)
