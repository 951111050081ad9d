"""CACR: the farthest positives attract most, the closest negatives repel most."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from itertools import combinations
from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.objectives.engine.anchors import choose_anchors
from contrapose.objectives.engine.inputs import REDUCTIONS, as_candidates, check_choice, check_views, prepare_rows
from contrapose.objectives.transport.conditional import attraction, mean_cost, repulsion, view_costs
from contrapose.pairing import by_towers

COSTS = ("squared", "rbf")
DEBIAS_SIGNS = ("corrected", "authors")


def cacr(
    z: Float[Tensor, "V B D"],
    *,
    attraction_sharpness: float = 1.0,
    repulsion_sharpness: float = 2.0,
    attraction_weight: float = 1.0,
    repulsion_weight: float = 1.0,
    cost: Literal["squared", "rbf"] = "squared",
    rbf_sharpness: float = 2.0,
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

    With the cost "rbf", what a pair of views repels by is a kernel, as in uniformity, and weighted by the same pi-:

        repulsion:   beta · mean over pairs of views v < u of log [ mean over i of m_i ],
                     m_i = sum_{j != i} pi-_j exp(-t c(z_vi, z_uj))

    A log of a mean is no mean of anchors, so anchor i answers for log M + m_i / M - 1, M the mean of all m held
    constant: on average the log, with its gradient. Under `rows` M is of the whole batch all the same.

    The sharpnesses are the paper's temperatures, and multiply the squared distance, as in the authors' loss for
    small images. Their four variants: "full": both above 0; "without_w1": attraction_sharpness=0; "without_w2":
    repulsion_sharpness=0; "none": both 0. Their form on MoCo v2 is `cacr_queue`, that on MoCo v3
    `cacr_predicted`; there a temperature T divides instead, a sharpness of 1 / T in the attraction and, on half
    the squared distance, of 1 / (2T) in the repulsion.

    Shapes:
        z: `(V, B, D)`; returns `()`, or `(V·R,)` view-major with reduction "none".

    Arguments:
        attraction_sharpness: t+; 0 = all positives alike. 1: the authors' default.
        repulsion_sharpness: t-; 0 = all negatives alike. 2: the authors' for CIFAR-100, STL-10 and ImageNet;
            0.9 for CIFAR-10.
        attraction_weight, repulsion_weight: alpha and beta, outside the weights pi. 1: the authors'.
        cost: what negatives repel by: their squared distance (the authors'), or its kernel "rbf" (an alternative
            in the authors' code). The attraction is by squared distance in both.
        rbf_sharpness: t, of the kernel. 2: the authors'.
        debias: p, the share of a query's class among its negatives, in [0, 1). With n the mean cost to negatives,
            beta · n becomes beta · (n - p · c(z_vi, z_ui)) / (1 - p): the positive's part is taken out. 0 (off)
            and, when on, 0.1 are the authors'. For the cost "squared".
        debias_sign: "authors" puts (beta · n + p · c(z_vi, z_ui)) / (1 - p) there, as their code does: it repels
            the positive, and that without beta.
        through_weights: let the gradient flow through pi too (the authors' loss for small images does); false
            holds pi constant, as their forms with slow copies do.
        normalize, rows, reduction, tile_rows, tile_columns: as in `nt_xent`.

    Errors:
        ArgumentError: not `(V, B, D)`, fewer than two views or samples, NaN, a negative sharpness or weight,
            debias outside [0, 1) or with "rbf", rows out of range.

    All embeddings equal: 0, with gradient 0. Never below -4 beta (debiased: "corrected" -4 beta / (1 - p),
    "authors" -4 (beta + p) / (1 - p); "rbf": -4 t beta).

    Zheng et al., "Contrastive Attraction and Contrastive Repulsion for Representation Learning", TMLR 2023,
    https://arxiv.org/abs/2105.03746
    """
    check_views(z)
    check_cacr(z.shape, attraction_sharpness, repulsion_sharpness, attraction_weight, repulsion_weight)
    check_choice(reduction, REDUCTIONS, "reduction")
    _check_cost(cost, rbf_sharpness, debias, debias_sign)
    views, batch, _ = z.shape
    if batch < 2:
        raise ArgumentError("z has 1 sample, and repulsion needs another one; give a batch of at least 2.")
    z = as_candidates(prepare_rows(z, normalize), normalize)  # (V, B, D) nothing but differences counts
    samples = choose_anchors(1, batch, rows, z.device).own  # (R,), None = all
    queries = z if samples is None else z[:, samples]  # (V, R, D)
    costs = view_costs(queries, queries)  # (V, V, R)
    pulled = attraction(costs, sharpness=attraction_sharpness, through_weights=through_weights)  # (V, R)
    negatives = partial(
        repulsion,
        pairing=by_towers(batch, device=z.device),
        sharpness=repulsion_sharpness,
        through_weights=through_weights,
        kernel=rbf_sharpness if cost == "rbf" else None,
        tile_rows=tile_rows,
        tile_columns=tile_columns,
    )
    pushed = [torch.zeros_like(pulled[0]) for _ in range(views)]  # V times (R,)
    taken_out = debias if debias_sign == "corrected" else 0.0
    for first, second in combinations(range(views), 2):
        totals = negatives(queries[first], z[second], row_indices=samples)  # (R,), (R,)
        if cost == "rbf":
            mean = -_shares_of_log_mean(*totals, negatives, z[first], z[second], samples)  # (R,)
        else:
            mean = mean_cost(*totals)  # (R,)
        pushed[first] = pushed[first] + (mean - taken_out * costs[first, second]) / (1 - debias)
    # a mean over V(V-1)/2 pairs of views, written as a mean over V queries a sample
    repelled = 2 / (views - 1) * torch.stack(pushed)  # (V, R)
    losses = attraction_weight * pulled - repulsion_weight * repelled  # (V, R)
    if debias_sign == "authors":
        later = torch.ones(views, views, device=z.device).triu(diagonal=1).unsqueeze(2)  # (V, V, 1)
        positive = 2 / (views - 1) * (later * costs).sum(dim=1)  # (V, V, R) -> (V, R)
        losses = losses - debias / (1 - debias) * positive
    losses = losses.flatten()  # (V·R,)
    return losses.mean() if reduction == "mean" else losses


