"""The core of the softmax family: for each anchor, the mean over its positives of -log softmax."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.objectives.engine.anchors import Anchors, reduce_anchors
from contrapose.objectives.engine.tiles import LogSum, Sums, reduce_both_ways, row_reduce
from contrapose.objectives.engine.transposed import Transposed
from contrapose.objectives.engine.visiting import Exchange, visiting_reduce
from contrapose.pairing import Pairing
from contrapose.tracing import is_readable

denominator_and_attraction = Sums(log=(LogSum("valid"),), linear=("attraction", "weight"))
"""Log of the denominator; weighted sum of the positives' similarities; sum of their weights."""

repulsion_and_attraction = Sums(log=(LogSum("negative"),), linear=("attraction", "weight"))
"""The same with the negatives alone in the denominator: no positive competes with itself."""


def softmax_loss(
    x: Tensor,
    y: Tensor,
    pairing: Pairing,
    anchors: Anchors,
    *,
    temperature: float | Tensor,
    empty: str,
    reduction: str,
    factor: float | Tensor = 1.0,
    decoupled: bool = False,
    exchange: Exchange | None = None,
    tile_rows: int | None = None,
    tile_columns: int | None = None,
) -> Tensor:
    """Mean over anchors of the mean over their positives of -log softmax, all positives in the denominator.

        l_i = log sum_{a in A(i)} exp(s_ia) - sum_p w_ip s_ip / sum_p w_ip,      s_ij = x_i·y_j / temperature

    which is -(1/|P(i)|) sum_p log softmax_i(p) when all weights are 1. With equal embeddings l_i = log
    |A(i)|.

    Shapes:
        x: `(N, D)`, y: `(M, D)`, both as `prepare_rows` leaves them; returns `()`, or `(R,)` with reduction
            "none".

    Arguments:
        anchors: which of the N rows are answered for.
        empty: what an anchor without positives is: "drop" leaves it out of the mean, "zero" counts it as 0,
            "error".
        factor: a factor on every anchor's loss.
        decoupled: leave the positives out of the denominator A(i) (then l_i is no log of a probability, and may be
            below 0).
        exchange: shows the other blocks of candidates; then x holds the anchors of this call alone, y the block of
            candidates that is at hand, and N and M are those of all blocks.

    Errors:
        ArgumentError: with `decoupled`, an anchor that has a positive and no negative.
    """
    pairing = pairing.to(x.device)
    terms = repulsion_and_attraction if decoupled else denominator_and_attraction
    options: dict[str, Any] = {"scale": 1 / temperature, "tile_rows": tile_rows, "tile_columns": tile_columns}
    if exchange is None:
        channels = row_reduce(anchors.take(x), y, terms, pairing, row_indices=anchors.own, **options)
    else:
        own = torch.arange(len(x), device=x.device) if anchors.own is None else anchors.own
        channels = visiting_reduce(x, y, terms, pairing, exchange, row_indices=own, **options)
    losses, kept = _losses(channels, factor, decoupled=decoupled)  # (R,) each
    return reduce_anchors(losses, kept, anchors, pairing, empty=empty, reduction=reduction)


def softmax_loss_both_ways(
    x: Tensor,
    y: Tensor,
    pairing: Pairing,
    *,
    temperature: float | Tensor,
    empty: str,
    reduction: str,
    decoupled: bool = False,
    tile_rows: int | None = None,
    tile_columns: int | None = None,
) -> Tensor:
    """The mean of `softmax_loss` of x against y and of y against x, of all rows, with one similarity for both.

    Shapes:
        x: `(N, D)`, y: `(M, D)`; returns `()`, or `(N,)` with reduction "none", which needs M = N.
    """
    sides = reduce_both_ways(
        x,
        y,
        repulsion_and_attraction if decoupled else denominator_and_attraction,
        pairing,
        scale=1 / temperature,
        tile_rows=tile_rows,
        tile_columns=tile_columns,
    )  # three times (N,), three times (M,)
    losses = []
    for channels, direction in zip(sides, (pairing, Transposed(pairing)), strict=True):
        each, kept = _losses(channels, 1.0, decoupled=decoupled)
        losses.append(reduce_anchors(each, kept, Anchors(), direction, empty=empty, reduction=reduction))
    return (losses[0] + losses[1]) / 2


def _losses(channels: tuple[Tensor, ...], factor: float | Tensor, *, decoupled: bool) -> tuple[Tensor, Tensor]:
    """Each anchor's loss, 0 where it has no positive, and whether it has one: `(R,)` each."""
    log_denominator, attraction, weight = channels
    weight = weight.detach()
    kept = weight > 0
    if decoupled and is_readable(log_denominator) and bool((log_denominator.detach()[kept] == -math.inf).any()):
        raise ArgumentError(
            "An anchor has a positive and no negative, and without the positive nothing is left in its denominator; "
            "give at least two samples (of two classes), or a queue."
        )
    ratio = log_denominator - attraction / weight.masked_fill(~kept, 1.0)
    return factor * torch.where(kept, ratio, 0.0), kept


def check_pairing(pairing: Pairing, anchors: int, candidates: int) -> None:
    """The pairing speaks of as many anchors and candidates as there are embeddings."""
    if (pairing.anchors, pairing.candidates) != (anchors, candidates):
        raise ArgumentError(
            f"pairing is of {pairing.anchors} anchors and {pairing.candidates} candidates, but there are "
            f"{anchors} and {candidates} embeddings; make it from this batch (rows are view-major)."
        )
