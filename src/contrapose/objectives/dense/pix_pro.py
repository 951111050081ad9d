"""PixPro: cells that show the same place agree, and nothing is pushed away."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from contrapose.objectives.dense.cells import Maps, compared

_BESIDE_ZERO = 1e-6  # of the reference: pictures whose crops do not meet give 0 and not 0 / 0


def pix_pro(
    queries: Maps,
    keys: Maps,
    boxes: Float[Tensor, "2 B 4"],
    *,
    threshold: float = 0.7,
    reduction: str = "mean",
) -> Float[Tensor, ""] | Float[Tensor, " B"]:
    """Minus the mean cosine of all pairs of cells that show the same place, twice for each of the two directions.

        R(y, x') = sum_ij A_ij cos(y_i, x'_j) / (sum_ij A_ij + 1e-6),     l_b = -2 R(y_1, x'_2) - 2 R(y_2, x'_1)

    with A of `cell_matches`. The factor 2 is the reference's; the paper has each direction once, with the same
    minimiser. A picture whose crops do not meet gives 0 and no gradient, and counts in the mean over pictures.

    Shapes:
        queries: maps y of the two crops of B pictures, propagated or not; keys: maps x' of the same crops by the slow
            copy; both `(2, B, D, H, W)`. boxes: `(2, B, 4)`, see `Batch.boxes`.
        returns: `()`, or `(B,)` with reduction "none".

    Arguments:
        threshold: T of `cell_matches`. 0.7: the paper's.

    Errors:
        ArgumentError: maps that are not of two crops of one size, NaN, boxes of another shape or without area, T that
            is not above 0.

    Closed form: keys equal to queries and equal square crops give -4 (T = 0.7), the minimum; the maximum is 4.

    Xie, Lin, Zhang, Cao, Lin, Hu, "Propagate Yourself", CVPR 2021, https://arxiv.org/abs/2011.10043
    """
    cosines, matches = compared(queries, keys, boxes, threshold=threshold, reduction=reduction)  # (2, B, M, M)
    agreeing = (cosines * matches).sum(dim=(2, 3)) / (matches.sum(dim=(2, 3)) + _BESIDE_ZERO)  # (2, B)
    losses = -2 * agreeing.sum(dim=0)  # (B,)
    return losses.mean() if reduction == "mean" else losses
