"""The contrastive regulariser: no pair may be told apart by much, so that learned views stay worth comparing."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor

from contrapose.objectives.engine.anchors import reduce_anchors
from contrapose.objectives.engine.inputs import (
    REDUCTIONS,
    as_candidates,
    check_choice,
    check_temperature,
    check_views,
)
from contrapose.objectives.hardness.hard_contrastive import everybody
from contrapose.objectives.hardness.hardest_negatives import ACCELERATOR_BLOCK, CPU_BLOCK, Block, reduce_blocks
from contrapose.pairing import Pairing
from contrapose.tracing import is_transformed

_HARDEST_ALONE = 0.0  # a share of negatives that keeps one of each anchor


def contrastive_regulariser(
    z: Float[Tensor, "V B D"],
    pairing: Pairing | None = None,
    *,
    temperature: float | Float[Tensor, ""] = 1.0,
    normalize: bool = False,
    rows: Int[Tensor, " R"] | None = None,
    reduction: str = "mean",
    block_size: int | None = None,
) -> Float[Tensor, ""] | Float[Tensor, " anchors"]:
    """How far positives stand above, and negatives below, the border between the least positive and the hardest
    negative of each anchor.

        a_i = min over positives p of s_ip,   b_i = max over negatives k of s_ik,   s_ij = z_i·z_j / temperature
        l_i = mean over p of [s_ip - min(a_i, b_i)]  +  mean over k of [max(a_i, b_i) - s_ik]
            = mean over p of s_ip - mean over k of s_ik + |a_i - b_i|

    Neither bracket is ever below 0, so that nothing is cut off in the second form, which is computed. It works against
    a contrastive loss: positives are pulled down to the hardest negative and negatives up to the border, by the same
    weights whatever they score. MCLRec holds by it the networks that make views, which could otherwise make pairs that
    are trivially told apart. Gradients flow through the minimum and the maximum, as in the authors' code; the paper's
    equation can also be read as one minimum and one maximum of the whole batch.

    Memory is one block of whole rows, forward and backward; no N × N matrix is kept. With two views as the pairing only
    b_i takes all similarities, and its row is found without a graph: the rest are sums of rows.

    Shapes:
        z: `(V, B, D)`; returns `()`, or `(V·R,)` view-major with reduction "none".

    Arguments:
        pairing: who is whose positive; None = `by_views(V, B)`. An anchor that a given pairing leaves without
            positives is not in the mean; one without negatives counts as 0.
        temperature: a number, or a learned 0-d tensor. 1: the authors'.
        normalize: scale rows to length 1 first. Off, the authors': inner products.
        rows, reduction: as in `nt_xent`.
        block_size: see `reduce_blocks`.

    Errors:
        ArgumentError: temperature <= 0, NaN, not `(V, B, D)`, a pairing of another size, rows out of range.

    All similarities equal, or every positive below all negatives and these equal: 0. Positives p and negatives s < p
    throughout: 2 (p - s). One sample: 0.

    Qin et al., "Meta-optimized Contrastive Learning for Sequential Recommendation", SIGIR 2023,
    https://arxiv.org/abs/2304.07763
    """
    check_views(z, paired=pairing is not None)
    check_temperature(temperature)
    check_choice(reduction, REDUCTIONS, "reduction")
    alone = len(z) == 2 and z.shape[1] > 1 and _by_views(pairing, z.shape[1]) and not is_transformed()
    x, pairing, anchors, numbers = everybody(z, pairing, rows, normalize)
    if alone:
        each = _of_two_views(as_candidates(x, normalize), x[numbers], numbers, block_size) / temperature  # (R,)
        return each.mean() if reduction == "mean" else each
    losses, positives = reduce_blocks(
        x[numbers],
        as_candidates(x, normalize),  # a constant on all similarities of an anchor leaves its term as it is
        _terms,
        pairing,
        row_indices=numbers,
        alpha=_HARDEST_ALONE,
        scale=1 / temperature,
        block_size=block_size,
    )  # (R,) each
    return reduce_anchors(losses, positives.detach() > 0, anchors, pairing, empty="drop", reduction=reduction)


def _by_views(pairing: Pairing | None, batch: int) -> bool:
    """Whether the other views of a sample are its positives, and all other samples negatives."""
    plain = None if pairing is None else pairing.plain()
    if plain is None:
        return pairing is None
    return plain.same_rows and plain.in_batch_negatives and plain.period == batch and plain.queue == 0


def _of_two_views(y: Tensor, x: Tensor, numbers: Tensor, block_size: int | None) -> Tensor:
    """Each anchor's term with its other view as its positive and all other samples as negatives, at temperature 1.

    Shapes:
        y: `(2·B, D)`; x: `(R, D)`, the rows `numbers` `(R,)` of them; returns `(R,)`.
    """
    batch = len(y) // 2
    partner = (numbers + batch) % len(y)  # (R,)
    step = max(1, (block_size or (CPU_BLOCK if x.device.type == "cpu" else ACCELERATOR_BLOCK)) // len(y))
    with torch.no_grad(), torch.autocast(x.device.type, enabled=False):
        found = []
        for block in torch.arange(len(x), device=x.device).split(step):
            similarity = x[block] @ y.T  # (r, 2·B)
            similarity.scatter_(1, torch.stack([numbers[block], partner[block]], dim=1), -torch.inf)
            found.append(similarity.argmax(dim=1))  # (r,)
        hardest = torch.cat(found)  # (R,)
    positive, negative = (x * y[partner]).sum(dim=1), (x * y[hardest]).sum(dim=1)  # (R,) each
    others = y.sum(dim=0) - y[numbers] - y[partner]  # (R, D)
    return positive - (x * others).sum(dim=1) / (len(y) - 2) + (positive - negative).abs()


def _terms(block: Block) -> tuple[Tensor, ...]:
    """Each anchor's term, 0 where it has no positive or no negative, and its number of positives: `(r,)` each."""
    similarity, kept = block.similarity, block.tile.positive & block.tile.valid  # (r, M) each
    others = block.tile.negative  # (r, M)
    positives, negatives = kept.sum(dim=1), others.sum(dim=1)  # (r,) each
    some = (positives > 0) & (negatives > 0)  # (r,)
    if block.hardest.shape[1] == 0:  # nobody has a negative
        return similarity.sum(dim=1) * 0.0, positives.to(similarity.dtype)
    least = similarity.masked_fill(~kept, torch.inf).amin(dim=1)  # (r,)
    above = (similarity * kept).sum(dim=1) / positives.clamp(min=1)  # (r,)
    below = (similarity * others).sum(dim=1) / negatives.clamp(min=1)  # (r,)
    gap = torch.where(some, least - block.hardest[:, 0], 0.0).abs()  # (r,)
    return torch.where(some, above - below + gap, 0.0), positives.to(similarity.dtype)
