"""Scores of positive and negative pairs in [0, 1], and their first two moments for each anchor."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from contrapose.objectives.engine.anchors import Anchors, count_candidates
from contrapose.objectives.engine.tiles import Terms, row_reduce
from contrapose.pairing import Pairing, Tile


@dataclass(frozen=True)
class Moments:
    """Mean score and mean squared score of each anchor's positives and negatives; 0 where it has none.

    All that a loss of squares asks of the pairs: mean (s - a)² = squared mean - 2 a mean + a².

    Shapes:
        positive, positive_square, negative, negative_square: `(R,)`; positives (their total weight) and
            negatives (their number): `(R,)`.
    """

    positive: Tensor
    positive_square: Tensor
    negative: Tensor
    negative_square: Tensor
    positives: Tensor
    negatives: Tensor

    def attraction(self, target: float | Tensor, alpha: float | Tensor) -> Tensor:
        """Mean over each anchor's positives of (s - target)² - 2 alpha s; 0 without positives.  -> (R,)"""
        squares = self.positive_square - 2 * target * self.positive + target**2
        return torch.where(self.positives > 0, squares - 2 * alpha * self.positive, 0.0)

    def repulsion(self, b: float | Tensor, alpha: float | Tensor) -> Tensor:
        """Mean over each anchor's negatives of (s - b)² + 2 alpha s; 0 without negatives.  -> (R,)"""
        squares = self.negative_square - 2 * b * self.negative + b**2
        return torch.where(self.negatives > 0, squares + 2 * alpha * self.negative, 0.0)

    def mean_positive(self) -> Tensor:
        """Mean of the positives' scores over anchors that have some.  -> ()"""
        return _mean_over(self.positive, self.positives > 0)

    def mean_negative(self) -> Tensor:
        """Mean of the negatives' scores over anchors that have some.  -> ()"""
        return _mean_over(self.negative, self.negatives > 0)


def score_moments(
    flat: Tensor,
    pairing: Pairing,
    anchors: Anchors,
    *,
    margin: float,
    positives_repel: bool = False,
    tile_rows: int | None = None,
    tile_columns: int | None = None,
) -> Moments:
    """Scores (cos + 1) / 2 of the pairs, less `margin` for positives, cut to [0, 1], and their moments; in tiles.

    Where a positive's score is cut to 0 (cos < 2 margin - 1) it pulls no more: its gradient is exactly 0.

    Shapes:
        flat: `(N, D)`, as `prepare_rows` leaves it.

    Arguments:
        positives_repel: count positives among the negatives too (there, without the margin).
    """

    def terms(similarity: Tensor, tile: Tile) -> Terms:
        score = (similarity + 1) / 2  # (r, c)
        pulled, pushed = (score - margin).clamp(0, 1), score.clamp(0, 1)
        negative = (tile.valid if positives_repel else tile.negative).to(score.dtype)
        attraction, repulsion = tile.weight * pulled, negative * pushed
        return Terms(linear=[attraction, attraction * pulled, repulsion, repulsion * pushed, tile.weight, negative])

    rows = torch.arange(len(flat), device=flat.device) if anchors.own is None else anchors.own
    pulled, pulled_square, pushed, pushed_square, positives, negatives = row_reduce(
        anchors.take(flat),
        flat,
        terms,
        pairing,
        row_indices=rows,
        tile_rows=tile_rows,
        tile_columns=tile_columns,
    )  # (R,) each
    positives, negatives = positives.detach(), negatives.detach()
    some, others = positives.masked_fill(positives == 0, 1.0), negatives.clamp(min=1)
    return Moments(pulled / some, pulled_square / some, pushed / others, pushed_square / others, positives, negatives)


def moments_of_equals(pairing: Pairing, *, margin: float, positives_repel: bool = False) -> Moments:
    """The moments when all embeddings are equal: every score is 1."""
    positives, negatives = count_candidates(pairing, torch.arange(pairing.anchors))  # (N,) each
    negatives = negatives + positives if positives_repel else negatives
    pulled = (1 - margin) * (positives > 0).double()  # (N,)
    pushed = (negatives > 0).double()  # (N,)
    return Moments(pulled, pulled**2, pushed, pushed, positives, negatives)


def _mean_over(values: Tensor, kept: Tensor) -> Tensor:
    return (values * kept).sum() / kept.sum().clamp(min=1)
