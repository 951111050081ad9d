"""PixContrast: the cells of the other crop that show another place are the negatives."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from contrapose.objectives.dense.cells import Maps, compared
from contrapose.objectives.engine.inputs import check_temperature


def pix_contrast(
    queries: Maps,
    keys: Maps,
    boxes: Float[Tensor, "2 B 4"],
    *,
    temperature: float = 0.3,
    threshold: float = 0.7,
    reduction: str = "mean",
) -> Float[Tensor, ""] | Float[Tensor, " B"]:
    """InfoNCE of cells: those of the other crop that show the same place against all cells of it.

        l_i = -log [ sum_{j: A_ij = 1} exp(cos(x_i, x'_j) / t) / sum_j exp(cos(x_i, x'_j) / t) ]

    The mean goes over the cells i that have a positive, then over both directions, then over pictures; one whose crops
    do not meet gives 0, as in `pix_pro`. All negatives are of the same picture. Sums are taken in log space.

    Shapes:
        queries: maps x of the two crops of B pictures; keys: maps x' of the same crops by the slow copy; both
            `(2, B, D, H, W)`. boxes: `(2, B, 4)`, see `Batch.boxes`.
        returns: `()`, or `(B,)` with reduction "none".

    Arguments:
        temperature: t. 0.3: recalled from the paper and not verified.
        threshold: T of `cell_matches`. 0.7: the paper's.

    Errors:
        ArgumentError: as of `pix_pro`, and a temperature that is not above 0.

    Closed form: cosines that are all equal give l_i = log(H·W / #positives of i).

    Xie, Lin, Zhang, Cao, Lin, Hu, "Propagate Yourself", CVPR 2021, https://arxiv.org/abs/2011.10043
    """
    check_temperature(temperature)
    cosines, matches = compared(queries, keys, boxes, threshold=threshold, reduction=reduction)  # (2, B, M, M)
    logits = cosines / temperature
    anchors = matches.any(dim=3)  # (2, B, M)
    # A cell without a positive counts all as one: its term is then 0, and so is its gradient, in place of inf - inf
    positives = logits.masked_fill(~(matches | ~anchors[..., None]), -torch.inf)
    each = logits.logsumexp(dim=3) - positives.logsumexp(dim=3)  # (2, B, M)
    losses = ((each * anchors).sum(dim=2) / anchors.sum(dim=2).clamp(min=1)).mean(dim=0)  # (2, B) -> (B,)
    return losses.mean() if reduction == "mean" else losses
