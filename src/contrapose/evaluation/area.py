"""`area_under_curve`: how well scores tell two classes apart, whatever the threshold, with an interval."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import torch

from contrapose.errors import ArgumentError
from contrapose.evaluation.metric import Metric
from contrapose.evaluation.roc import roc_auc

HALVINGS = 60


def area_under_curve(
    scores: np.ndarray, positive: np.ndarray, *, name: str = "AUC", protocol: str = "", level: float = 0.95
) -> Metric:
    """The area under the ROC curve: the share of pairs of a positive and a negative that are in the right order.

    Its interval is that of Newcombe's fifth method: all A with |AUC - A| <= z sd(A), where

        sd(A)² = A (1 - A) (1 + (M - 1) ((1 - A) / (2 - A) + A / (1 + A))) / (P Q),    M = (P + Q) / 2

    for P positives and Q negatives, so that it has a width even where every pair is in order. Items are kept by which
    two arms can be paired: half of each positive's share of negatives below it, and of each negative's share of
    positives above it, scaled so that their mean is the area.

    Shapes:
        scores: `(N,)`, higher for positives; positive: `(N,)` boolean.

    Errors:
        ArgumentError: scores of another number than of labels, of one class only, or that are not finite.

    Equal scores: 0.5. Papers: Hanley and McNeil 1982, https://doi.org/10.1148/radiology.143.1.7063747; Newcombe 2006,
    https://doi.org/10.1002/sim.2324.
    """
    s, truth = np.asarray(scores, dtype=np.float64), np.asarray(positive, dtype=bool)  # (N,) each
    if s.ndim != 1 or s.shape != truth.shape or not np.isfinite(s).all():
        raise ArgumentError(f"An area takes one finite score a label; got {s.shape} of {truth.shape} labels.")
    above, below = np.sort(s[truth]), np.sort(s[~truth])  # (P,), (Q,)
    if not len(above) or not len(below):
        raise ArgumentError("An area under the curve takes samples of both classes, and these are of one.")
    value = float(roc_auc(torch.from_numpy(s), torch.from_numpy(truth)))
    low, high = _interval(value, len(above), len(below), NormalDist().inv_cdf((1 + level) / 2))
    items = np.empty(len(s))  # (N,)
    items[truth] = _share_below(below, s[truth]) * len(s) / (2 * len(above))
    items[~truth] = (1 - _share_below(above, s[~truth])) * len(s) / (2 * len(below))
    about = f"{len(above):,} positives, {len(below):,} negatives, chance 50 %"
    return Metric(name, value, low, high, f"{about}; {protocol}" if protocol else about, len(s), items=items)


def _share_below(ordered: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Of each value the share of `ordered` that is lower, equal ones counting half."""
    below, not_above = np.searchsorted(ordered, values), np.searchsorted(ordered, values, side="right")
    return (below + not_above) / (2 * len(ordered))


def _interval(value: float, positives: int, negatives: int, z: float) -> tuple[float, float]:
    """The ends of all areas that are within z deviations of the value, each by halving."""
    half = (positives + negatives) / 2 - 1

    def outside(area: float) -> bool:
        spread = (1 - area) / (2 - area) + area / (1 + area)
        variance = area * (1 - area) * (1 + half * spread) / (positives * negatives)
        return abs(value - area) > z * math.sqrt(max(variance, 0.0))

    ends = []
    for end in (0.0, 1.0):
        within, beyond = value, end
        for _ in range(HALVINGS):
            middle = (within + beyond) / 2
            within, beyond = (within, middle) if outside(middle) else (middle, beyond)
        ends.append(within)
    return min(ends[0], value), max(ends[1], value)
