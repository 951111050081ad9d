"""Accuracy where classes are unequal: an encoder that always answers the largest one must not look good."""

from __future__ import annotations

import math

import numpy as np

from contrapose.errors import ArgumentError
from contrapose.evaluation.labels import Labels, chance_of, label_array
from contrapose.evaluation.metric import Metric
from contrapose.evaluation.proportions import right_or_wrong, wilson_interval

UNEQUAL = 1.1
"""A largest class of so many times its equal share makes the classes unequal: 55 to 45, but not a row more or less."""


def unequal_classes(labels: Labels) -> bool:
    """Whether the largest class of `(T,)` labels holds a tenth more rows than its equal share, and one at least."""
    _, counts = np.unique(label_array(labels, len(labels), "labels"), return_counts=True)
    largest, equal = int(counts.max()), float(counts.mean())
    return round(largest / equal, 6) >= UNEQUAL and largest - equal >= 1


def balanced_accuracy(accuracy: Metric, labels: Labels) -> Metric:
    """The mean over classes of the accuracy within each, from an accuracy over rows: every class weighs the same.

    Equation: with p_c the share of right answers among the rows of class c, the value is (1 / C) sum over c of p_c.
    The interval adds up Wilson's of the classes by squares (MOVER): low = value - sqrt(sum over c of
    ((p_c - low_c) / C)²), and the upper end alike.

    Shapes:
        accuracy.items: `(T,)` of 0 and 1; labels: `(T,)` classes of the same rows.

    Arguments:
        accuracy: e.g. what `knn` returned.
        labels: the true classes.

    Errors:
        ArgumentError: a metric without an answer for each row, labels of another length.

    Closed form: always one class gives 1 / C, which is chance. Papers: Brodersen et al. 2010,
    https://doi.org/10.1109/ICPR.2010.764; Zou and Donner 2008, https://doi.org/10.1002/sim.3095 (MOVER).
    """
    right = accuracy.items
    if right is None or not right_or_wrong(right):
        raise ArgumentError(f"{accuracy.name} has no right or wrong answer for each row; give an accuracy over rows.")
    names, codes, counts = np.unique(
        label_array(labels, len(right), "labels"), return_inverse=True, return_counts=True
    )  # (C,), (T,), (C,)
    codes = codes.reshape(-1)
    shares = np.bincount(codes, weights=right, minlength=len(names)) / counts  # (C,)
    ends = np.array([wilson_interval(float(p), int(n)) for p, n in zip(shares, counts, strict=True)])  # (C, 3)
    below, above = (math.sqrt(float(np.square(shares - ends[:, end]).sum())) / len(names) for end in (1, 2))
    value = float(shares.mean())
    return Metric(
        f"{accuracy.name}, balanced",
        value,
        max(0.0, value - below),
        min(1.0, value + above),
        f"mean of the accuracies of {chance_of(len(names))}, the largest with {counts.max():,} test rows and the "
        f"smallest with {counts.min():,}",
        len(right),
        items=right * len(right) / (len(names) * counts[codes]),
    )
