"""A number that can be quoted: value, interval, and the protocol that produced it, in one piece."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
import torch
from torch import Tensor

from contrapose.evaluation.bootstrap import bootstrap_interval
from contrapose.evaluation.inputs import Array


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
    """

    name: str
    value: float
    low: float
    high: float
    protocol: str
    count: int
    percent: bool = True
    items: np.ndarray | None = field(default=None, compare=False, repr=False)

    @classmethod
    def from_items(
        cls,
        name: str,
        per_item: Array,
        *,
        protocol: str,
        count: int | None = None,
        percent: bool = True,
        generator: torch.Generator | None = None,
    ) -> Metric:
        """The mean of `(N,)` scores with its percentile bootstrap interval (1,000 draws).

        Arguments:
            per_item: a score per item, or per cluster of items.
            count: items behind the scores when these are clusters; None: one score is one item.
            percent: as in the class.
            generator: as in `bootstrap_interval`.
        """
        value, low, high = bootstrap_interval(per_item, generator=generator)
        scores = per_item.detach().cpu().numpy() if isinstance(per_item, Tensor) else np.asarray(per_item)
        items = scores.astype(np.float64)  # (n,)
        return cls(name, value, low, high, protocol, len(items) if count is None else count, percent, items)

    def __str__(self) -> str:
        if self.percent:
            return f"{100 * self.value:.1f} % [{100 * self.low:.1f}, {100 * self.high:.1f}]"
        return f"{self.value:.4g} [{self.low:.4g}, {self.high:.4g}]"

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON, without the items; `Metric(**metric.to_dict())` is the metric again."""
        return {part.name: getattr(self, part.name) for part in fields(self) if part.name != "items"}
