"""CLIP's loss with smoothed targets, and the average of weak and strong views in which its improved recipe has it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.objectives.engine.inputs import check_choice, check_embeddings, prepare_rows
from contrapose.objectives.softmax.info_nce import info_nce

TOTALS = ("mean", "sum")


def clip(
    queries: Float[Tensor, "B D"],
    candidates: Float[Tensor, "B D"],
    *,
    temperature: float | Float[Tensor, ""] = 0.07,
    smoothing: float = 0.0,
    rows: Int[Tensor, " R"] | None = None,
    reduction: str = "mean",
) -> Float[Tensor, ""] | Float[Tensor, " anchors"]:
    """Cross-entropy of each row of one side over all rows of the other, both ways, with smoothed targets.

        l_ij = cos(query_i, candidate_j) / temperature
        loss = mean_i [ -sum_j t_ij log softmax_j(l_ij) ] and the same of the transposed, halved
        t_ij = (1 - e) 1[i = j] + e / B,   e = smoothing

    which is `info_nce(symmetric=True)` and a term that needs no matrix: e (l_ii - mean_j l_ij).

    Shapes:
        queries, candidates: `(B, D)`, row b of both belongs together; returns `()`.

    Arguments:
        temperature: a number, or a learned 0-d tensor. 0.07: what CLIP's learned one begins with.
        smoothing: e, in [0, 1). 0: CLIP; 0.1 for strong views (arXiv 2305.08675).
        rows: samples that this call answers for, as in `info_nce`.
        reduction: "mean", or "none" for the loss of each sample, `(R,)`.

    Errors:
        ArgumentError: one row, sides of different sizes, NaN, smoothing outside [0, 1), temperature <= 0.

    All embeddings equal: log B, whatever the temperature and smoothing. B = 2 with orthonormal matched rows and a scale
    of k: log(1 + exp(-k)).

    Radford et al. 2021, https://arxiv.org/abs/2103.00020
    """
    _check(queries, candidates, smoothing)
    loss = info_nce(
        queries, candidates, temperature=temperature, symmetric=True, rows=rows, reduction=reduction
    )  # () or (R,)
    if not smoothing:
        return loss
    x, y = prepare_rows(queries, True), prepare_rows(candidates, True)  # (B, D) each
    mean_x, mean_y = x.mean(dim=0), y.mean(dim=0)  # (D,) each
    if rows is not None:
        x, y = x[rows], y[rows]  # (R, D)
    gap = (x * y).sum(dim=1) - ((x * mean_y).sum(dim=1) + (y * mean_x).sum(dim=1)) / 2  # (R,)
    gap = smoothing * gap / temperature
    return loss + (gap if reduction == "none" else gap.mean())


def weak_strong_clip(
    weak: Float[Tensor, "2 B D"],
    strong: Float[Tensor, "2 V B D"] | None = None,
    *,
    temperature: float | Float[Tensor, ""] = 0.07,
    strong_temperature: float | Float[Tensor, ""] = 0.1,
    smoothing: float = 0.1,
    total: Literal["mean", "sum"] = "mean",
    rows: Int[Tensor, " R"] | None = None,
) -> Float[Tensor, ""]:
    """Weak views meet weak ones, strong views meet strong ones; no weak view meets a strong one.

        L_w = clip(weak_0, weak_1),   L_s = mean over v, u of clip(strong_0v, strong_1u; smoothing)
        loss = (L_w + V L_s) / (1 + V),   twice that for the total "sum"

    Shapes:
        weak: `(2, B, D)`, both sides; strong: `(2, V, B, D)`, or None where V = 0, which leaves `clip` alone.

    Arguments:
        temperature, strong_temperature: of weak and of strong views; learned each by itself. 0.07 and 0.1: what they
            begin with (arXiv 2305.08675).
        smoothing: of strong views alone. 0.1 (arXiv 2305.08675).
        total: "mean" of both directions, or their "sum", which matters beside other losses.

    Errors:
        ArgumentError: as of `clip`; another total.

    All embeddings equal: log B, twice that for "sum".

    Fini et al. 2023, https://arxiv.org/abs/2305.08675
    """
    check_embeddings(weak, "weak", "2 B D")
    check_choice(total, TOTALS, "total")
    _check(weak[0], weak[1], smoothing)
    if strong is not None:
        check_embeddings(strong, "strong", "2 V B D")

    of_weak = clip(weak[0], weak[1], temperature=temperature, rows=rows)  # ()
    of_strong = partial(clip, temperature=strong_temperature, smoothing=smoothing, rows=rows)
    return (1.0 if total == "mean" else 2.0) * over_views(of_weak, of_strong, strong)


def over_views(
    of_weak: Float[Tensor, ""],
    loss: Callable[[Tensor, Tensor], Tensor],
    strong: Float[Tensor, "2 V B D"] | None,
) -> Float[Tensor, ""]:
    """The loss of weak views with that of all combinations of strong ones: (L_w + V L_s) / (1 + V).

    Shapes:
        of_weak: `()`; strong: `(2, V, B, D)`, or None where V = 0; returns `()`.

    Paper: Fini et al. 2023, https://arxiv.org/abs/2305.08675
    """
    if strong is None:
        return of_weak
    count = strong.shape[1]
    parts = [loss(one, other) for one in strong[0] for other in strong[1]]  # V² of ()
    return (of_weak + count * torch.stack(parts).mean()) / (1 + count)


def _check(queries: Tensor, candidates: Tensor, smoothing: float) -> None:
    check_embeddings(queries, "queries", "B D")
    check_embeddings(candidates, "candidates", "B D")
    if queries.shape != candidates.shape:
        raise ArgumentError(
            f"queries are {tuple(queries.shape)} and candidates {tuple(candidates.shape)}: row b of both belongs "
            "together, so give as many of both, of one length."
        )
    if len(queries) < 2:
        raise ArgumentError("One pair has nothing to be told apart from: give a batch of 2 or more.")
    if not 0 <= smoothing < 1:
        raise ArgumentError(f"smoothing must be in [0, 1), got {smoothing:g}; 0.1 is usual, 0 switches it off.")
