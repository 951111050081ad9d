"""Does a score tell what belongs to the data from what does not?"""

from __future__ import annotations

import math

import numpy as np

from contrapose.errors import ArgumentError
from contrapose.evaluation.inputs import Array, as_numbers
from contrapose.evaluation.metric import Metric

QUANTILE = 1.959963984540054  # of the normal distribution, for 95 %


def told_apart(inside: Array, outside: Array, *, name: str = "AUC", protocol: str = "") -> Metric:
    """The share of pairs of a sample inside and one outside in which the one inside scores higher; ties count half.

        p_i = share of those outside below inside_i,  q_j = share of those inside above outside_j
        AUC = mean p = mean q,   variance = var(p) / M + var(q) / N          (DeLong)

    The interval is of the normal distribution with that variance, cut to [0, 1]. `items` are the p_i: two scores of the
    same samples are set against each other over the samples inside, those outside taken as given.

    Shapes:
        inside: `(M,)`, outside: `(N,)`, two or more of each.

    Arguments:
        protocol: how the scores came about, in words.

    Errors:
        ArgumentError: fewer than two samples on a side, NaN or infinity.

    Chance: 0.5. Paper: DeLong et al., Biometrics 44 (1988), https://doi.org/10.2307/2531595
    """
    own, other = as_numbers(inside, len(inside), "inside"), as_numbers(outside, len(outside), "outside")
    if min(len(own), len(other)) < 2:
        raise ArgumentError(f"An AUC needs two samples or more on each side, got {len(own)} and {len(other)}.")
    p = _below(own, np.sort(other))  # (M,)
    q = 1 - _below(other, np.sort(own))  # (N,)
    value = float(p.mean())
    half = QUANTILE * math.sqrt(p.var(ddof=1) / len(p) + q.var(ddof=1) / len(q))
    how = f"samples inside against {len(other):,} outside{f'; {protocol}' if protocol else ''}"
    return Metric(name, value, max(0.0, value - half), min(1.0, value + half), how, len(own), items=p)


def _below(scores: np.ndarray, others: np.ndarray) -> np.ndarray:
    """The share of sorted `others` below each score, equal ones counting half, `(n,)`."""
    less, up_to = (np.searchsorted(others, scores, side=side) for side in ("left", "right"))
    return (less + up_to) / (2 * len(others))
