"""InfoNCE between two towers: queries find their candidate, among the batch (CLIP) or in a queue (MoCo)."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.objectives.engine.anchors import choose_anchors
from contrapose.objectives.engine.inputs import (
    REDUCTIONS,
    as_candidates,
    check_choice,
    check_embeddings,
    check_temperature,
    prepare_rows,
)
from contrapose.objectives.engine.softmax import check_pairing, softmax_loss, softmax_loss_both_ways
from contrapose.objectives.engine.transposed import Transposed
from contrapose.objectives.engine.visiting import Exchange, own_anchors, visiting_candidates
from contrapose.pairing import Pairing, by_towers


def info_nce(
    queries: Float[Tensor, "B D"],
    candidates: Float[Tensor, "M D"],
    pairing: Pairing | None = None,
    *,
    queue: Float[Tensor, "K D"] | None = None,
    temperature: float | Float[Tensor, ""] = 0.07,
    symmetric: bool = False,
    in_batch_negatives: bool = True,
    decoupled: bool = False,
    normalize: bool = True,
    rows: Int[Tensor, " R"] | None = None,
    exchange: Exchange | None = None,
    reduction: str = "mean",
    tile_rows: int | None = None,
    tile_columns: int | None = None,
) -> Float[Tensor, ""] | Float[Tensor, " anchors"]:
    """Cross-entropy of each query over its candidates, and over a queue of earlier ones if there is one.

        l_i = -s_ii + log [ sum_j exp(s_ij) + sum_k exp(s_ik) ]
        s_ij = cos(query_i, candidate_j) / temperature,    s_ik = cos(query_i, queue_k) / temperature

    Three settings are published under this formula: `symmetric=True` is CLIP's (the mean of both directions);
    `queue=..., in_batch_negatives=False` is MoCo's, whose logits are [q_i·k_i, q_i·queue]; plain is one
    direction. `decoupled` leaves s_ii out of the log (MoCo + DCL). Runs in tiles: no B × M matrix, forward or backward.

    Shapes:
        queries: `(B, D)`, candidates: `(M, D)`, queue: `(K, D)`; returns `()`, or `(R,)` with reduction
            "none".

    Arguments:
        pairing: of B anchors × M candidates (or M + K, when it speaks of the queue already); None =
            `by_towers(B)`, which needs M == B. A query that a given pairing leaves without positives is not
            in the mean.
        queue: more negatives for every query; they get no gradient.
        temperature: a number, or a learned 0-d tensor. 0.07 is MoCo v1's, and what CLIP starts its learned
            one from; MoCo v2 uses 0.2.
        symmetric: also let each candidate look for its query, and average the two; not with a queue.
        in_batch_negatives: false takes the negatives from the queue alone; only without a pairing, which says
            it itself.
        decoupled: only negatives in the denominator, as in `dcl`, where the reasons are.
        normalize: scale rows (the queue's too) to length 1 first; false takes them as they are.
        rows: the queries (0 to B-1) that this call answers for, as in `nt_xent`; with `symmetric` also the
            candidates.
        exchange: shows blocks of candidates that lie elsewhere (`distributed.Ring`); queries and candidates are then
            the own block of each, as many as everywhere, and the loss is that of the own queries among the candidates
            of all blocks. A pairing is of all of them.
        reduction: "mean", or "none" for each query's loss.
        tile_rows, tile_columns: see `row_reduce`.

    Errors:
        ArgumentError: sizes that do not fit, NaN, temperature <= 0, settings that contradict each other;
            `decoupled` and a query without any negative.

    All embeddings equal: log(M), log(M + K), or log(1 + K) without in-batch negatives; decoupled, the log of one
    less.

    van den Oord et al. 2018, https://arxiv.org/abs/1807.03748; He et al. 2020 (MoCo),
    https://arxiv.org/abs/1911.05722; Radford et al. 2021 (CLIP), https://arxiv.org/abs/2103.00020
    """
    _check_arguments(queries, candidates, queue, temperature, reduction)
    _check_settings(pairing, queue, symmetric=symmetric, in_batch_negatives=in_batch_negatives)
    _check_exchange(exchange, queries, candidates, queue, rows)
    batch, columns = len(queries), len(candidates)
    if pairing is None and columns != batch:
        raise ArgumentError(
            f"candidates has {columns} rows and queries {batch}; without a pairing candidate i is query i's."
        )
    if symmetric and columns != batch and (rows is not None or reduction == "none"):
        raise ArgumentError(
            "symmetric=True with rows= or reduction='none' needs as many candidates as queries, "
            f"got {columns} and {batch}."
        )
    empty = "zero" if pairing is None else "drop"
    blocks = 1 if exchange is None else exchange.blocks
    pairing = pairing or by_towers(batch * blocks, in_batch_negatives=in_batch_negatives)
    x, y = prepare_rows(queries, normalize), prepare_rows(candidates, normalize)  # (B, D), (M, D)
    if queue is not None:
        y = torch.cat([y, prepare_rows(queue.detach(), normalize).to(y)])  # (M + K, D)
        pairing = pairing.with_queue(len(queue)) if pairing.candidates == columns else pairing
    check_pairing(pairing, batch * blocks, len(y) * blocks)

    if symmetric and normalize and rows is None and exchange is None:
        return softmax_loss_both_ways(
            x,
            y,
            pairing,
            temperature=temperature,
            empty=empty,
            reduction=reduction,
            decoupled=decoupled,
            tile_rows=tile_rows,
            tile_columns=tile_columns,
        )

    def one_direction(anchors: Tensor, others: Tensor, direction: Pairing) -> Tensor:
        one = choose_anchors(1, len(anchors), rows, anchors.device)
        return softmax_loss(
            anchors,
            as_candidates(others, normalize) if exchange is None else visiting_candidates(others, normalize, exchange),
            direction,
            one if exchange is None else own_anchors(anchors, exchange),
            temperature=temperature,
            empty=empty,
            reduction=reduction,
            decoupled=decoupled,
            exchange=exchange,
            tile_rows=tile_rows,
            tile_columns=tile_columns,
        )

    loss = one_direction(x, y, pairing)  # () or (R,)
    return (loss + one_direction(y, x, Transposed(pairing))) / 2 if symmetric else loss


def _check_arguments(
    queries: Tensor, candidates: Tensor, queue: Tensor | None, temperature: float | Tensor, reduction: str
) -> None:
    check_embeddings(queries, "queries", "B D")
    others = [("candidates", "M D", candidates)]
    if queue is not None:
        others.append(("queue", "K D", queue))
    for name, letters, other in others:
        check_embeddings(other, name, letters)
        if other.shape[1] != queries.shape[1]:
            raise ArgumentError(
                f"{name} has {other.shape[1]} dimensions and queries {queries.shape[1]}; they must agree."
            )
    check_temperature(temperature)
    check_choice(reduction, REDUCTIONS, "reduction")


def _check_settings(
    pairing: Pairing | None, queue: Tensor | None, *, symmetric: bool, in_batch_negatives: bool
) -> None:
    if symmetric and queue is not None:
        raise ArgumentError("symmetric=True cannot be had with a queue: nothing in the queue looks for a query.")
    if not in_batch_negatives and pairing is not None:
        raise ArgumentError("in_batch_negatives=False is for the default pairing; make the given pairing without them.")
    if not in_batch_negatives and queue is None:
        raise ArgumentError("in_batch_negatives=False needs a queue=: without one there is no negative at all.")


def _check_exchange(
    exchange: Exchange | None, queries: Tensor, candidates: Tensor, queue: Tensor | None, rows: Tensor | None
) -> None:
    if exchange is None:
        return
    if queue is not None or rows is not None:
        raise ArgumentError(
            "With exchange= queries and candidates are this process's own: leave out rows=, and queue=, which every "
            "process holds whole."
        )
    if len(queries) != len(candidates):
        raise ArgumentError(
            f"With exchange= every process has as many candidates as queries, got {len(candidates)} and {len(queries)}."
        )
