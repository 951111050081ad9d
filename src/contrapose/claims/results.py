"""What the runs of a claim measured, seed by seed, and how sure a mean over so few seeds is."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from contrapose.errors import ArgumentError, did_you_mean
from contrapose.evaluation import Interval


@dataclass(frozen=True)
class Results:
    """Numbers by arm, seed, epoch and name.

    Arguments:
        values: arm -> a mapping for each seed, in order: epoch -> name -> number. Floors have the epoch 0 only.
        epochs: the epochs at which the arms were measured; the last is the end.
    """

    values: Mapping[str, tuple[Mapping[int, Mapping[str, float]], ...]]
    epochs: tuple[int, ...]

    def of(self, arm: str, name: str, *, share: float = 1.0) -> np.ndarray:
        """`(S,)`: what was measured in each seed, after this share of the epochs.

        Errors:
            ArgumentError: no such arm or measure.
        """
        if arm not in self.values:
            raise ArgumentError(f"No arm {arm!r}.{did_you_mean(arm, self.values)}")
        rows = []
        for seed in self.values[arm]:
            wanted = share * self.epochs[-1]
            epoch = min(seed, key=lambda number: abs(number - wanted))
            if name not in seed[epoch]:
                raise ArgumentError(f"{arm} has no measure {name!r}.{did_you_mean(name, seed[epoch])}")
            rows.append(seed[epoch][name])
        return np.asarray(rows, dtype=np.float64)


def difference(arm: str, other: str, name: str, *, share: float = 1.0) -> Callable[[Results], np.ndarray]:
    """`arm` minus `other`, seed by seed: the usual value of a prediction."""
    return lambda results: results.of(arm, name, share=share) - results.of(other, name, share=share)


def level(arm: str, name: str, *, share: float = 1.0) -> Callable[[Results], np.ndarray]:
    """What `arm` measured, seed by seed."""
    return lambda results: results.of(arm, name, share=share)


def seed_interval(values: np.ndarray, *, confidence: float = 0.95) -> Interval:
    """Mean over seeds with Student's interval: mean ± t(S - 1) sd / sqrt(S).

    A bootstrap over five numbers is far too narrow; Student's is right where the numbers are about normal.

    Shapes:
        values: `(S,)`, S >= 2.

    Errors:
        ArgumentError: fewer than two seeds.

    Closed form: two seeds a and b give (a + b) / 2 ± 12.71 |a - b| / 2.
    """
    from scipy.stats import t

    if len(values) < 2:
        raise ArgumentError(f"An interval over seeds needs at least 2 of them, got {len(values)}.")
    mean = float(values.mean())
    half = float(t.ppf((1 + confidence) / 2, len(values) - 1)) * float(values.std(ddof=1)) / math.sqrt(len(values))
    return Interval(mean, mean - half, mean + half)
