"""InfoNCE against a queue of which each query may leave out some: places not filled yet, older keys of its own."""

from __future__ import annotations

import math

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.objectives.engine.anchors import choose_anchors
from contrapose.objectives.engine.inputs import check_temperature, prepare_rows
from contrapose.objectives.engine.queue_inputs import check_queue_arguments


def queue_info_nce(
    queries: Float[Tensor, "B D"],
    keys: Float[Tensor, "B D"],
    queue: Float[Tensor, "K D"],
    *,
    ignored: Bool[Tensor, "B K"] | None = None,
    temperature: float | Float[Tensor, ""] = 0.07,
    normalize: bool = True,
    rows: Int[Tensor, " R"] | None = None,
    reduction: str = "mean",
) -> Float[Tensor, ""] | Float[Tensor, " anchors"]:
    """Cross-entropy of each query over its own key and what it sees of the queue; other keys of the batch are none.

        l_i = -s_i + log [ exp(s_i) + sum over k that i does not ignore of exp(s_ik) ]
        s_i = cos(query_i, key_i) / temperature,    s_ik = cos(query_i, queue_k) / temperature

    With nothing ignored it is `info_nce(..., in_batch_negatives=False)`. Not in tiles: B x K similarities are made.

    Shapes:
        queries, keys: `(B, D)`, queue: `(K, D)`; returns `()`, or `(R,)` with reduction "none".

    Arguments:
        ignored: which rows of the queue a query does not see; None: it sees all.
        temperature: a number, or a learned 0-d tensor. 0.07: MoCo's first.
        normalize, rows, reduction: as in `nt_xent`.

    Keys and queue get no gradient.

    Errors:
        ArgumentError: sizes that do not fit, NaN, temperature <= 0.

    A queue of which nothing is seen: 0. One row that is the key: log 2. A query that is its key, and a queue of K rows
    at right angles: log(1 + K exp(-1 / temperature)). All embeddings equal: log(1 + K).

    He et al. 2020 (MoCo), https://arxiv.org/abs/1911.05722; that unfilled places are left out, and own keys: [design],
    where MoCo begins with random rows.
    """
    check_queue_arguments(queries, keys, queue, normalize=normalize, reduction=reduction)
    check_temperature(temperature)
    if ignored is not None and ignored.shape != (len(queries), len(queue)):
        raise ArgumentError(
            f"ignored must be ({len(queries)}, {len(queue)}), queries x queue; got {(*ignored.shape,)}."
        )
    own = choose_anchors(1, len(queries), rows, queries.device).own
    own = torch.arange(len(queries), device=queries.device) if own is None else own  # (R,)
    q, k = prepare_rows(queries, normalize)[own], prepare_rows(keys.detach(), normalize)[own]  # (R, D) each
    others = prepare_rows(queue.detach(), normalize).to(q)  # (K, D)
    with torch.autocast(q.device.type, enabled=False):
        attraction = (q * k.to(q)).sum(dim=1) / temperature  # (R,)
        repulsion = q @ others.T / temperature  # (R, K)
    if ignored is not None:
        repulsion = repulsion.masked_fill(ignored[own], -math.inf)
    logits = torch.cat([attraction.unsqueeze(1), repulsion], dim=1)  # (R, 1 + K)
    losses = logits.logsumexp(dim=1) - attraction  # (R,)
    return losses.mean() if reduction == "mean" else losses
