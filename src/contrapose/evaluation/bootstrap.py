"""How sure a mean is: percentile intervals from resampling the items it was taken over."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from jaxtyping import Float64, Int64
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.evaluation.inputs import Array, positive_integer
from contrapose.evaluation.proportions import Interval, paired_proportions, right_or_wrong

DRAW_BUDGET = 4_000_000
"""Item indices drawn at a time (32 MB), so that memory does not grow with draws x items."""


def bootstrap_interval(
    per_item: Array, *, draws: int = 1000, level: float = 0.95, generator: torch.Generator | None = None
) -> Interval:
    """Mean of the items with a percentile bootstrap interval.

    Equation: draw N of the N items with replacement, take their mean, `draws` times; the interval runs from
    the (1 - level) / 2 to the (1 + level) / 2 quantile of these means. For items that come in clusters
    (queries of one run, videos of one person) pass the mean of each cluster: resampling those is the cluster
    bootstrap.

    Shapes:
        per_item: `(N,)`, N >= 2.

    Arguments:
        per_item: a score per item, e.g. 1.0 where a prediction is right.
        draws: resamples; 1,000 is what Efron and Tibshirani (1993) advise at least for percentile intervals.
        level: share of such intervals that hold the true mean; 0.95 by convention.
        generator: source of the resamples; None is a fresh one with seed 0, so that evaluating the same items
            twice prints the same interval and never moves the random state of a training run.

    Errors:
        ArgumentError: fewer than 2 items, NaN among them, a level outside (0, 1), too few draws for that
            level.

    Closed form: items that are all equal give an interval of no width, whatever N; for answers that are right or wrong
    take `wilson_interval`, as `Metric.from_items` does. Paper: Efron, Bootstrap methods: another look at the
    jackknife, Annals of Statistics 7 (1979), https://doi.org/10.1214/aos/1176344552.
    """
    items = _items(per_item, "per_item")
    means = _resampled_means(items, _enough(draws, level), generator or torch.Generator().manual_seed(0))
    tail = (1 - level) / 2
    low, high = torch.quantile(means, means.new_tensor([tail, 1 - tail])).tolist()  # (draws,) -> (2,)
    return Interval(float(items.mean()), low, high)


def paired_difference(
    a: Array, b: Array, *, draws: int = 1000, level: float = 0.95, generator: torch.Generator | None = None
) -> Interval:
    """Mean of `a - b` over the same items, with its bootstrap interval: both arms are resampled together.

    Where all items are right (1) or wrong (0), the interval is that of `paired_proportions`, which has a width even
    where the arms never differ, and does not take three items out of twenty for proof.

    An interval that holds 0 does not resolve which arm is better. Since hard items are hard for both arms, it is
    usually much narrower than the two arms' own intervals suggest.

    Shapes:
        a, b: `(N,)`, item i of one is item i of the other.

    Arguments:
        draws, level, generator: as in `bootstrap_interval`.

    Errors:
        ArgumentError: two lengths, and what `bootstrap_interval` refuses.
    """
    first, second = _items(a, "a"), _items(b, "b")
    if len(first) != len(second):
        raise ArgumentError(
            f"a and b must score the same items in the same order; got {len(first)} and {len(second)} items."
        )
    if right_or_wrong(first.numpy()) and right_or_wrong(second.numpy()):
        return paired_proportions(first.numpy(), second.numpy(), level=level)
    return bootstrap_interval(first - second, draws=draws, level=level, generator=generator)


def _items(values: Array, name: str) -> Float64[Tensor, "N"]:
    array = values.detach().cpu().numpy() if isinstance(values, Tensor) else np.asarray(values)
    if array.ndim != 1 or len(array) < 2 or array.dtype.kind not in "fiub":
        raise ArgumentError(
            f"{name} must be one row of at least 2 numbers; got the shape {array.shape} of {array.dtype}."
        )
    broken = int((~np.isfinite(array)).sum())
    if broken:
        raise ArgumentError(f"{name}: {broken} of {len(array)} items are NaN or infinite. Leave them out and say so.")
    return torch.from_numpy(array.astype(np.float64))


def _enough(draws: int, level: float) -> int:
    if not 0 < level < 1:
        raise ArgumentError(f"level must lie between 0 and 1; got {level!r}. 0.95 is a 95 % interval.")
    fewest = round(2 / (1 - level))
    if positive_integer(draws, "draws") < fewest:
        raise ArgumentError(f"draws must be at least {fewest} for an interval of level {level:g}; got {draws}.")
    return draws


def resamples(count: int, draws: int, generator: torch.Generator) -> Iterator[Int64[Tensor, "n N"]]:
    """Indices of `draws` resamples of `count` items, a block of resamples at a time, on the generator's device."""
    for rows in torch.arange(draws).split(max(1, DRAW_BUDGET // count)):
        yield torch.randint(count, (len(rows), count), generator=generator, device=generator.device)  # (n, N)


def _resampled_means(items: Tensor, draws: int, generator: torch.Generator) -> Float64[Tensor, "draws"]:
    items = items.to(generator.device)
    return torch.cat([items[drawn].mean(dim=1) for drawn in resamples(len(items), draws, generator)])  # (draws,)
