"""AUC-CL: every positive and every negative enters by a square of its own, so a small batch does not distort."""

from __future__ import annotations

import math
from typing import Literal

from jaxtyping import Float, Int
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.objectives.engine.anchors import Anchors, choose_anchors, reduce_anchors
from contrapose.objectives.engine.inputs import REDUCTIONS, check_choice, check_finite, check_views, prepare_rows
from contrapose.objectives.engine.softmax import check_pairing
from contrapose.objectives.ranking.pair_scores import Moments, moments_of_equals, score_moments
from contrapose.pairing import Pairing, by_views

FORMS = ("unbiased", "authors")
TARGET, ALPHA = 10.0, 1.0  # the authors'
NEGATIVE_WEIGHT = 128.0
Scalar = float | Float[Tensor, ""]


def auc_cl(
    z: Float[Tensor, "V B D"],
    pairing: Pairing | None = None,
    *,
    form: Literal["unbiased", "authors"] = "unbiased",
    target: Scalar = TARGET,
    b: Scalar | None = 0.0,
    alpha: Scalar = ALPHA,
    margin: float = 0.5,
    negative_weight: float | None = None,
    normalize: bool = True,
    rows: Int[Tensor, " R"] | None = None,
    reduction: str = "mean",
    tile_rows: int | None = None,
    tile_columns: int | None = None,
) -> Float[Tensor, ""] | Float[Tensor, " anchors"]:
    """Squares instead of a softmax: scores of positives are drawn to a target, those of negatives to b and down.

        p_ij = clamp((cos(z_i, z_j) + 1) / 2 - margin, 0, 1),    n_ij = clamp((cos(z_i, z_j) + 1) / 2, 0, 1)
        unbiased:  l_i = mean over positives of [(p_ij - target)² - 2 alpha p_ij]
                         + kappa · mean over negatives of [(n_ij - b)² + 2 alpha n_ij]
        authors:   l_i = the same first line + sum over all j != i of [(n_ij - b)² + 2 alpha n_ij] - N

    The first is a mean over pairs, each worth the same in a batch of any size: with the target, b and alpha
    held, the gradient of a random sub-batch is on average exactly that of the whole. The second, the authors'
    loss for CIFAR, is not: its sum makes negatives weigh N - 1, and positives are among them, at a share that
    shrinks with the batch. Nor is a softmax, whose logarithm is of a sum over the batch.

    The target is far out of reach (p <= 1 - margin), so the pull is nearly even, about 2 (target + alpha). A
    positive with cos < 2 margin - 1 is not pulled at all. Runs in tiles: no N × N matrix, forward or backward.

    Shapes:
        z: `(V, B, D)`; returns `()`, or `(V·R,)` view-major with reduction "none".

    Arguments:
        pairing: who is whose positive; None = `by_views(V, B)`.
        target: 10, a constant in the authors' code.
        b: a number, or a learned 0-d tensor (`AUCContrastive` holds one, as the authors do, from 0); its best
            value is the mean of n. None = that mean over the batch, which is not exactly unbiased.
        alpha: 1, a constant in the authors' code. The loss is linear in it, so that descending on it has no end; one
            that is learned has to ascend, in `auc_saddle`.
        margin: what a positive's score is short of its cosine's, in [0, 1]. 0.5: the authors'.
        negative_weight: kappa, for "unbiased" only. None = 128, [design]: about half the authors' N - 1 = 255
            for CIFAR at a batch of 128. Their ImageNet code has 32, with scores that are not cosines; in one
            short run on CIFAR-10 that did worse than 128, and 8 worse than no training.
        normalize, rows, reduction, tile_rows, tile_columns: as in `nt_xent`.

    Errors:
        ArgumentError: not `(V, B, D)`, no positives, NaN, margin outside [0, 1], a pairing of another size,
            `negative_weight` below 0 or with form "authors", a target, b or alpha that is not one finite number.

    An anchor without negatives has the first line alone. All embeddings equal, default arguments:
    (0.5 - 10)² - 1 + 128 · 3 = 473.25. Losses of different batch sizes can be compared in form "unbiased" only.

    Sharma, Ji, Xu, Chen, "AUC-CL: A Batchsize-Robust Framework for Self-Supervised Contrastive Representation
    Learning", ICLR 2024, https://openreview.net/forum?id=YgMdDQB09U
    """
    check_choice(form, FORMS, "form")
    kappa = check_negative_weight(form, negative_weight)
    flat, pairing, anchors = prepare_pairs(z, pairing, margin, normalize, rows, reduction)
    check_scalars(target=target, b=b, alpha=alpha)

    def moments_of(some: Tensor, chosen: Anchors) -> Moments:
        return score_moments(
            some,
            pairing,
            chosen,
            margin=margin,
            positives_repel=form == "authors",
            tile_rows=tile_rows,
            tile_columns=tile_columns,
        )

    own = moments_of(flat, anchors)
    if b is None:
        everyone = own if anchors.own is None else moments_of(flat.detach(), Anchors(own=anchors.everyone))
        b = everyone.mean_negative().detach()
    losses = _losses(own, form, target, b, alpha, kappa)  # (R,)
    return reduce_pairs(losses, own, anchors, pairing, reduction)


