"""A number that can be quoted: value, interval, and the protocol that produced it, in one piece."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from contrapose.evaluation.bootstrap import bootstrap_interval
from contrapose.evaluation.inputs import Array
from contrapose.evaluation.proportions import Interval, right_or_wrong, wilson_interval


@dataclass(frozen=True)
class Metric:
    """One measured number with its 95 % interval.

    Arguments:
        name: what was measured, e.g. `"kNN"`.
        value: the measurement; a fraction in [0, 1] when `percent`.
        low, high: ends of the 95 % interval, in the units of `value`.
        protocol: everything that has to be equal for two such numbers to be comparable, in words.
        count: items that `value` is a mean over.
        percent: whether it is printed as a percentage; False for ranks, distances, losses.
        items: `(n,)` float64, the scores that `value` is the mean of, so that two arms can be set against each other
            with `paired_difference`; None where it is no mean of scores. No part of the number: it is neither compared,
            printed nor written to JSON.
        better: `"higher"` or `"lower"`: which way is better of a number that is no percentage; None: that is not known,
            as of ranks. Of percentages more is better.
        draws: `(n,)` float64, the number in each resample of the items, for numbers that are no mean of scores (a
            correlation, R2): the same generator over as many items gives the same resamples, so that two arms can be
            set against each other draw by draw. Like `items` no part of the number.
    """

    name: str
    value: float
    low: float
    high: float
    protocol: str
    count: int
    percent: bool = True
    items: np.ndarray | None = field(default=None, compare=False, repr=False)
    better: Literal["higher", "lower"] | None = None
    draws: np.ndarray | None = field(default=None, compare=False, repr=False)

    @classmethod
    def from_items(
        cls,
        name: str,
        per_item: Array,
        *,
        protocol: str,
        count: int | None = None,
        percent: bool = True,
        trials: int | None = None,
        better: Literal["higher", "lower"] | None = None,
        generator: torch.Generator | None = None,
    ) -> Metric:
        """The mean of `(N,)` scores with its interval: Wilson's of answers that are right or wrong, else a bootstrap.

        Arguments:
            per_item: a score per item, or per cluster of items.
            count: items behind the scores when these are clusters; None: one score is one item.
            percent: as in the class.
            trials: right-or-wrong answers behind scores that are shares of them: a bootstrap of the shares is then
                never narrower than Wilson's interval of so many independent answers, and has a width at 100 %.
            better: as in the class.
            generator: as in `bootstrap_interval`.
        """
        found = bootstrap_interval(per_item, generator=generator)
        scores = per_item.detach().cpu().numpy() if isinstance(per_item, Tensor) else np.asarray(per_item)
        items = scores.astype(np.float64)  # (n,)
        value, low, high = _of_shares(found, items, trials) if percent else found
        return cls(name, value, low, high, protocol, len(items) if count is None else count, percent, items, better)

    @property
    def sign(self) -> int:
        """1 where more is better, -1 where less is, 0 where that is not known."""
        way = self.better or ("higher" if self.percent else None)
        return 0 if way is None else 1 if way == "higher" else -1

    def __str__(self) -> str:
        if self.percent:
            return f"{100 * self.value:.1f} % [{100 * self.low:.1f}, {100 * self.high:.1f}]"
        return f"{self.value:.4g} [{self.low:.4g}, {self.high:.4g}]"

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON, without items and draws; `Metric(**metric.to_dict())` is the metric again."""
        found = {part.name: getattr(self, part.name) for part in fields(self) if part.name not in ("items", "draws")}
        return found if self.better is not None else {name: found[name] for name in found if name != "better"}


def _of_shares(found: Interval, items: np.ndarray, trials: int | None) -> Interval:
    """The interval of scores in [0, 1], from their bootstrap."""
    if trials is not None:
        wilson = wilson_interval(min(found.value, 1.0), trials)
        return Interval(found.value, min(found.low, wilson.low), max(found.high, wilson.high))
    extreme = bool((items == 1).all() or (items == 0).all())
    return wilson_interval(found.value, len(items)) if extreme or right_or_wrong(items) else found
