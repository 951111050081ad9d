"""Candidate margin: the right fill of a blank scores higher than wrong ones, by a margin."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.objectives.discriminative.inputs import as_scores, counted
from contrapose.objectives.engine.inputs import check_finite


def candidate_margin(
    right: Float[Tensor, " B"],
    wrong: Float[Tensor, "B W"],
    *,
    margin: float = 1.0,
    known: Bool[Tensor, "B W"] | None = None,
    count: float | Float[Tensor, ""] | None = None,
) -> Float[Tensor, ""]:
    """How far wrong candidates come within a margin of the right one, averaged over them and then over samples.

        L = (1 / n) sum_b mean over its wrong candidates w of  max(0, margin - s(right_b) + s(wrong_bw))

    A sample without a wrong candidate is no term.

    Shapes:
        right: `(B,)` scores, wrong: `(B, W)`; returns `()`.

    Arguments:
        margin: by how much a right candidate is to be ahead; 1 [design]: scores are on no scale of their own.
        known: which of the wrong candidates there are, where samples have fewer than W. None: all.
        count: n, what the sum is divided by. None: the samples of this call with a wrong candidate. Where processes
            share a batch: their mean number a process.

    Errors:
        ArgumentError: shapes that do not fit, a margin below 0, a count that is not above 0.
        NonFiniteError: a score that is NaN or infinite.

    All scores equal: margin. Right ones ahead by the margin or more: 0, and no gradient.

    The hinge of ranking, here over candidates for a blank as "Contrastive Self-Supervised Learning for Commonsense
    Reasoning" (Klein and Nabi, ACL 2020, https://arxiv.org/abs/2005.00669) contrasts them.
    """
    good, bad = as_scores(right, "right", "B"), as_scores(wrong, "wrong", "B W")  # (B,), (B, W)
    check_finite(margin, "margin")
    if margin < 0:
        raise ArgumentError(f"margin must be 0 or more, got {margin:g}; 1 is usual.")
    given = torch.ones_like(bad, dtype=torch.bool) if known is None else known  # (B, W)
    if len(bad) != len(good) or given.shape != bad.shape:
        raise ArgumentError(
            f"right is {(*good.shape,)}, wrong {(*bad.shape,)} and known {(*given.shape,)}: they must be (B,), (B, W) "
            "and (B, W)."
        )
    short = (margin - good.unsqueeze(1) + bad).relu()  # (B, W), flat where a clamp at 0 would still pull
    some = given.sum(dim=1)  # (B,)
    each = (short * given).sum(dim=1) / some.clamp(min=1)  # (B,)
    return each.sum() / counted(count, (some > 0).sum())
