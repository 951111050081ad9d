"""How many right answers a change of the samples takes away, beside what noise of the same size takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from contrapose.errors import ArgumentError
from contrapose.evaluation.bootstrap import paired_difference
from contrapose.evaluation.proportions import Interval


@dataclass(frozen=True)
class AccuracyLost:
    """Accuracies from 0 to 1 of the same samples, and the share of answers that were right and are not, less those
    that were wrong and are right.

    Arguments:
        clean, changed: before and after.
        noise: the mean over draws of noise.
        drop: clean - changed, with its interval over samples.
        over_noise: noise - changed: what the change does that noise does not.
        count: samples.
    """

    clean: float
    changed: float
    noise: float
    drop: Interval
    over_noise: Interval
    count: int


def accuracy_lost(clean: np.ndarray, changed: np.ndarray, noise: Sequence[np.ndarray]) -> AccuracyLost:
    """Of answers that are right (1) or wrong (0) about samples as they are, changed, and noisy.

    Shapes:
        clean, changed: `(N,)` of the same samples; noise: `(N,)` each, a draw of noise each.

    Errors:
        ArgumentError: no draw, one sample only, or another number of samples in one of them.

    Closed form: nothing changed and noise of size 0: a drop of exactly 0.
    """
    if not noise:
        raise ArgumentError("What a change takes is told beside noise: give a draw of it at least.")
    before, after, noisy = (np.asarray(one, dtype=np.float64) for one in (clean, changed, np.mean(noise, axis=0)))
    drop = paired_difference(before, after)
    return AccuracyLost(
        float(before.mean()),
        float(after.mean()),
        float(noisy.mean()),
        drop,
        paired_difference(noisy, after),
        len(before),
    )
