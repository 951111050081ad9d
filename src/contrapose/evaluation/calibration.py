"""From what a classifier outputs to what can be relied upon: a temperature for its probabilities, a threshold for two
classes. Both are chosen on samples that it did not learn from."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from contrapose.errors import ArgumentError

Aim = Literal["f1", "balanced", "false-positives"]
AIMS = ("f1", "balanced", "false-positives")

SMALLEST, LARGEST, STEPS = 0.05, 20.0, 60
"""Where a temperature is looked for, and how often what is left is cut."""


def fitting_temperature(logits: Tensor, labels: Tensor) -> float:
    """The T at which softmax(logits / T) makes these labels most likely.

    Equation: argmin over T in [0.05, 20] of mean -log softmax(logits / T)[label], the share 1 / (N + 2) of each target
    spread over all classes (Platt's rule), so that a few samples that are all right do not make it sure of everything.
    In 1 / T that has one minimum, which is found by the golden section of log T. Accuracy stays as it was.

    Shapes:
        logits: `(N, P)`; labels: `(N,)` int64, of samples that were not learned from.

    Errors:
        ArgumentError: no sample.

    Closed form: logits that are k times the logarithms of the true probabilities of many samples give T = k. Papers:
    Guo et al. 2017, https://arxiv.org/abs/1706.04599; Platt 1999, Advances in large margin classifiers.
    """
    if not len(labels):
        raise ArgumentError("A temperature is chosen on labelled samples, and there are none.")
    rows = logits.double()  # (N, P)

    def cost(log_temperature: float) -> float:
        warm = rows / math.exp(log_temperature)
        return float(torch.nn.functional.cross_entropy(warm, labels, label_smoothing=1 / (len(labels) + 2)))

    return math.exp(_lowest(cost, math.log(SMALLEST), math.log(LARGEST)))


@dataclass(frozen=True)
class Threshold:
    """A threshold with what it reached where it was chosen.

    Arguments:
        value: the least probability of the positive class at which the answer is that class.
        reached: by the measure of the aim, on the samples that it was chosen on.
        recall: the share of the positive samples that it finds there.
    """

    value: float
    reached: float
    recall: float


def fitting_threshold(
    probabilities: np.ndarray, positive: np.ndarray, *, aim: Aim = "f1", rate: float = 0.05
) -> Threshold:
    """The threshold of two classes that serves an aim best on these samples.

    Candidates lie half-way between neighbouring probabilities, and at both ends. Of those that serve alike the one
    nearest to 0.5 is taken.

        f1               largest F1 of the positive class
        balanced         largest mean of the two classes' accuracies
        false-positives  largest recall among those with a false positive rate of `rate` or less

    Shapes:
        probabilities: `(N,)` of the positive class; positive: `(N,)` truths.

    Errors:
        ArgumentError: an unknown aim, or samples of one class only.

    Closed form: classes that the probabilities tell apart give 1 by every aim, at a threshold between the two.
    """
    truth, p = np.asarray(positive, dtype=bool), np.asarray(probabilities, dtype=np.float64)  # (N,)
    if aim not in AIMS:
        raise ArgumentError(f"A threshold is chosen for one of {', '.join(AIMS)}; got {aim!r}.")
    if truth.all() or not truth.any():
        raise ArgumentError("A threshold is chosen on samples of both classes, and these are of one.")
    levels = np.unique(p)  # (U,)
    candidates = np.concatenate([[0.0], (levels[1:] + levels[:-1]) / 2, [np.nextafter(levels[-1], 2.0)]])  # (U + 1,)
    ordered = np.sort(p[truth]), np.sort(p[~truth])
    found, false = (len(part) - np.searchsorted(part, candidates) for part in ordered)  # (U + 1,) answers "positive"
    recall, false_rate = found / truth.sum(), false / (~truth).sum()
    if aim == "f1":
        worth = reached = 2 * found / (found + false + truth.sum())
    elif aim == "balanced":
        worth = reached = (recall + 1 - false_rate) / 2
    else:
        worth, reached = np.where(false_rate <= rate, recall, -1.0), false_rate
    best = np.flatnonzero(worth >= worth.max() - 1e-12)
    chosen = best[np.abs(candidates[best] - 0.5).argmin()]
    return Threshold(float(candidates[chosen]), float(reached[chosen]), float(recall[chosen]))


def _lowest(cost: Callable[[float], float], low: float, high: float) -> float:
    """Where a function of one valley is lowest, by the golden section."""
    golden = (math.sqrt(5) - 1) / 2
    left, right = high - golden * (high - low), low + golden * (high - low)
    at_left, at_right = cost(left), cost(right)
    for _ in range(STEPS):
        if at_left <= at_right:
            high, right, at_right = right, left, at_left
            left = high - golden * (high - low)
            at_left = cost(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + golden * (high - low)
            at_right = cost(right)
    return (low + high) / 2
