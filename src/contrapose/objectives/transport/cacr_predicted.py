"""CACR on the ground of MoCo v3: the student's predictions meet a slow copy's keys of the same batch."""

from __future__ import annotations

from functools import partial
from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.objectives.engine.anchors import choose_anchors
from contrapose.objectives.engine.inputs import (
    REDUCTIONS,
    check_choice,
    check_embeddings,
    check_temperature,
    check_views,
    prepare_rows,
)
from contrapose.objectives.engine.tiles import LogSum, Sums, row_reduce
from contrapose.objectives.transport.cacr import COSTS
from contrapose.objectives.transport.conditional import mean_cost, repulsion, view_costs
from contrapose.pairing import by_towers


def cacr_predicted(
    predictions: Float[Tensor, "V B D"],
    keys: Float[Tensor, "U B D"],
    *,
    temperature: float = 0.2,
    cost: Literal["rbf", "squared"] = "rbf",
    normalize: bool = True,
    rows: Int[Tensor, " R"] | None = None,
    reduction: str = "mean",
    tile_rows: int | None = None,
    tile_columns: int | None = None,
) -> Float[Tensor, ""] | Float[Tensor, " anchors"]:
    """`cacr` in the manner of MoCo v3: each view's key attracts the predictions of all other views, the farthest most.

        L = mean over key views u and samples i of sum_{v != u} p_uvi l_uvi,   v all views of predictions
        p_uvi = softmax_{v != u}(|q_vi - k_ui|² / T),  held constant
        "rbf":      l_uvi = 2T · ( -q_vi·k_ui / T + log sum_j exp(q_vi·k_uj / T) )
        "squared":  l_uvi = c(q_vi, k_ui) - sum_{j != i} r_j c(q_vi, k_uj),   c(q, k) = |q - k|² / 2
                    r_j = softmax_{j != i}(- c(q_vi, k_uj) / T),  held constant

    "rbf" is InfoNCE whose positives are weighted: its positive stands in the denominator, unlike in every other form
    of CACR. With two views of each it is half of MoCo v3's loss, whose two terms are added. "squared", the authors'
    "euclidean", is attraction and repulsion proper, both of them under p. The authors sum it over a process's samples
    where they average "rbf"; both are averaged here, so that the batch does not scale the step. Runs in tiles: no
    B × B matrix, forward or backward.

    Shapes:
        predictions q: `(V, B, D)`; keys k: `(U, B, D)`, of the first U views; returns `()`, or `(V·R,)` view-major
            with reduction "none".

    Arguments:
        keys: of two views (the authors' light mode), or of all V (their full mode); no gradient reaches them.
        temperature: T, which divides; a sharpness of 1 / T. 0.2: the authors' with ViT-B; 1 with ResNet-50.
        cost: "rbf" is the authors' default here.
        normalize, rows, reduction, tile_rows, tile_columns: as in `nt_xent`.

    Errors:
        ArgumentError: not `(V, B, D)` and `(U, B, D)` with U from 1 to V, fewer than two views (with "squared" also
            samples), NaN, a temperature that is not above 0, rows out of range.

    All embeddings equal: "rbf" 2T log B; "squared" 0, its lower bound is -2.

    Zheng et al., TMLR 2023, https://arxiv.org/abs/2105.03746; Chen, Xie and He, "An Empirical Study of Training
    Self-Supervised Vision Transformers", ICCV 2021, https://arxiv.org/abs/2104.02057
    """
    _check_arguments(predictions, keys, cost, reduction)
    check_temperature(temperature)
    (views, batch, _), sources = predictions.shape, len(keys)
    samples = choose_anchors(1, batch, rows, predictions.device).own  # (R,), None = all
    samples = torch.arange(batch, device=predictions.device) if samples is None else samples
    q = prepare_rows(predictions, normalize)[:, samples]  # (V, R, D)
    k = prepare_rows(keys.detach(), normalize)  # (U, B, D)
    loss_of = partial(
        _cross_entropy if cost == "rbf" else _attraction_and_repulsion,
        samples=samples.repeat(views - 1),  # ((V-1)·R,)
        temperature=temperature,
        tile_rows=tile_rows,
        tile_columns=tile_columns,
    )
    costs = view_costs(q, k[:, samples])  # (V, U, R)
    if not normalize:  # a softmax over keys stays when all are shifted; distances do when predictions are, too
        centre = k.mean(dim=(0, 1))  # (D,)
        q, k = q - centre if cost == "squared" else q, k - centre
    losses = torch.zeros_like(costs[:, 0])  # (V, R)
    for source in range(sources):
        others = torch.tensor([view for view in range(views) if view != source], device=q.device)  # (V-1,)
        shares = (costs[others, source].detach() / temperature).softmax(dim=0)  # (V-1, R)
        found = loss_of(q[others].flatten(0, 1), k[source]).view_as(shares)  # ((V-1)·R,) -> (V-1, R)
        losses = losses.index_add(0, others, shares * found)
    # a sum over views and a mean over sources, written as a mean over the anchors (v, i)
    losses = (views / sources * losses).flatten()  # (V·R,)
    return losses.mean() if reduction == "mean" else losses


