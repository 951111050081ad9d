"""How far two predictions are from each other: Kullback and Leibler's divergence, from logits, in both directions."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from contrapose.errors import ArgumentError

REDUCTIONS = ("mean", "sum", "none")


def divergence(
    p: Float[Tensor, "*rows M"],
    q: Float[Tensor, "*rows M"],
    *,
    mask: Bool[Tensor, "*rows"] | None = None,
    reduction: str = "mean",
) -> Tensor:
    """KL(P || Q) of softmax(p) and softmax(q), row by row.

        KL = sum_m P_m (log P_m - log Q_m),   log P = p - logsumexp(p)

    In float32 at least (float64 stays): between near predictions it is of the order of rounding in half precision.

    Shapes:
        p, q: `(..., M)` logits; mask: `(...)`, True where a row counts; returns `()`, or `(...)` with reduction "none",
            0 where a row does not count.

    Arguments:
        reduction: "mean" over the rows that count (0 where none does), "sum", or "none".

    Errors:
        ArgumentError: logits of two shapes, a mask of another one, an unknown reduction.

    Closed form: 0 of equal predictions; log M of a sure P and a uniform Q.
    """
    if reduction not in REDUCTIONS:
        raise ArgumentError(f"reduction must be one of {', '.join(REDUCTIONS)}, got {reduction!r}.")
    if p.shape != q.shape:
        raise ArgumentError(f"Predictions are compared row by row, and p is {(*p.shape,)}, q {(*q.shape,)}.")
    if mask is not None and mask.shape != p.shape[:-1]:
        raise ArgumentError(f"mask is {(*mask.shape,)} and the logits are {(*p.shape,)}: give {(*p.shape[:-1],)}.")
    kind = torch.promote_types(torch.promote_types(p.dtype, q.dtype), torch.float32)
    log_p, log_q = p.to(kind).log_softmax(dim=-1), q.to(kind).log_softmax(dim=-1)  # (..., M)
    rows = (log_p.exp() * (log_p - log_q)).sum(dim=-1)  # (...)
    if mask is not None:
        rows = rows.masked_fill(~mask, 0.0)
    if reduction == "none":
        return rows
    if reduction == "sum":
        return rows.sum()
    count = torch.tensor(float(rows.numel())) if mask is None else mask.sum()
    return rows.sum() / count.to(rows).clamp(min=1)


def symmetric_divergence(
    p: Float[Tensor, "*rows M"],
    q: Float[Tensor, "*rows M"],
    *,
    mask: Bool[Tensor, "*rows"] | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Both directions, each with its first argument held constant.

        KL(stop(P) || Q) + KL(stop(Q) || P)

    The first summand trains q, the second one p. Exchanging p and q changes nothing.

    Shapes, Arguments, Errors: as of `divergence`.
    """
    there = divergence(p.detach(), q, mask=mask, reduction=reduction)
    back = divergence(q.detach(), p, mask=mask, reduction=reduction)
    return there + back
