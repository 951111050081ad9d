"""Rank-N-Contrast: whoever is farther in the target must be farther in the embedding."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int, Real
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.objectives.engine.anchors import choose_anchors
from contrapose.objectives.engine.inputs import REDUCTIONS, check_choice, check_temperature, check_views, prepare_rows
from contrapose.objectives.regression.gaps import check_targets, of_equal_embeddings
from contrapose.pairing.targets import near_enough
from contrapose.tracing import is_transformed


def rank_n_contrast(
    z: Float[Tensor, "V B D"],
    targets: Real[Tensor, " B"],
    *,
    temperature: float | Float[Tensor, ""] = 2.0,
    tolerance: float | None = None,
    normalize: bool = False,
    rows: Int[Tensor, " R"] | None = None,
    reduction: str = "mean",
) -> Float[Tensor, ""] | Float[Tensor, " anchors"]:
    """Each other row in turn is the positive, among those whose number is at least as far from the anchor's.

        l_i = (1 / (N - 1)) sum_{j != i} [ log sum_{k != i, |y_i - y_k| >= |y_i - y_j|} exp(s_ik) - s_ij ]
        s_ij = -|z_i - z_j| / temperature,   N = V·B

    Only the order of |y_i - y_j| counts: another unit or origin of the targets changes nothing, and neither does a
    rotation or shift of the embeddings. Their scale does: they are not brought to length 1.

    Shapes:
        z: `(V, B, D)`, targets: `(B,)`; returns `()`, or `(V·R,)` view-major with reduction "none".

    Arguments:
        targets: a number a sample, in any unit.
        temperature: a number, or a learned 0-d tensor. 2: the authors'.
        tolerance: two distances of targets that differ by no more are equal. None = a millionth of the targets' range:
            rounding. 0 compares them as they are.
        normalize: compare rows of length 1. False: as published.
        rows, reduction: as in `nt_xent`.

    Errors:
        ArgumentError: targets that are not one finite number a sample, a single row, temperature <= 0.

    The sums of an anchor are those of one list in the order of the distances, so that memory is a few R × N numbers.
    Two equal rows have no direction in which they part: their distance, which has no derivative, pulls neither.

    One sample with two views: 0. All embeddings equal: the mean over pairs of log #{k: |y_i - y_k| >= |y_i - y_j|},
    which is log(N - 1) where all targets are equal, too.

    Zha, Cao, Son, Yang, Katabi, "Rank-N-Contrast: Learning Continuous Representations for Regression", NeurIPS 2023,
    https://arxiv.org/abs/2210.01189
    """
    check_views(z)
    check_temperature(temperature)
    check_choice(reduction, REDUCTIONS, "reduction")
    views, batch, _ = z.shape
    count = views * batch
    if count < 2:
        raise ArgumentError("z holds a single row, which has no other to be compared with; give two views or samples.")
    y = check_targets(targets, batch).repeat(views)  # (N,)
    chosen = choose_anchors(views, batch, rows, z.device).own
    own = torch.arange(count, device=z.device) if chosen is None else chosen  # (V·R,)
    with torch.autocast(z.device.type, enabled=False):
        x = prepare_rows(z, normalize).flatten(0, 1)  # (N, D)
        itself = own.unsqueeze(1) == torch.arange(count, device=z.device)  # (R, N)
        # the anchor itself adds nothing, and comes before all others: no sum is of nothing
        gap = (y[own].unsqueeze(1) - y).abs().masked_fill(itself, -1.0)  # (R, N)
        similarity = (-_distances(x[own], x) / temperature).masked_fill(itself, -torch.inf)  # (R, N)
        gap, order = gap.sort(dim=1)  # (R, N) each, nearest in the target first
        similarity, itself = similarity.gather(1, order), itself.gather(1, order)
        from_here_on = similarity.flip(1).logcumsumexp(dim=1).flip(1)  # (R, N) log of the sum over all that follow
        first = torch.searchsorted(gap, gap - near_enough(y, tolerance))  # (R, N) of those as far as each
        losses = from_here_on.gather(1, first) - similarity  # (R, N)
        each = losses.masked_fill(itself, 0.0).sum(dim=1) / (count - 1)  # (R,)
    return each if reduction == "none" else each.mean()


rank_n_contrast_chance = of_equal_embeddings(rank_n_contrast)
"""`rank_n_contrast` of equal embeddings."""


def _distances(x: Tensor, y: Tensor) -> Tensor:
    """|x_i - y_j|, of differences and not of products, which would lose the digits of small ones; slope 0 at 0.

    Shapes:
        x: `(R, D)`, y: `(N, D)`; returns `(R, N)`.
    """
    if not is_transformed():
        return torch.cdist(x, y, compute_mode="donot_use_mm_for_euclid_dist")
    square = (x.unsqueeze(1) - y).square().sum(dim=2)  # (R, N, D) -> (R, N), of which torch has every derivative
    equal = square == 0
    return square.masked_fill(equal, 1.0).sqrt().masked_fill(equal, 0.0)
