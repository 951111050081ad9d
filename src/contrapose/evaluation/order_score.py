"""The order score: do embeddings lie along a number, the farther apart the farther apart the numbers are?"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.evaluation.inputs import Array, as_numbers, as_rows, positive_integer
from contrapose.evaluation.metric import Metric

PAIRS = 5_000
"""Pairs of rows that are compared; the error of a rank correlation of so many is about 0.01."""


def order_score(
    z: Array, targets: Array | Sequence[float], *, pairs: int = PAIRS, generator: torch.Generator | None = None
) -> Metric:
    """Spearman correlation between distances of embeddings and distances of their targets, over pairs of rows.

    Equation: the Pearson correlation of the ranks of |z_i - z_j| and of |y_i - y_j|; ties share their average rank. All
    pairs where there are no more than `pairs`, else so many that are drawn at random.

    The interval: pairs that share a row are not independent, so the variance adds, to the squared influences of the
    pairs, the products of every two that share a row (the dyadic-robust variance), and is never less than that of
    independent pairs; on Fisher's scale, atanh r ± 1.96 s.

    Shapes:
        z: `(N, D)`, N >= 3; targets: `(N,)`.

    Arguments:
        z: embeddings as they are: distances are Euclidean, and lengths count.
        pairs: 5,000: [design].
        generator: draws the pairs; None is a fresh one with seed 0, and two encoders are asked about the same pairs.

    Errors:
        ArgumentError: fewer than 3 rows, NaN or infinity, targets or embeddings that are all equal.

    Closed form: z = y gives 1; embeddings that know nothing of the targets about 0. A circle gives less than 1 although
    it is ordered: its ends meet. Variance: Aronow, Samii, Assenova 2015, https://doi.org/10.1093/pan/mpv018.
    """
    rows = as_rows(z, "z", minimum=3).double()  # (N, D)
    numbers = torch.from_numpy(as_numbers(targets, len(rows), "targets")).to(rows.device)  # (N,)
    generator = generator or torch.Generator().manual_seed(0)
    one, other = (
        side.to(rows.device) for side in _pairs(len(rows), positive_integer(pairs, "pairs"), generator)
    )  # (P,)
    apart = (rows[one] - rows[other]).norm(dim=1).cpu().numpy()  # (P,)
    gap = (numbers[one] - numbers[other]).abs().cpu().numpy()  # (P,)
    for values, name in ((gap, "targets"), (apart, "embeddings")):
        if (values == values[0]).all():
            raise ArgumentError(f"All distances of {name} are equal: there is no order to compare. Check the {name}.")
    a, b = _standard_ranks(apart), _standard_ranks(gap)  # (P,) each
    value = float((a * b).mean())
    influence = torch.from_numpy(a * b - value * (a * a + b * b) / 2)  # (P,)
    error = _dyadic_error(influence, one.cpu(), other.cpu(), len(rows)) / max(1 - value**2, 1e-12)
    centre = math.atanh(min(max(value, -1 + 1e-12), 1 - 1e-12))
    low, high = math.tanh(centre - 1.96 * error), math.tanh(centre + 1.96 * error)
    protocol = f"Spearman of Euclidean distances with those of the targets, {len(gap):,} pairs of {len(rows):,} rows"
    return Metric("order score", value, min(low, value), max(high, value), protocol, len(rows), False, better="higher")


def _pairs(rows: int, pairs: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Row numbers `(P,)` of pairs of different rows."""
    if rows * (rows - 1) // 2 <= pairs:
        first, second = torch.triu_indices(rows, rows, offset=1)
        return first, second
    one = torch.randint(rows, (pairs,), generator=generator, device=generator.device)
    step = torch.randint(1, rows, (pairs,), generator=generator, device=generator.device)
    return one, (one + step) % rows


def _standard_ranks(values: np.ndarray) -> np.ndarray:
    from scipy.stats import rankdata

    ranks = rankdata(values)
    return (ranks - ranks.mean()) / ranks.std()


def _dyadic_error(influence: Tensor, one: Tensor, other: Tensor, rows: int) -> float:
    """Standard error of a mean over pairs: with s_i the sum over the pairs of row i, sqrt(sum s_i² - sum psi²) / P."""
    of_row = influence.new_zeros(rows).index_add_(0, one, influence).index_add_(0, other, influence)  # (N,)
    independent = influence.square().sum()
    variance = torch.maximum(of_row.square().sum() - independent, independent)
    return float(variance.sqrt()) / len(influence)