def _shares_of_log_mean(
    total: Tensor,
    weighted: Tensor,
    negatives: Callable[..., tuple[Tensor, Tensor]],
    x: Tensor,
    y: Tensor,
    samples: Tensor | None,
) -> Tensor:
    """What each query adds to the log of the batch's mean: log M + m_i / M - 1, M = mean over all i of m_i, constant.

    Shapes:
        total, weighted: `(R,)`, log m_i is their difference; x, y: `(B, D)` all queries and negatives; samples:
            `(R,)` the queries asked for, None = all; returns `(R,)`.
    """
    log_m = weighted - total  # (R,)
    everyone = log_m.detach()
    if samples is not None:
        with torch.no_grad():
            total, weighted = negatives(x, y)
        everyone = weighted - total  # (B,)
    log_mean = everyone.logsumexp(dim=0) - math.log(len(everyone))  # ()
    return log_mean + torch.expm1(log_m - log_mean)


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


def _check_cost(cost: str, rbf_sharpness: float, debias: float, debias_sign: str) -> None:
    check_choice(cost, COSTS, "cost")
    check_choice(debias_sign, DEBIAS_SIGNS, "debias_sign")
    if not (math.isfinite(rbf_sharpness) and rbf_sharpness > 0):
        raise ArgumentError(f"rbf_sharpness must be a finite number above 0, got {rbf_sharpness:g}; 2 is usual.")
    if not 0 <= debias < 1:
        raise ArgumentError(f"debias is a share of the negatives and must be in [0, 1), got {debias}; 0.1 is usual.")
    if debias and cost != "squared":
        raise ArgumentError(f'debias corrects a mean cost and is not for the cost {cost!r}; take cost="squared".')
