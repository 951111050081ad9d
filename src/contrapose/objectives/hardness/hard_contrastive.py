"""The hard contrastive loss: only the hardest negatives stand in the denominator, whatever the temperature."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.objectives.engine.anchors import Anchors, choose_anchors, count_candidates, reduce_anchors
from contrapose.objectives.engine.inputs import (
    REDUCTIONS,
    as_candidates,
    check_choice,
    check_temperature,
    check_views,
    prepare_rows,
)
from contrapose.objectives.engine.softmax import check_pairing
from contrapose.objectives.hardness.hardest_negatives import (
    Block,
    check_negatives,
    check_selection,
    hardest_count,
    reduce_blocks,
)
from contrapose.objectives.softmax.nt_xent import nt_xent
from contrapose.pairing import Pairing, by_views


def hard_contrastive(
    z: Float[Tensor, "V B D"],
    pairing: Pairing | None = None,
    *,
    alpha: float = 0.1,
    temperature: float | Float[Tensor, ""] = 0.5,
    normalize: bool = True,
    rows: Int[Tensor, " R"] | None = None,
    reduction: str = "mean",
    block_size: int | None = None,
) -> Float[Tensor, ""] | Float[Tensor, " anchors"]:
    """NT-Xent over the hardest share of each anchor's negatives: the others do not push at all.

        l_i = -(1/|P(i)|) sum_{p in P(i)} log [ exp(s_ip) / ( sum_{q in P(i)} exp(s_iq) + sum_{k in A_i} exp(s_ik) ) ]
        s_ij = cos(z_i, z_j) / temperature
        A_i = the max(1, ceil(alpha N_i)) of anchor i's N_i negatives with the largest s_ik

    The choice of A_i is not differentiated; among equal similarities `topk` decides. Every row of every view is an
    anchor and has the negatives of `nt_xent`, which this is, to the last bit, at alpha 1. In `nt_xent` the temperature
    both selects and weighs the hard negatives; here alpha selects, so that a high temperature costs no uniformity.

    Memory is one block of whole rows, forward and backward; no N × N matrix is kept.

    Shapes:
        z: `(V, B, D)`; returns `()`, or `(V·R,)` view-major with reduction "none".

    Arguments:
        pairing: who is whose positive; None = `by_views(V, B)`. An anchor that a given pairing leaves without
            positives is not in the mean (0 with reduction "none").
        alpha: share of negatives that are kept, in (0, 1]. [design] 0.1, 26 of the 254 of a batch of 128; the paper
            keeps 4,095 of a memory of the whole data set (0.08 of CIFAR-10).
        temperature: a number, or a learned 0-d tensor. 0.5 as in `nt_xent`.
        normalize, rows, reduction: as in `nt_xent`.
        block_size: see `reduce_blocks`.

    Errors:
        ArgumentError: alpha not in (0, 1], temperature <= 0, block_size < 1, one view or one sample without a pairing,
            NaN, not `(V, B, D)`; below alpha 1, where there is something to choose, an anchor with a positive and no
            negative.

    All embeddings equal: log(positives + kept negatives). Never above `nt_xent`. With one negative kept and one
    positive: log(1 + exp((s_max - s_p) / temperature)).

    Wang, Liu, "Understanding the Behaviour of Contrastive Loss", CVPR 2021, https://arxiv.org/abs/2012.09740
    """
    check_views(z, paired=pairing is not None)
    check_selection(alpha, block_size)
    check_temperature(temperature)
    check_choice(reduction, REDUCTIONS, "reduction")
    check_samples(z, pairing)
    if alpha == 1:
        return nt_xent(z, pairing, temperature=temperature, normalize=normalize, rows=rows, reduction=reduction)
    x, pairing, anchors, numbers = everybody(z, pairing, rows, normalize)
    losses, kept = hard_losses(
        x[numbers],
        as_candidates(x, normalize),
        pairing,
        numbers,
        alpha=alpha,
        temperature=temperature,
        block_size=block_size,
    )  # (R,) each
    return reduce_anchors(losses, kept, anchors, pairing, empty="drop", reduction=reduction)


def hard_losses(
    x: Tensor,
    y: Tensor,
    pairing: Pairing,
    numbers: Tensor,
    *,
    alpha: float,
    temperature: float | Tensor,
    block_size: int | None,
) -> tuple[Tensor, Tensor]:
    """Each anchor's softmax over its positives and hardest negatives, 0 without a positive, and whether it has one.

    Shapes:
        x: `(R, D)` anchors, numbers: `(R,)` which of the pairing's they are, y: `(M, D)`; returns two `(R,)`.
    """
    log_denominator, attraction, weight, count = reduce_blocks(
        x,
        y,
        _softmax_terms,
        pairing,
        row_indices=numbers,
        alpha=alpha,
        scale=1 / temperature,
        block_size=block_size,
    )  # four times (R,)
    weight = weight.detach()
    kept = weight > 0
    check_negatives(count, kept)
    return torch.where(kept, log_denominator - attraction / weight.masked_fill(~kept, 1.0), 0.0), kept


def hard_chance(pairing: Pairing, *, alpha: float = 0.1) -> float:
    """`hard_contrastive` when all embeddings are equal: mean of log(positives + kept negatives)."""
    pulled, pushed = count_candidates(pairing, torch.arange(pairing.anchors))  # (N,) each
    terms = (pulled + hardest_count(pushed, alpha))[pulled > 0].double()
    return float(terms.log().mean()) if len(terms) else 0.0


def check_samples(z: Tensor, pairing: Pairing | None) -> None:
    """Without a pairing there are two views, for a positive, of two samples, for a negative."""
    views, batch = z.shape[:2]
    if pairing is None and (views < 2 or batch < 2):
        raise ArgumentError(
            f"z has {views} view(s) of {batch} sample(s); give two views of two samples at least, so that every row "
            "has a positive and a negative, or a pairing."
        )


def everybody(
    z: Tensor, pairing: Pairing | None, rows: Tensor | None, normalize: bool
) -> tuple[Tensor, Pairing, Anchors, Tensor]:
    """Rows `(N, D)`, who pairs with whom among them, whose anchors this call answers for, and their numbers `(R,)`."""
    views, batch, _ = z.shape
    pairing = (pairing or by_views(views, batch)).to(z.device)
    check_pairing(pairing, views * batch, views * batch)
    anchors = choose_anchors(views, batch, rows, z.device)
    numbers = torch.arange(views * batch, device=z.device) if anchors.own is None else anchors.own
    return prepare_rows(z, normalize).flatten(0, 1), pairing, anchors, numbers


def _softmax_terms(block: Block) -> tuple[Tensor, ...]:
    """Log of the denominator; weighted sum of the positives' similarities; sum of their weights; negatives kept."""
    tile, similarity = block.tile, block.similarity
    positives = similarity.masked_fill(~(tile.positive & tile.valid), -math.inf)  # (r, M)
    denominator = torch.logaddexp(positives.logsumexp(dim=1), block.hardest.logsumexp(dim=1))  # (r,)
    return denominator, (tile.weight * similarity).sum(dim=1), tile.weight.sum(dim=1), block.kept
