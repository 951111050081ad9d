"""Negatives weighed by how near they are: the harder, the more they count, without a reference to ask."""

from __future__ import annotations

import math

from jaxtyping import Float, Int
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.objectives.engine.anchors import reduce_anchors
from contrapose.objectives.engine.inputs import REDUCTIONS, check_choice, check_temperature, check_views
from contrapose.objectives.engine.tiles import LogSum, Sums, row_reduce
from contrapose.objectives.hardness.debiasing import check_prior, debiased_losses
from contrapose.objectives.hardness.hard_contrastive import check_samples, everybody
from contrapose.pairing import Pairing


def hard_weighted(
    z: Float[Tensor, "V B D"],
    pairing: Pairing | None = None,
    *,
    temperature: float | Float[Tensor, ""] = 0.5,
    beta: float = 1.0,
    prior: float = 0.1,
    normalize: bool = True,
    rows: Int[Tensor, " R"] | None = None,
    reduction: str = "mean",
    tile_rows: int | None = None,
    tile_columns: int | None = None,
) -> Float[Tensor, ""] | Float[Tensor, " anchors"]:
    """Debiased contrastive loss whose negatives count in proportion to exp(beta s): HCL, hard negative sampling.

        s_ij = cos(z_i, z_j) / temperature,     p_i = exp(s_ip)
        R_i = sum over the N negatives of w_ij exp(s_ij),     w_ij = exp(beta s_ij) / mean over j of exp(beta s_ij)
        G_i = max( (R_i - prior N p_i) / (1 - prior),  N exp(-1 / temperature) ),     l_i = -log( p_i / (p_i + G_i) )

    The weights are those of importance sampling: R_i / N estimates the mean of exp(s) over negatives drawn in
    proportion to exp(beta s), where a plain mean draws all alike. They are part of what is differentiated. All is two
    log-sum-exps an anchor, of (1 + beta) s and of beta s, in tiles: no N × N matrix, forward or backward.

    At beta 0 this is the debiased contrastive loss of Chuang et al. 2020, and at prior 0 besides, with two views,
    `nt_xent`. As beta grows all negatives become as near as the nearest.

    Shapes:
        z: `(V, B, D)`; returns `()`, or `(V·R,)` view-major with reduction "none".

    Arguments:
        pairing: who is whose positive; None = `by_views(V, B)`. With several positives s_ip is their mean.
        temperature: a number, or a learned 0-d tensor. 0.5: the authors' code. beta multiplies s, and so is divided by
            it too.
        beta: how much more near negatives count, 0 (all alike) or more. 1: the authors' code.
        prior: probability that a "negative" is of the anchor's own class (tau+), in [0, 1). 0.1: the authors' code.
        normalize, rows, reduction, tile_rows, tile_columns: as in `nt_xent`. The maximum above is meant for unit rows.

    Errors:
        ArgumentError: beta below 0, prior not in [0, 1), temperature <= 0, one view or one sample without a pairing, an
            anchor that has a positive and no negative, NaN, not `(V, B, D)`.

    All embeddings equal: log(1 + N), whatever beta and prior.

    Robinson, Chuang, Sra, Jegelka, "Contrastive Learning with Hard Negative Samples", ICLR 2021,
    https://arxiv.org/abs/2010.04592
    Chuang et al., "Debiased Contrastive Learning", NeurIPS 2020, https://arxiv.org/abs/2007.00224
    """
    check_views(z, paired=pairing is not None)
    check_temperature(temperature)
    _check_beta(beta)
    check_prior(prior)
    check_choice(reduction, REDUCTIONS, "reduction")
    check_samples(z, pairing)
    x, pairing, anchors, _ = everybody(z, pairing, rows, normalize)
    up, down, attraction, weight, negatives = row_reduce(
        anchors.take(x),
        x,
        _weighted_by(beta),
        pairing,
        row_indices=anchors.own,
        scale=1 / temperature,
        tile_rows=tile_rows,
        tile_columns=tile_columns,
    )  # five times (R,)
    log_mass = up - down + negatives.log()  # (R,)
    losses, kept = debiased_losses(log_mass, attraction, weight, negatives, prior=prior, temperature=temperature)
    return reduce_anchors(losses, kept, anchors, pairing, empty="drop", reduction=reduction)


def _weighted_by(beta: float) -> Sums:
    """Log of the sums of exp((1 + beta) s) and exp(beta s); the positives; the number of negatives."""
    return Sums(
        log=(LogSum("negative", factor=1 + beta), LogSum("negative", factor=beta)),
        linear=("attraction", "weight", "negatives"),
    )


def _check_beta(beta: float) -> None:
    if not 0 <= beta < math.inf:
        raise ArgumentError(f"beta must be 0 or more and finite, got {beta}; 0 lets all negatives count alike.")
