"""Contrast between samples of any two classes, in the dimensions that the gate of the two leaves open."""

from __future__ import annotations

import math
from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.objectives.engine.anchors import choose_anchors, count_candidates
from contrapose.objectives.engine.inputs import (
    check_choice,
    check_embeddings,
    check_finite,
    check_temperature,
    check_views,
    prepare_rows,
    unit_rows,
)
from contrapose.objectives.engine.softmax import check_pairing
from contrapose.pairing import Pairing
from contrapose.tracing import is_readable

AVERAGES = ("positives", "anchors")


def gated_contrast(
    z: Float[Tensor, "V B D"],
    gates: Float[Tensor, "B D"],
    pairing: Pairing,
    *,
    temperature: float | Float[Tensor, ""] = 0.1,
    rescale: bool = False,
    ungated_weight: float = 0.0,
    average: Literal["positives", "anchors"] = "positives",
    rows: Int[Tensor, " R"] | None = None,
) -> Float[Tensor, ""]:
    """Each positive of an anchor against the anchor's negatives, compared through the anchor's gate.

        u = z of length 1,  anchors i are rows of the first view, candidates j rows of the last
        s_ij = <g_i u_i, g_i u_j> / t,              with rescale: cos(g_i z_i, g_i z_j) / t
        l_ij = log( exp(s_ij) + sum_{n in N(i)} exp(s_in) ) - s_ij        for j in P(i)

    A positive competes with the negatives alone, never with another positive. Without `rescale` nothing is brought to
    length 1 after gating, so a gate that closes shrinks its anchor's similarities: opening costs nothing where two
    classes are alike, and closing is how a gate says that they are not. Made for gates in (0, 1) and the pairing of
    `by_partners`; any gates and any pairing of B anchors and B candidates will do.

    The norms of `rescale`, |g_i z_j|, are those of the products g_i² · z_j², so that B × B numbers are kept several
    times and never B × B × D.

    Shapes:
        z: `(2, B, D)`, or `(1, B, D)` where one view is both (`by_partners(..., same_rows=True)`: else each anchor
            meets itself); gates: `(B, D)`, one of each anchor; returns `()`.

    Arguments:
        temperature: t, a number, or a learned 0-d tensor. 0.1: the authors'.
        rescale: compare cosines of gated rows, as earlier versions of the authors' code do; the scale of a gate then
            says nothing.
        ungated_weight: share of the plain cosine / t that is taken off s_ij. 0, the authors' default.
        average: over all pairs of an anchor and its positive ("positives", one of the authors' two codes), or first
            within each anchor and then over all anchors, those without a positive counting as 0 ("anchors", the other).
        rows: the samples (0 to B-1) whose anchors this call answers for; its average over ranks that share the samples
            equally is the loss of one process. None = all.

    Errors:
        ArgumentError: shapes that do not fit, NaN, temperature <= 0, another average, rows out of range, a pairing of
            another size or in which no anchor has a positive.

    All rows equal: the mean of log(1 + #N(i)). An anchor with positives and no negative, as all have in a batch of two
    classes: 0.

    Wu, Atito, Feng, Mo, Kittler, Awais, "Rethinking Positive Pairs in Contrastive Learning", 2024,
    https://arxiv.org/abs/2410.18200. The text leaves open what their code decides, and its versions differ: both are
    here.
    """
    check_views(z, paired=True)
    check_embeddings(gates, "gates", "B D")
    check_temperature(temperature)
    check_finite(ungated_weight, "ungated_weight")
    check_choice(average, AVERAGES, "average")
    views, batch, _ = z.shape
    if views > 2 or gates.shape != z.shape[1:]:
        raise ArgumentError(
            f"z must be (1, B, D) or (2, B, D) and gates (B, D), one for each sample; got {tuple(z.shape)} and "
            f"{tuple(gates.shape)}."
        )
    check_pairing(pairing, batch, batch)
    pairing = pairing.to(z.device)
    own = choose_anchors(1, batch, rows, z.device).own  # (R,), None = all
    own = torch.arange(batch, device=z.device) if own is None else own
    with torch.autocast(z.device.type, enabled=False):
        u = prepare_rows(z, normalize=True)  # (V, B, D)
        g = gates.to(u.dtype)[own]  # (R, D)
        similarity = _cosines(u[0][own], u[-1], g) if rescale else (u[0][own] * g.square()) @ u[-1].T  # (R, B)
        if ungated_weight:
            similarity = similarity - ungated_weight * (u[0][own] @ u[-1].T)
        similarity = similarity / temperature  # (R, B)
    tile = pairing.tile(own, slice(0, batch))
    losses = _against_negatives(similarity, tile.negative).masked_fill(~tile.positive, 0.0)  # (R, B)
    everyone = torch.arange(batch, device=z.device)
    of_all, _ = count_candidates(pairing, everyone)  # (B,) positives of the anchors of all calls
    if is_readable(of_all) and not bool(of_all.any()):
        raise ArgumentError(
            "No anchor has a positive in this batch: no sample is of a partner's class. Take partners among the "
            "classes of the batch (pairs='arbitrary'), or a larger batch."
        )
    if average == "positives":
        # every call divides by the positives of all, times its own share of the anchors: see `reduce_anchors`
        return losses.sum() / (of_all.sum() * (len(own) / batch)).to(losses.dtype)
    return (losses.sum(dim=1) / of_all[own].clamp(min=1).to(losses.dtype)).mean()  # (R, B) -> (R,) -> ()


def gated_chance(pairing: Pairing, *, average: str = "positives") -> float:
    """The loss when all embeddings are equal: log(1 + negatives), of each positive or of each anchor."""
    positives, negatives = count_candidates(pairing, torch.arange(pairing.anchors))  # (B,) each
    each = negatives.double().log1p() * (positives > 0)  # (B,)
    if average == "anchors":
        return float(each.mean())
    return float((each * positives).sum() / positives.sum().clamp(min=1))


def _cosines(x: Tensor, y: Tensor, g: Tensor) -> Tensor:
    """cos(g_i x_i, g_i y_j) of rows `(R, D)`, `(B, D)` and gates `(R, D)`: `(R, B)`; 0 where a gated row is 0."""
    g = unit_rows(g)  # the scale of a gate cancels, and its square might not be a number
    square = g.square()  # (R, D)
    of_anchor = (square * x.square()).sum(dim=1, keepdim=True)  # (R, 1)
    of_candidate = square @ y.square().T  # (R, B) |g_i y_j|², a sum of what is not negative: nothing cancels
    smallest = torch.finfo(x.dtype).tiny
    scale = of_anchor.clamp(min=smallest).rsqrt() * of_candidate.clamp(min=smallest).rsqrt()
    return ((square * x) @ y.T) * scale


def _against_negatives(similarity: Tensor, negative: Tensor) -> Tensor:
    """`(R, B)`: log(1 + sum over the anchor's negatives of exp(s_in - s_ij)), for every candidate j."""
    nobody = ~negative.any(dim=1, keepdim=True)  # (R, 1) a log-sum of nothing has no derivative in every torch
    pushed = similarity.masked_fill(~negative, -math.inf).masked_fill(nobody, 0.0)  # (R, B)
    total = pushed.logsumexp(dim=1, keepdim=True).masked_fill(nobody, -math.inf)  # (R, 1)
    return torch.logaddexp(torch.zeros_like(similarity), total - similarity)
