"""CACR with a slow copy: positives are its keys, negatives its past keys in a queue."""

from __future__ import annotations

from functools import partial

import torch
from jaxtyping import Float, Int
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.objectives.engine.anchors import choose_anchors
from contrapose.objectives.engine.inputs import REDUCTIONS, check_choice, check_embeddings, check_views, prepare_rows
from contrapose.objectives.transport.cacr import check_cacr
from contrapose.objectives.transport.conditional import attraction, mean_cost, repulsion, view_costs
from contrapose.pairing import by_groups, by_towers


def cacr_queue(
    queries: Float[Tensor, "V B D"],
    keys: Float[Tensor, "V B D"],
    queue: Float[Tensor, "K D"],
    *,
    attraction_sharpness: float = 1.0,
    repulsion_sharpness: float = 2.0,
    attraction_weight: float = 1.0,
    repulsion_weight: float = 1.0,
    in_batch_negatives: bool = False,
    normalize: bool = True,
    rows: Int[Tensor, " R"] | None = None,
    reduction: str = "mean",
    tile_rows: int | None = None,
    tile_columns: int | None = None,
) -> Float[Tensor, ""] | Float[Tensor, " anchors"]:
    """`cacr` in the manner of MoCo: each query meets the keys of its other views and a queue of past keys.

        attraction:  alpha · mean over queries (v, i) of sum_{u != v} pi+_u c(q_vi, k_ui),  pi+ held constant
        repulsion:   -beta · mean over queries (v, i) of sum_{n in queue} pi-_n c(q_vi, n),  pi- held constant
        in-batch:    the other queries of the same view join the queue in one softmax; through their weights
                     the gradient flows, as in the authors' code

    With the weights constant, the repulsion's gradient is that of (1 / t-) log sum_n exp(-t- c(q, n)).

    Shapes:
        queries, keys: `(V, B, D)`; queue: `(K, D)`; returns `()`, or `(V·R,)` view-major with reduction
            "none".

    Arguments:
        attraction_sharpness, repulsion_sharpness, attraction_weight, repulsion_weight: as in `cacr`; 1, 2, 1
            and 1 are the authors' here.
        in_batch_negatives: whether other queries repel too. Off: as the authors train.
        normalize: scale queries, keys and queue to length 1 first.
        rows, reduction, tile_rows, tile_columns: as in `nt_xent`.

    Errors:
        ArgumentError: keys of another shape than the queries, a queue of another dimension, fewer than two
            views (or, with in-batch negatives, samples), NaN, a negative sharpness or weight.

    All embeddings equal: 0. No gradient reaches keys or queue.

    Zheng et al., TMLR 2023, https://arxiv.org/abs/2105.03746
    """
    check_views(queries, "queries")
    for value, name, letters in ((keys, "keys", "V B D"), (queue, "queue", "K D")):
        check_embeddings(value, name, letters)
    check_cacr(queries.shape, attraction_sharpness, repulsion_sharpness, attraction_weight, repulsion_weight)
    check_choice(reduction, REDUCTIONS, "reduction")
    if keys.shape != queries.shape or queue.shape[1] != queries.shape[2]:
        raise ArgumentError(
            f"queries, keys and queue must be (V, B, D), (V, B, D) and (K, D), got "
            f"{tuple(queries.shape)}, {tuple(keys.shape)} and {tuple(queue.shape)}."
        )
    batch = queries.shape[1]
    if in_batch_negatives and batch < 2:
        raise ArgumentError("in_batch_negatives needs a batch of at least 2, got 1 sample.")
    samples = choose_anchors(1, batch, rows, queries.device).own  # (R,), None = all
    samples = torch.arange(batch, device=queries.device) if samples is None else samples
    q = prepare_rows(queries, normalize)  # (V, B, D)
    k, past = prepare_rows(keys.detach(), normalize), prepare_rows(queue.detach(), normalize)
    if not normalize:  # nothing but differences counts, and an offset would cost digits
        centre = past.mean(0)  # (D,)
        q, k, past = q - centre, k - centre, past - centre
    costs = view_costs(q[:, samples], k[:, samples])  # (V, V, R)
    pulled = attraction(costs, sharpness=attraction_sharpness, through_weights=False)  # (V, R)
    pushed = _repulsion_by_view(
        q, past, samples, repulsion_sharpness, in_batch_negatives, tile_rows, tile_columns
    )  # (V, R)
    losses = (attraction_weight * pulled - repulsion_weight * pushed).flatten()  # (V·R,)
    return losses.mean() if reduction == "mean" else losses


def _repulsion_by_view(
    q: Tensor,
    past: Tensor,
    samples: Tensor,
    sharpness: float,
    in_batch_negatives: bool,
    tile_rows: int | None,
    tile_columns: int | None,
) -> Tensor:
    """Mean cost of the queries of `samples` to the queue, and if asked to the other queries of their view.

    Shapes:
        q: `(V, B, D)`, past: `(K, D)`, samples: `(R,)`; returns `(V, R)`.
    """
    negatives = partial(repulsion, sharpness=sharpness, tile_rows=tile_rows, tile_columns=tile_columns)
    nobody = torch.full((len(samples),), -1, device=q.device)  # in no group: has no positive
    to_queue = by_groups(nobody, torch.zeros(len(past), dtype=torch.long, device=q.device))
    to_batch = by_towers(q.shape[1], device=q.device)
    means = []
    for view in q:  # (B, D)
        asked = view[samples]  # (R, D)
        total, weighted = negatives(asked, past, to_queue, through_weights=False)  # (R,), (R,)
        if in_batch_negatives:
            others = negatives(asked, view, to_batch, through_weights=True, row_indices=samples)
            total, weighted = torch.logaddexp(total, others[0]), torch.logaddexp(weighted, others[1])
        means.append(mean_cost(total, weighted))
    return torch.stack(means)
