"""A triplet loss without margin or temperature, which learns what is easy: the biased reference of debiasing."""

from __future__ import annotations

from jaxtyping import Float, Int
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.objectives.engine.anchors import choose_anchors
from contrapose.objectives.engine.inputs import REDUCTIONS, check_choice, check_views, prepare_rows
from contrapose.objectives.hardness.debiasing import check_prior


def debiased_triplet(
    z: Float[Tensor, "V B D"],
    *,
    prior: float = 0.1,
    normalize: bool = True,
    rows: Int[Tensor, " R"] | None = None,
    reduction: str = "mean",
) -> Float[Tensor, ""] | Float[Tensor, " anchors"]:
    """Distance to the other views minus the sum of distances to all other samples, corrected for false negatives.

        l_i = pos_i - (S_i - prior N pos_i) / (1 - prior)
        pos_i = mean over the other views p of |z_i - z_p|^2,     S_i = sum over the N negatives of |z_i - z_j|^2

    Negatives are summed, not averaged: all together they push N / (1 - prior + prior N) times as hard as the positive
    pulls, N times at prior 0. And each pushes alike, near or far, as there is neither hinge nor temperature. So an
    encoder is rewarded for any attribute that tells most samples apart, however superficial: it amplifies the bias of
    the data. That is what it is for here, as the reference of `difficulty_weighted`; it is not meant to give good
    features. Nothing bounds it from below but the unit sphere.

    Shapes:
        z: `(V, B, D)`; returns `()`, or `(V·R,)` view-major with reduction "none".

    Arguments:
        prior: probability that a "negative" is of the anchor's own class (tau+), in [0, 1). 0.1: the authors' for ten
            classes.
        normalize, rows, reduction: as in `nt_xent`.

    Errors:
        ArgumentError: fewer than two views or two samples, prior not in [0, 1), NaN.

    All embeddings equal: 0. Distances to all come from the mean of the batch, sum_j |z_i - z_j|^2 = M |z_i - m|^2 +
    sum_j |z_j - m|^2 over all M rows, so time and memory are linear in the batch.

    The formula is that of the authors' code: of the variants they tried, the corrected sum of distances.

    Jang, Wang, "Difficulty-Based Sampling for Debiased Contrastive Representation Learning", CVPR 2023,
    https://par.nsf.gov/biblio/10433589
    """
    check_views(z)
    check_choice(reduction, REDUCTIONS, "reduction")
    check_prior(prior)
    views, batch, _ = z.shape
    if views < 2 or batch < 2:
        raise ArgumentError(
            f"A triplet is an anchor, another view of it and another sample: z must be at least (2, 2, D), got "
            f"{tuple(z.shape)}."
        )
    anchors = choose_anchors(views, batch, rows, z.device)
    x = prepare_rows(z, normalize)  # (V, B, D)
    x = x - x.mean(dim=(0, 1))  # distances stay, and sums of nearly equal rows do not cancel
    own_sum = (x.unsqueeze(0) - x.unsqueeze(1)).square().sum(dim=(1, 3))  # (V, V, B, D) -> (V, B) to one's own views
    square = x.square().sum(dim=2)  # (V, B)
    rows_in_all = views * batch
    all_sum = rows_in_all * square + square.sum() - 2 * (x @ x.sum(dim=(0, 1)))  # (V, B) to all rows
    positive = own_sum / (views - 1)  # (V, B)
    negatives = rows_in_all - views
    negative = (all_sum - own_sum - prior * negatives * positive) / (1 - prior)  # (V, B)
    each = anchors.take((positive - negative).flatten())  # (V·R,)
    return each if reduction == "none" else each.mean()
