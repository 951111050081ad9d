"""Negatives weighed by how much harder they are for this encoder than for a reference that knows only the bias."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.objectives.engine.anchors import choose_anchors, count_candidates, reduce_anchors
from contrapose.objectives.engine.inputs import (
    REDUCTIONS,
    check_choice,
    check_embeddings,
    check_temperature,
    check_views,
    prepare_rows,
)
from contrapose.objectives.engine.softmax import check_pairing
from contrapose.objectives.engine.tiles import Terms, row_reduce
from contrapose.objectives.hardness.comparison import ComparedTile, compare, relative_difficulty
from contrapose.objectives.hardness.debiasing import check_prior, debiased_losses
from contrapose.pairing import Pairing, Tile, by_views


def difficulty_weighted(
    z: Float[Tensor, "V B D"],
    reference: Float[Tensor, "V B D2"] | None = None,
    pairing: Pairing | None = None,
    *,
    temperature: float | Float[Tensor, ""] = 0.5,
    prior: float = 0.1,
    renormalise: bool = False,
    normalize: bool = True,
    rows: Int[Tensor, " R"] | None = None,
    reduction: str = "mean",
    tile_rows: int | None = None,
    tile_columns: int | None = None,
) -> Float[Tensor, ""] | Float[Tensor, " anchors"]:
    """Debiased contrastive loss whose negatives count more where they are hard for `z` but easy for a reference.

        s_ij = cos(z_i, z_j) / temperature,     e_ij = exp(s_ij) / sqrt(sum over negatives j of exp(s_ij)^2)
        w_ij = 1 + e_ij / (e_ij + e'_ij + 1e-6)      e' the same of the reference; constants of the gradient
        R_i = sum over the N negatives of w_ij exp(s_ij),     p_i = exp(s_ip)
        G_i = max( (R_i - prior N p_i) / (1 - prior),  N exp(-1 / temperature) ),     l_i = -log( p_i / (p_i + G_i) )

    A negative of equal difficulty for both has weight 1.5; one that only the reference finds near, about 1; one that is
    near although the reference tells it apart, up to 2. Where the maximum takes its second
    argument, negatives get no gradient. All is computed in the logarithm, and in tiles: no N × N matrix, forward or
    backward.

    Without a reference all weights are 1: the debiased contrastive loss of Chuang et al. 2020, which at prior 0 is
    `nt_xent` of two views.

    Shapes:
        z: `(V, B, D)`, reference: `(V, B, D2)`; returns `()`, or `(V·R,)` view-major with reduction "none".

    Arguments:
        reference: embeddings of the same views by the reference, of any dimension; gets no gradient.
        pairing: who is whose positive; None = `by_views(V, B)`. With several positives s_ip is their mean.
        temperature: of both encoders. 0.5: the authors' code.
        prior: probability that a "negative" is of the anchor's own class (tau+), in [0, 1). The authors: 0.1 (CIFAR-10,
            CUB, STL-10), 0.05 (CIFAR-100), 0.3 or 0.1 (CelebA), 0.01 (100 classes of ImageNet).
        renormalise: divide each anchor's weights by their mean. As published, false, the weights (about 1.5) make the
            negatives count N times 1.5 while the correction still takes off N times `prior`.
        normalize, rows, reduction, tile_rows, tile_columns: as in `nt_xent`. The maximum above is meant for unit rows.

    Errors:
        ArgumentError: a reference of other views or samples, prior not in [0, 1), temperature <= 0, one view without a
            pairing, an anchor that has a positive and no negative (one sample), NaN.

    All embeddings equal: log(1 + N), with a reference that is equal too `difficulty_chance`.

    The equations are those of the authors' code; the weights go by each anchor's root of the sum of squares, not by its
    sum.

    Jang, Wang, "Difficulty-Based Sampling for Debiased Contrastive Representation Learning", CVPR 2023,
    https://par.nsf.gov/biblio/10433589
    Chuang et al., "Debiased Contrastive Learning", NeurIPS 2020, https://arxiv.org/abs/2007.00224
    """
    check_views(z, paired=pairing is not None)
    check_temperature(temperature)
    check_prior(prior)
    check_choice(reduction, REDUCTIONS, "reduction")
    views, batch, _ = z.shape
    if pairing is None and views < 2:
        raise ArgumentError(f"z has {views} view, so no row has a positive; give two views or a pairing.")
    if reference is not None:
        check_reference(reference, z)
    pairing = (pairing or by_views(views, batch)).to(z.device)
    check_pairing(pairing, views * batch, views * batch)
    anchors = choose_anchors(views, batch, rows, z.device)
    x = prepare_rows(z, normalize).flatten(0, 1)  # (N, D)
    numbers = torch.arange(len(x), device=x.device) if anchors.own is None else anchors.own  # (R,)
    tiles = {"tile_rows": tile_rows, "tile_columns": tile_columns}
    candidates = pairing
    if reference is not None:
        y = prepare_rows(reference.detach(), normalize).flatten(0, 1)  # (N, D2)
        candidates = compare(x.detach(), y, pairing, numbers, scale=_constant_scale(temperature), **tiles)
    log_mass, attraction, weight, negatives, total = row_reduce(
        x[numbers], x, weighted_terms, candidates, row_indices=numbers, scale=1 / temperature, **tiles
    )  # five times (R,)
    if renormalise:
        log_mass = log_mass - (total / negatives).log()
    losses, kept = debiased_losses(log_mass, attraction, weight, negatives, prior=prior, temperature=temperature)
    return reduce_anchors(losses, kept, anchors, pairing, empty="drop", reduction=reduction)


def difficulty_chance(pairing: Pairing, *, prior: float = 0.1, renormalise: bool = False) -> float:
    """`difficulty_weighted` when all embeddings are equal, those of the reference too: mean of log(1 + G/p)."""
    positives, negatives = count_candidates(pairing, torch.arange(pairing.anchors))  # (N,) each
    count = negatives[positives > 0].double()
    equal = count.rsqrt().log()  # each negative's difficulty is 1 / sqrt(N)
    weight = torch.ones_like(count) if renormalise else relative_difficulty(equal, equal)
    return float((count * (weight - prior) / (1 - prior)).log1p().mean())


def weighted_terms(similarity: Tensor, tile: Tile) -> Terms:
    """Log of R; the positives' similarities and weights; the number of negatives and the sum of their weights."""
    weight = torch.ones_like(similarity)
    if isinstance(tile, ComparedTile):
        weight = relative_difficulty(similarity.detach() - tile.own_norm, tile.reference)  # (r, c)
    weighted = (similarity + weight.log()).masked_fill(~tile.negative, -math.inf)  # (r, c)
    count = tile.negative.to(similarity.dtype)
    return Terms(log=[weighted], linear=[tile.weight * similarity, tile.weight, count, weight.where(tile.negative, 0)])


def _constant_scale(temperature: float | Tensor) -> float | Tensor:
    """1 / temperature for what is constant of the gradient; a learned one learns nothing from it."""
    return 1 / (temperature.detach() if isinstance(temperature, Tensor) else temperature)


def check_reference(reference: Tensor, z: Tensor) -> None:
    """Embeddings of the same views and samples."""
    check_embeddings(reference, "reference", "V B D2")
    if reference.shape[:2] != z.shape[:2]:
        raise ArgumentError(
            f"reference is {tuple(reference.shape)} and z {tuple(z.shape)}; both encoders must embed the same views of "
            "the same samples."
        )
