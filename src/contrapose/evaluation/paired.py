"""Two metrics of the same items: how far apart they are, and how sure that is."""

from __future__ import annotations

import numpy as np

from contrapose.evaluation.bootstrap import paired_difference
from contrapose.evaluation.metric import Metric
from contrapose.evaluation.proportions import Interval


def metric_difference(a: Metric, b: Metric) -> Interval | None:
    """`a - b` with its 95 % interval: over the items where both are means of scores, else over common resamples.

    None where neither can be done: numbers that are no mean and kept no draws, draws of other resamples, or other items
    than those of the first (a floor that was measured on a share of them).

    Closed form: a metric and itself differ by 0, with an interval of no width where it kept draws.
    """
    if a.items is not None and b.items is not None:
        return paired_difference(a.items, b.items) if len(a.items) == len(b.items) else None
    if a.draws is None or b.draws is None or a.count != b.count or len(a.draws) != len(b.draws):
        return None
    apart = a.draws - b.draws  # (n,)
    low, high = np.nanquantile(apart, [0.025, 0.975]).tolist()
    value = a.value - b.value
    return Interval(value, min(low, value), max(high, value))
