"""AdaCon: a supervised contrast whose margin grows with how many targets lie between two samples."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int, Real
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.objectives.engine.anchors import choose_anchors
from contrapose.objectives.engine.inputs import REDUCTIONS, check_choice, check_temperature, check_views, prepare_rows
from contrapose.objectives.regression.gaps import Gaps, check_samples, check_targets, of_equal_embeddings
from contrapose.pairing.targets import near_enough


def adaptive_margin(
    z: Float[Tensor, "V B D"],
    targets: Real[Tensor, " B"],
    *,
    temperature: float | Float[Tensor, ""] = 0.5,
    margin: float = 1.0,
    tolerance: float | None = None,
    normalize: bool = True,
    rows: Int[Tensor, " R"] | None = None,
    reduction: str = "mean",
) -> Float[Tensor, ""] | Float[Tensor, " anchors"]:
    """SupCon of equal numbers; every other row competes as if it were nearer, the more, the more numbers lie between.

        l_i = log sum_{k != i} exp((v_i·v_k + margin |F(y_i) - F(y_k)|) / temperature) - (1/|P|) sum_{p in P} s_ip
        s_ip = v_i·v_p / temperature,   F(y) = (#{y_k < y} + #{y_k <= y}) / 2B over the batch,   rows of length 1

    P(i) are the rows of the anchor's number. As F counts samples, only the order of the targets matters, and where they
    are dense the margin grows faster than where they are rare.

    Shapes:
        z: `(V, B, D)`, targets: `(B,)`; returns `()`, or `(V·R,)` view-major with reduction "none".

    Arguments:
        temperature: a number, or a learned 0-d tensor. 0.5, as in `supremix`, beside which it stands.
        margin: the largest margin, as a cosine. [design] 1.
        tolerance: numbers that differ by no more are the same. None = a millionth of their range: rounding.
        normalize, rows, reduction: as in `nt_xent`.

    Errors:
        ArgumentError: targets that are not one finite number a sample, fewer than two views or samples, a negative
            margin, temperature <= 0.

    [design] The authors' paper was not at hand: that margins grow with the difference of the empirical distribution
    function is theirs, that they are linear, in the cosine, and of the batch is not known to be.

    With margin 0 it is `sup_con` of equal numbers; all embeddings and all targets equal: log(2B - 1).

    Dai, Li, Chiu, Kuo, Cheng, "Adaptive Contrast for Image Regression in Computer-Aided Disease Assessment", IEEE
    Transactions on Medical Imaging 2022, https://arxiv.org/abs/2112.11700
    """
    check_views(z)
    check_temperature(temperature)
    check_choice(reduction, REDUCTIONS, "reduction")
    if not 0 <= margin < float("inf"):
        raise ArgumentError(f"margin must be a finite number of 0 or above, as a cosine; got {margin}.")
    views, batch, _ = z.shape
    check_samples(views, batch)
    y = check_targets(targets, batch)  # (B,)
    chosen = choose_anchors(views, batch, rows, z.device).own
    own = torch.arange(views * batch, device=z.device) if chosen is None else chosen  # (V·R,)
    with torch.autocast(z.device.type, enabled=False):
        x = prepare_rows(z, normalize).flatten(0, 1)  # (N, D)
        gaps = Gaps.of(y.repeat(views), own, near_enough(y, tolerance), x.dtype)  # of (R, N)
        standing = _standing(y, x.dtype).repeat(views)  # (N,)
        apart = (standing[own].unsqueeze(1) - standing).abs()  # (R, N)
        similarity = (x[own] @ x.T) / temperature  # (R, N)
        rivals = similarity + apart.where(gaps.negative, 0.0) * (margin / temperature)  # (R, N)
        pull = similarity.where(gaps.positive, 0.0).sum(dim=1) / gaps.positive.sum(dim=1)  # (R,)
        each = rivals.masked_fill(gaps.itself, -torch.inf).logsumexp(dim=1) - pull  # (R,)
    return each if reduction == "none" else each.mean()


adaptive_margin_chance = of_equal_embeddings(adaptive_margin)
"""`adaptive_margin` of equal embeddings."""


def _standing(targets: Tensor, dtype: torch.dtype) -> Tensor:
    """F: the share of targets below each, those of its own number by half.  `(B,)` -> `(B,)`"""
    ordered = targets.sort().values  # (B,)
    below, up_to = (torch.searchsorted(ordered, targets, right=right) for right in (False, True))  # (B,) each
    return (below + up_to).to(dtype) / (2 * len(targets))
