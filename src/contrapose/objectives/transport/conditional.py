"""Squared distances, and their means under weights that depend on the distances themselves."""

from __future__ import annotations

import math
from dataclasses import replace

import torch
from torch import Tensor

from contrapose.objectives.engine.tiles import LogSum, Sums, row_reduce
from contrapose.pairing import Pairing


def view_costs(x: Tensor, y: Tensor) -> Tensor:
    """Squared distance of each sample's views in `x` to its views in `y`.

    From the difference, not from a norm: the norm has no derivative where views coincide.

    Shapes:
        x: `(V, R, D)`, y: `(U, R, D)`; returns `(V, U, R)`.
    """
    return (x.unsqueeze(1) - y.unsqueeze(0)).square().sum(dim=-1)  # (V, U, R, D) -> (V, U, R)


def attraction(costs: Tensor, *, sharpness: float, through_weights: bool) -> Tensor:
    """Mean cost of each query to its positives, the farther the heavier.

        pi_vu = softmax_u(+ sharpness · c_vu) over the other views u != v,    a_v = sum_u pi_vu c_vu

    Shapes:
        costs: `(V, V, R)` queries × positives × samples; returns `(V, R)`.
    """
    itself = torch.eye(len(costs), dtype=torch.bool, device=costs.device).unsqueeze(2)  # (V, V, 1)
    known = costs if through_weights else costs.detach()
    weights = (sharpness * known).masked_fill(itself, -math.inf).softmax(dim=1)  # (V, V, R)
    return (weights * costs).sum(dim=1)


def repulsion(
    x: Tensor,
    y: Tensor,
    pairing: Pairing,
    *,
    sharpness: float,
    through_weights: bool,
    kernel: float | None = None,
    row_indices: Tensor | None = None,
    tile_rows: int | None = None,
    tile_columns: int | None = None,
) -> tuple[Tensor, Tensor]:
    """What `mean_cost` needs of each query and its negatives, the closer the heavier; in tiles.

        l = log sum_j exp(-sharpness · c_ij),    m = log sum_j exp(-sharpness · c_ij) (1 + c_ij)

    1 + c rather than c: its logarithm has a value and a slope where two rows coincide. Totals of several sets
    of negatives are joined by `logaddexp`, each by itself.

    Shapes:
        x: `(R, D)` queries, y: `(M, D)` negatives; returns l and m, `(R,)` each.

    Arguments:
        through_weights: false holds the weights constant: the gradient then reaches the costs alone.
        kernel: t, where exp(-t · c) is averaged in place of 1 + c: m - l is the log of its weighted mean.
    """
    held = None if through_weights else 0.0
    weights = LogSum("negative", factor=-sharpness, slope=held)
    if kernel is None:
        weighted_costs = replace(weights, raised=True)
    else:
        weighted_costs = LogSum("negative", factor=-sharpness - kernel, slope=None if through_weights else -kernel)
    terms = Sums(log=(weights, weighted_costs), distances=True)
    queries, negatives = _for_squared_distances(x, y)
    total, weighted = row_reduce(
        queries,
        negatives,
        terms,
        pairing,
        row_indices=row_indices,
        tile_rows=tile_rows,
        tile_columns=tile_columns,
    )
    return total, weighted


def mean_cost(total: Tensor, weighted: Tensor) -> Tensor:
    """sum_j pi_ij c_ij with pi = softmax_j(-sharpness · c_ij), from the totals of `repulsion`: exp(m - l) - 1."""
    return torch.expm1(weighted - total)


def _for_squared_distances(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Rows with two more columns, whose inner products are squared distances.

        (-2x, |x|², 1) · (y, 1, |y|²) = |x - y|²

    Digits are lost where rows are far from 0 and near each other: take a common offset off before.

    Shapes:
        x: `(R, D)`, y: `(M, D)`; returns `(R, D + 2)` and `(M, D + 2)`.
    """
    x_square, y_square = x.square().sum(dim=1, keepdim=True), y.square().sum(dim=1, keepdim=True)  # (R, 1), (M, 1)
    queries = torch.cat([-2 * x, x_square, torch.ones_like(x_square)], dim=1)
    return queries, torch.cat([y, torch.ones_like(y_square), y_square], dim=1)
