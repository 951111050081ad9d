"""Scored pairs (semantic textual similarity): does the cosine order pairs as people do?"""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.evaluation.bootstrap import resamples
from contrapose.evaluation.inputs import Array, as_rows
from contrapose.evaluation.metric import Metric
from contrapose.evaluation.similarity import LEVELS, levels, unit_rows

DRAWS = 1000


def similarity_scores(
    first: Array,
    second: Array,
    gold: Array,
    *,
    correlation: Literal["spearman", "pearson"] = "spearman",
    generator: torch.Generator | None = None,
) -> Metric:
    """Spearman correlation of the cosine of each pair with its gold score, all pairs pooled.

    Equation: the Pearson correlation of the ranks of cos(first_n, second_n) and of gold_n; ties share their average
    rank, and cosines that differ by rounding only are ties. Printed times 100, as is usual. The interval is the
    percentile bootstrap over pairs, ranked anew in each of 1,000 draws, which the metric keeps.

    Shapes:
        first, second: `(N, D)`, row n of both is pair n; gold: `(N,)`, N >= 3.

    Arguments:
        gold: scores by people on any scale; only their order counts, unless by `"pearson"`.
        correlation: `"pearson"` is that of the numbers themselves: how far the cosine is linear in the score.
        generator: of the interval; None is a fresh one with seed 0.

    Errors:
        ArgumentError: different shapes, fewer than 3 pairs, NaN or infinity, rows that are all zeros, scores or cosines
            that are all equal (no order to correlate).

    Closed form: any strictly increasing function of the gold scores gives 1, any decreasing one -1; chance is 0.
    Benchmarks of this kind: Cer et al. 2017, arXiv 1708.00055.
    """
    a, b = as_rows(first, "first", minimum=3), as_rows(second, "second", minimum=3)
    if a.shape != b.shape:
        raise ArgumentError(f"first and second must be the two sides of the same pairs; got {a.shape} and {b.shape}.")
    column = gold if isinstance(gold, Tensor) else np.asarray(gold)
    if column.shape != (len(a),):
        raise ArgumentError(f"gold must hold one score for each of the {len(a)} pairs; got {tuple(column.shape)}.")
    scores = as_rows(column[:, None], "gold")[:, 0].double().cpu().numpy()  # (N,)
    precision = torch.promote_types(a.dtype, b.dtype)
    product = unit_rows(a.double(), "first") * unit_rows(b.double().to(a.device), "second")  # (N, D)
    cosine = levels(product.sum(dim=1), precision).cpu().numpy() / LEVELS[precision]  # (N,)
    for values, name in ((scores, "gold scores"), (cosine, "cosines")):
        if (values == values[0]).all():
            raise ArgumentError(
                f"All {name} are equal: there is no order to correlate. Check for collapsed embeddings."
            )
    correlate, name = (_spearman, "Spearman") if correlation == "spearman" else (_pearson, "Pearson")
    value = float(correlate(cosine[None], scores[None])[0])
    drawn = resamples(len(a), DRAWS, generator or torch.Generator().manual_seed(0))
    resampled = np.concatenate(
        [correlate(cosine[rows], scores[rows]) for rows in (block.cpu().numpy() for block in drawn)]
    )
    low, high = np.nanquantile(resampled, [0.025, 0.975]).tolist()
    protocol = f"{name} of the cosine with the gold score, all pairs pooled, interval over pairs"
    return Metric("similarity", value, low, high, protocol, len(a), draws=resampled)


def _spearman(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Correlation of the ranks in each row of two `(draws, N)` arrays; NaN where a row has no order."""
    from scipy.stats import rankdata

    return _pearson(rankdata(x, axis=1), rankdata(y, axis=1))


def _pearson(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Correlation in each row of two `(draws, N)` arrays; NaN where a row is constant."""
    a, b = (values - values.mean(axis=1, keepdims=True) for values in (x, y))  # (draws, N), mean 0
    norms = np.sqrt((a * a).sum(axis=1) * (b * b).sum(axis=1))  # (draws,)
    varied = (np.ptp(x, axis=1) > 0) & (np.ptp(y, axis=1) > 0) & (norms > 0)
    return np.divide((a * b).sum(axis=1), norms, out=np.full(len(norms), np.nan), where=varied)