def auc_chance(
    pairing: Pairing,
    *,
    form: str = "unbiased",
    target: float = TARGET,
    b: float | None = 0.0,
    alpha: float = ALPHA,
    margin: float = 0.5,
    negative_weight: float | None = None,
) -> float:
    """`auc_cl` of equal embeddings: p = 1 - margin and n = 1 everywhere."""
    moments = moments_of_equals(pairing, margin=margin, positives_repel=form == "authors")
    kappa = check_negative_weight(form, negative_weight)
    losses = _losses(moments, form, target, 1.0 if b is None else b, alpha, kappa)[moments.positives > 0]
    return float(losses.mean()) if len(losses) else 0.0


def _losses(moments: Moments, form: str, target: Scalar, b: Scalar, alpha: Scalar, kappa: float) -> Tensor:
    """The loss of each anchor.  -> (R,)"""
    pulled, pushed = moments.attraction(target, alpha), moments.repulsion(b, alpha)
    if form == "unbiased":
        return pulled + kappa * pushed
    others = moments.negatives  # N - 1, unless the pairing ignores some
    return pulled + others * pushed - (others + 1)


def prepare_pairs(
    z: Tensor, pairing: Pairing | None, margin: float, normalize: bool, rows: Tensor | None, reduction: str
) -> tuple[Tensor, Pairing, Anchors]:
    """The rows `(N, D)`, the pairing and the anchors of a loss over pairs, after a look at its arguments."""
    check_views(z, paired=pairing is not None)
    check_choice(reduction, REDUCTIONS, "reduction")
    if not 0 <= margin <= 1:
        raise ArgumentError(f"margin is a difference of scores in [0, 1] and must be in [0, 1], got {margin}.")
    views, batch, _ = z.shape
    if pairing is None and views < 2:
        raise ArgumentError(f"z has {views} view, so no row has a positive; give two views or a pairing.")
    pairing = (pairing or by_views(views, batch)).to(z.device)
    check_pairing(pairing, views * batch, views * batch)
    flat = prepare_rows(z, normalize).flatten(0, 1)  # (V, B, D) -> (N, D)
    return flat, pairing, choose_anchors(views, batch, rows, z.device)


def reduce_pairs(losses: Tensor, own: Moments, anchors: Anchors, pairing: Pairing, reduction: str) -> Tensor:
    """The mean over anchors that have a positive, or each anchor's loss (0 without a positive)."""
    kept = own.positives > 0
    return reduce_anchors(losses * kept, kept, anchors, pairing, empty="drop", reduction=reduction)


def check_scalars(**scalars: Scalar | None) -> None:
    """Each of them is one finite number, or None."""
    for name, value in scalars.items():
        if value is not None:
            check_finite(value, name)


def check_negative_weight(form: str, negative_weight: float | None) -> float:
    """kappa of a form: 128 unless given, and none for the authors' sum."""
    if negative_weight is None:
        return NEGATIVE_WEIGHT
    if form == "authors":
        raise ArgumentError("form='authors' sums over negatives; negative_weight belongs to form='unbiased'.")
    if not (math.isfinite(negative_weight) and negative_weight >= 0):
        raise ArgumentError(f"negative_weight must be a finite number, 0 or more, got {negative_weight:g}.")
    return negative_weight