def _cross_entropy(
    q: Tensor, k: Tensor, *, samples: Tensor, temperature: float, tile_rows: int | None, tile_columns: int | None
) -> Tensor:
    """2T times the cross-entropy of each prediction's own key among all keys.

    Shapes:
        q: `(N, D)`, k: `(B, D)`, samples: `(N,)` each prediction's own key; returns `(N,)`.
    """
    (log_sum,) = row_reduce(
        q,
        k,
        Sums(log=(LogSum("valid"),)),  # every key
        by_towers(len(k), device=k.device),
        row_indices=samples,
        scale=1 / temperature,
        tile_rows=tile_rows,
        tile_columns=tile_columns,
    )  # (N,)
    return 2 * (temperature * log_sum - (q * k[samples]).sum(dim=1))


def _attraction_and_repulsion(
    q: Tensor, k: Tensor, *, samples: Tensor, temperature: float, tile_rows: int | None, tile_columns: int | None
) -> Tensor:
    """Half the squared distance of each prediction to its own key, less its mean to the others, the closer the heavier.

    Shapes:
        q: `(N, D)`, k: `(B, D)`, samples: `(N,)` each prediction's own key; returns `(N,)`.
    """
    totals = repulsion(
        q,
        k,
        by_towers(len(k), device=k.device),
        sharpness=1 / (2 * temperature),  # on the whole squared distance
        through_weights=False,
        row_indices=samples,
        tile_rows=tile_rows,
        tile_columns=tile_columns,
    )  # (N,), (N,)
    near = (q - k[samples]).square().sum(dim=1)  # (N, D) -> (N,)
    return (near - mean_cost(*totals)) / 2


def _check_arguments(predictions: Tensor, keys: Tensor, cost: str, reduction: str) -> None:
    check_views(predictions, "predictions")
    check_embeddings(keys, "keys", "U B D")
    check_choice(cost, COSTS, "cost")
    check_choice(reduction, REDUCTIONS, "reduction")
    views, batch, _ = predictions.shape
    if views < 2:
        raise ArgumentError("There is 1 view of predictions, and a key meets those of other views; give at least 2.")
    if keys.shape[1:] != predictions.shape[1:] or len(keys) > views:
        raise ArgumentError(
            f"predictions and keys must be (V, B, D) and (U, B, D) with U <= V, got {tuple(predictions.shape)} and "
            f"{tuple(keys.shape)}; the keys are of the first U views."
        )
    if cost == "squared" and batch < 2:
        raise ArgumentError("There is 1 sample, and repulsion needs another one; give a batch of at least 2.")
