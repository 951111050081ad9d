"""The simple contrastive loss, in which all negatives push alike, and the one in which all of the hardest do."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.objectives.engine.anchors import count_candidates, reduce_anchors
from contrapose.objectives.engine.inputs import REDUCTIONS, check_choice, check_views
from contrapose.objectives.engine.tiles import Terms, row_reduce
from contrapose.objectives.hardness.hard_contrastive import check_samples, everybody
from contrapose.objectives.hardness.hardest_negatives import (
    Block,
    check_negatives,
    check_selection,
    hardest_count,
    reduce_blocks,
)
from contrapose.pairing import Pairing, Tile


def simple_contrastive(
    z: Float[Tensor, "V B D"],
    pairing: Pairing | None = None,
    *,
    repulsion: float | None = None,
    normalize: bool = True,
    rows: Int[Tensor, " R"] | None = None,
    reduction: str = "mean",
    tile_rows: int | None = None,
    tile_columns: int | None = None,
) -> Float[Tensor, ""] | Float[Tensor, " anchors"]:
    """Positives attract and every negative repels with the same force, however near it is.

        l_i = -(1/|P(i)|) sum_{p in P(i)} cos(z_i, z_p) + repulsion · sum_k cos(z_i, z_k)

    over all negatives k of `nt_xent`. This is what a softmax tends to at an infinite temperature, up to its scale: a
    baseline that shows what hardness is worth. Its gradient with respect to each negative's cosine is the constant
    `repulsion`. Runs in tiles: no N × N matrix, forward or backward.

    Shapes:
        z: `(V, B, D)`; returns `()`, or `(V·R,)` view-major with reduction "none".

    Arguments:
        pairing: as in `hard_contrastive`.
        repulsion: the push of one negative, above 0. None: one over the number of the anchor's negatives, so that
            together they push as hard as the positives pull.
        normalize, rows, reduction, tile_rows, tile_columns: as in `nt_xent`.

    Errors:
        ArgumentError: repulsion <= 0, one view or one sample without a pairing, an anchor with a positive and no
            negative, NaN, not `(V, B, D)`.

    All embeddings equal: repulsion · negatives - 1, by default 0.

    Wang, Liu, "Understanding the Behaviour of Contrastive Loss", CVPR 2021, https://arxiv.org/abs/2012.09740
    """
    _check(z, pairing, repulsion, reduction)
    x, pairing, anchors, numbers = everybody(z, pairing, rows, normalize)
    attraction, weight, push, count = row_reduce(
        x[numbers],
        x,
        _linear_terms,
        pairing,
        row_indices=numbers,
        tile_rows=tile_rows,
        tile_columns=tile_columns,
    )  # four times (R,)
    losses, kept = _losses(attraction, weight, push, count, repulsion)
    return reduce_anchors(losses, kept, anchors, pairing, empty="drop", reduction=reduction)


def hard_simple_contrastive(
    z: Float[Tensor, "V B D"],
    pairing: Pairing | None = None,
    *,
    alpha: float = 0.1,
    repulsion: float | None = None,
    normalize: bool = True,
    rows: Int[Tensor, " R"] | None = None,
    reduction: str = "mean",
    block_size: int | None = None,
) -> Float[Tensor, ""] | Float[Tensor, " anchors"]:
    """`simple_contrastive` over the hardest share of each anchor's negatives: alike among them, nothing outside.

        l_i = -(1/|P(i)|) sum_{p in P(i)} cos(z_i, z_p) + repulsion · sum_{k in A_i} cos(z_i, z_k)

    with A_i as in `hard_contrastive`. At alpha 1 it is `simple_contrastive`. Memory is one block of whole rows.

    Shapes:
        z: `(V, B, D)`; returns `()`, or `(V·R,)` view-major with reduction "none".

    Arguments:
        alpha, pairing, block_size: as in `hard_contrastive`.
        repulsion: the push of one kept negative, above 0. None: one over their number.
        normalize, rows, reduction: as in `nt_xent`.

    Errors:
        ArgumentError: alpha not in (0, 1], block_size < 1, and what `simple_contrastive` refuses.

    All embeddings equal: repulsion · kept negatives - 1, by default 0.

    Wang, Liu, "Understanding the Behaviour of Contrastive Loss", CVPR 2021, https://arxiv.org/abs/2012.09740
    """
    _check(z, pairing, repulsion, reduction)
    check_selection(alpha, block_size)
    if alpha == 1:
        return simple_contrastive(z, pairing, repulsion=repulsion, normalize=normalize, rows=rows, reduction=reduction)
    x, pairing, anchors, numbers = everybody(z, pairing, rows, normalize)
    losses, kept = hard_simple_losses(
        x[numbers], x, pairing, numbers, alpha=alpha, repulsion=repulsion, block_size=block_size
    )  # (R,) each
    return reduce_anchors(losses, kept, anchors, pairing, empty="drop", reduction=reduction)


def hard_simple_losses(
    x: Tensor,
    y: Tensor,
    pairing: Pairing,
    numbers: Tensor,
    *,
    alpha: float,
    repulsion: float | None,
    block_size: int | None,
) -> tuple[Tensor, Tensor]:
    """As `hard_losses`, with one push for all of the hardest."""
    attraction, weight, push, count = reduce_blocks(
        x, y, _hard_linear_terms, pairing, row_indices=numbers, alpha=alpha, block_size=block_size
    )  # four times (R,)
    return _losses(attraction, weight, push, count, repulsion)


def simple_chance(pairing: Pairing, *, alpha: float = 1.0, repulsion: float | None = None) -> float:
    """Both losses when all embeddings are equal: mean of repulsion · negatives - 1."""
    pulled, pushed = count_candidates(pairing, torch.arange(pairing.anchors))  # (N,) each
    count = hardest_count(pushed, alpha)[pulled > 0].double()
    return 0.0 if repulsion is None or len(count) == 0 else float(repulsion * count.mean() - 1)


def check_repulsion(repulsion: float | None) -> None:
    """None, or a number above 0."""
    if repulsion is not None and not repulsion > 0:
        raise ArgumentError(f"repulsion must be above 0, got {repulsion}; None balances pull and push.")


def _check(z: Tensor, pairing: Pairing | None, repulsion: float | None, reduction: str) -> None:
    check_views(z, paired=pairing is not None)
    check_repulsion(repulsion)
    check_choice(reduction, REDUCTIONS, "reduction")
    check_samples(z, pairing)


def _linear_terms(similarity: Tensor, tile: Tile) -> Terms:
    """Weighted sum of the positives' cosines; sum of their weights; sum of the negatives' cosines; their number."""
    negative = tile.negative.to(similarity.dtype)  # (r, c)
    return Terms(linear=[tile.weight * similarity, tile.weight, negative * similarity, negative])


def _hard_linear_terms(block: Block) -> tuple[Tensor, ...]:
    """The same with the hardest negatives alone."""
    weight = block.tile.weight
    push = block.hardest.masked_fill(block.hardest.isinf(), 0.0).sum(dim=1)  # (r, k) -> (r,)
    return (weight * block.similarity).sum(dim=1), weight.sum(dim=1), push, block.kept


def _losses(
    attraction: Tensor, weight: Tensor, push: Tensor, count: Tensor, repulsion: float | None
) -> tuple[Tensor, Tensor]:
    """Each anchor's loss, 0 without a positive, and whether it has one: `(R,)` each."""
    weight, count = weight.detach(), count.detach()
    kept = weight > 0
    check_negatives(count, kept)
    force = 1 / count.clamp(min=1).to(push.dtype) if repulsion is None else repulsion
    ratio = force * push - attraction / weight.masked_fill(~kept, 1.0)
    return torch.where(kept, ratio, 0.0), kept
