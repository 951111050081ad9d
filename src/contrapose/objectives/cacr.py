"""CACR: the farthest positives attract most, the closest negatives repel most."""

from __future__ import annotations

import math
from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.objectives.anchors import choose_anchors
from contrapose.objectives.conditional import attraction, mean_cost, repulsion, view_costs
from contrapose.objectives.inputs import REDUCTIONS, check_choice, check_embeddings, prepare_rows
from contrapose.pairing import by_towers

DEBIAS_SIGNS = ("corrected", "authors")


def cacr(
    z: Float[Tensor, "V B D"],
    *,
    attraction_sharpness: float = 1.0,
    repulsion_sharpness: float = 2.0,
    attraction_weight: float = 1.0,
    repulsion_weight: float = 1.0,
    debias: float = 0.0,
    debias_sign: Literal["corrected", "authors"] = "corrected",
    through_weights: bool = True,
    normalize: bool = True,
    rows: Int[Tensor, " R"] | None = None,
    reduction: str = "mean",
    tile_rows: int | None = None,
    tile_columns: int | None = None,
) -> Float[Tensor, ""] | Float[Tensor, " anchors"]:
    """Contrastive attraction and contrastive repulsion: weighted squared distances, no softmax over positives.

        c(u, w) = |u - w|²,  for rows of length 1: 2 - 2 cos(u, w)
        attraction:  alpha · mean over queries (v, i) of sum_{u != v} pi+_u c(z_vi, z_ui),
                     pi+_u = softmax_u(+ t+ · c(z_vi, z_ui))
        repulsion:   -beta · mean over pairs of views v < u and samples i of sum_{j != i} pi-_j c(z_vi, z_uj),
                     pi-_j = softmax_j(- t- · c(z_vi, z_uj))

    A pair of views is gone through once: the earlier view holds the queries, the later one the negatives, none
    come from the query's own view. So the order of the views matters a little to the repulsion, and the
    last view's anchors carry attraction alone. Made for several views; with two, the attraction is the mean
    squared distance. Runs in tiles: no B × B matrix, forward or backward.

    The sharpnesses are the paper's temperatures, and multiply the distance, as in the authors' loss for small
    images; their MoCo-v3 form divides half the squared distance by its temperature T, so T is a sharpness of
    1 / (2T) here, and sums over the batch where this is a mean.

    Shapes:
        z: `(V, B, D)`; returns `()`, or `(V·R,)` view-major with reduction "none".

    Arguments:
        attraction_sharpness: t+; 0 = all positives alike (the authors' "without_w1"). 1: their default.
        repulsion_sharpness: t-; 0 = all negatives alike ("without_w2"; both 0: "none"). 2: the authors' for
            CIFAR-100, STL-10 and ImageNet; 0.9 for CIFAR-10.
        attraction_weight, repulsion_weight: alpha and beta, outside the weights pi. 1: the authors'.
        debias: p, the share of a query's class among its negatives, in [0, 1). The mean cost to negatives n
            becomes (n - p · c(z_vi, z_ui)) / (1 - p): the positive's part is taken out. 0 (off) and, when on,
            0.1 are the authors'.
        debias_sign: "authors" has + p · c in that numerator, as their code does: it repels the positive.
        through_weights: let the gradient flow through pi too (the authors' loss for small images does); false
            holds pi constant, as their forms with slow copies do.
        normalize, rows, reduction, tile_rows, tile_columns: as in `nt_xent`.

    Errors:
        ArgumentError: not `(V, B, D)`, fewer than two views or samples, NaN, a negative sharpness or weight,
            debias outside [0, 1), rows out of range.

    All embeddings equal: 0, with gradient 0. It may go down to -4 beta (-4 beta / (1 - p)).

    Zheng et al., "Contrastive Attraction and Contrastive Repulsion for Representation Learning", TMLR 2023,
    https://arxiv.org/abs/2105.03746
    """
    check_embeddings(z, "z", "V B D")
    check_cacr(z.shape, attraction_sharpness, repulsion_sharpness, attraction_weight, repulsion_weight)
    check_choice(reduction, REDUCTIONS, "reduction")
    check_choice(debias_sign, DEBIAS_SIGNS, "debias_sign")
    if not 0 <= debias < 1:
        raise ArgumentError(f"debias is a share of the negatives and must be in [0, 1), got {debias}; 0.1 is usual.")
    views, batch, _ = z.shape
    if batch < 2:
        raise ArgumentError("z has 1 sample, and repulsion needs another one; give a batch of at least 2.")
    z = prepare_rows(z, normalize)  # (V, B, D)
    samples = choose_anchors(1, batch, rows, z.device).own  # (R,), None = all
    queries = z if samples is None else z[:, samples]  # (V, R, D)
    pairing = by_towers(batch, device=z.device)
    costs = view_costs(queries, queries)  # (V, V, R)
    pulled = attraction(costs, sharpness=attraction_sharpness, through_weights=through_weights)  # (V, R)
    pushed = [torch.zeros_like(pulled[0]) for _ in range(views)]  # V times (R,)
    kept_out = debias if debias_sign == "corrected" else -debias
    for first in range(views):
        for second in range(first + 1, views):
            totals = repulsion(
                queries[first],
                z[second],
                pairing,
                sharpness=repulsion_sharpness,
                through_weights=through_weights,
                row_indices=torch.arange(batch, device=z.device) if samples is None else samples,
                tile_rows=tile_rows,
                tile_columns=tile_columns,
            )
            cost = (mean_cost(*totals) - kept_out * costs[first, second]) / (1 - debias)  # (R,)
            pushed[first] = pushed[first] + cost
    # a mean over V(V-1)/2 pairs of views, written as a mean over V queries a sample
    repelled = 2 / (views - 1) * torch.stack(pushed)  # (V, R)
    losses = (attraction_weight * pulled - repulsion_weight * repelled).flatten()  # (V·R,)
    return losses.mean() if reduction == "mean" else losses


def check_cacr(
    shape: torch.Size,
    attraction_sharpness: float,
    repulsion_sharpness: float,
    attraction_weight: float,
    repulsion_weight: float,
) -> None:
    """At least two views; sharpnesses and weights that are finite and 0 or more."""
    if shape[0] < 2:
        raise ArgumentError("There is 1 view, so no row has a positive; give at least 2, better 3 to 5.")
    for name, value in (
        ("attraction_sharpness", attraction_sharpness),
        ("repulsion_sharpness", repulsion_sharpness),
        ("attraction_weight", attraction_weight),
        ("repulsion_weight", repulsion_weight),
    ):
        if not (math.isfinite(value) and value >= 0):
            raise ArgumentError(f"{name} must be a finite number, 0 or more, got {value:g}; 0.5 to 5 is usual.")
