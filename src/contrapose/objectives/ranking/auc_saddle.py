"""The square surrogate of the area under the ROC curve, as a saddle point in three numbers."""

from __future__ import annotations

from jaxtyping import Float, Int
from torch import Tensor

from contrapose.objectives.engine.anchors import Anchors
from contrapose.objectives.ranking.auc_cl import Scalar, check_scalars, prepare_pairs, reduce_pairs
from contrapose.objectives.ranking.pair_scores import Moments, score_moments
from contrapose.pairing import Pairing


def auc_saddle(
    z: Float[Tensor, "V B D"],
    pairing: Pairing | None = None,
    *,
    a: Scalar | None = None,
    b: Scalar | None = None,
    alpha: Scalar | None = None,
    margin: float = 1.0,
    normalize: bool = True,
    rows: Int[Tensor, " R"] | None = None,
    reduction: str = "mean",
    tile_rows: int | None = None,
    tile_columns: int | None = None,
) -> Float[Tensor, ""] | Float[Tensor, " anchors"]:
    """Every positive's score above every negative's by a margin, in squares: the theory behind `auc_cl`.

        s_ij = (cos(z_i, z_j) + 1) / 2
        min over z, a, b, max over alpha of
            mean over positives of (s - a)² + mean over negatives of (s - b)²
            + 2 alpha (margin + mean over negatives of s - mean over positives of s) - alpha²

    For given z the solution is a = E s+, b = E s-, alpha = margin + b - a, and there the loss is

        E (margin - s+ + s-)²  over all combinations of a positive and a negative pair
            = Var s+ + Var s- + (margin - E s+ + E s-)²

    A sum over pairs when a, b and alpha are given (learned): the gradient of a sub-batch is then unbiased. The
    authors' code has no such maximisation; this form is for those who want the one that theory speaks of.

    Shapes:
        z: `(V, B, D)`; returns `()`, or `(V·R,)` view-major with reduction "none".

    Arguments:
        a, b, alpha: numbers or learned 0-d tensors (`AUCContrastive` lets alpha ascend). None = the solution
            over the batch, held constant: its derivative vanishes anyway.
        margin: in [0, 1]. 1: as far as scores can be apart.
        pairing, normalize, rows, reduction, tile_rows, tile_columns: as in `nt_xent`.

    Errors:
        ArgumentError: as `auc_cl`.

    All embeddings equal, nothing given: margin².

    Ying, Wen, Lyu, "Stochastic Online AUC Maximization", NeurIPS 2016,
    https://papers.nips.cc/paper/6065-stochastic-online-auc-maximization; Sharma et al., ICLR 2024,
    https://openreview.net/forum?id=YgMdDQB09U
    """
    flat, pairing, anchors = prepare_pairs(z, pairing, margin, normalize, rows, reduction)
    check_scalars(a=a, b=b, alpha=alpha)

    def moments_of(some: Tensor, chosen: Anchors) -> Moments:
        return score_moments(some, pairing, chosen, margin=0.0, tile_rows=tile_rows, tile_columns=tile_columns)

    own = moments_of(flat, anchors)
    if a is None or b is None or alpha is None:
        everyone = own if anchors.own is None else moments_of(flat.detach(), Anchors(own=anchors.everyone))
        positive, negative = everyone.mean_positive().detach(), everyone.mean_negative().detach()
        a, b = positive if a is None else a, negative if b is None else b
        alpha = margin + negative - positive if alpha is None else alpha
    losses = own.attraction(a, alpha) + own.repulsion(b, alpha) + 2 * alpha * margin - alpha**2  # (R,)
    return reduce_pairs(losses, own, anchors, pairing, reduction)


def saddle_chance(pairing: Pairing) -> float:
    """1: with equal embeddings every score is 1, nothing varies, and the margin (1 by default) is missed in full."""
    return 1.0
