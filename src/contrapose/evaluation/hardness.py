"""How a softmax loss shares its repulsion among negatives: on the hardest alone, or on all alike."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.evaluation.inputs import Array, as_rows, positive_integer, positive_number
from contrapose.evaluation.similarity import unit_rows

BLOCK = 2**20
"""Cosines that are sorted at a time: 8 MB in float64, whatever the batch is."""

SHARES = (0.01, 0.1, 0.5)
"""The hardest hundredth, tenth and half of the negatives."""

HARDEST = 10
"""Negatives that `cosines` calls the hardest; the paper draws its ten largest similarities."""

BINS = 40
"""Equal parts of [-1, 1] in which cosines are counted, 0.05 wide. [design], fine enough to see a temperature's work."""


def relative_penalty(negatives: Float[Tensor, "*R N"], temperature: float) -> Float[Tensor, "*R N"]:
    """Share of an anchor's repulsion that falls on each of its negatives.

    Equation: r_j = |dL/ds_j| / |dL/ds_p| = exp(s_j / temperature) / sum_k exp(s_k / temperature), the sum over the
    negatives alone. It is the same for the InfoNCE and NT-Xent losses, whatever the positive is.

    Shapes:
        negatives: `(..., N)` cosines with each negative; -inf for one that does not push (r is 0 there). Half precision
            becomes float32.

    Errors:
        ArgumentError: a temperature not above 0, no negative, a row in which none pushes, NaN.

    Closed form: equal cosines give 1 / N at every temperature.
    Paper: Wang and Liu 2021, arXiv 2012.09740.
    """
    _check(negatives)
    wide = negatives.to(torch.promote_types(negatives.dtype, torch.float32))  # (..., N)
    return (wide / positive_number(temperature, "temperature")).softmax(dim=-1)


def penalty_entropy(negatives: Float[Tensor, "*R N"], temperature: float) -> Float[Tensor, "*R"]:
    """Entropy of `relative_penalty` in nats: log N when all push alike, 0 when one pushes alone.

    Equation: H = -sum_j r_j log r_j. It rises with the temperature, dH / dtemperature = Var_r(s) / temperature^3,
    unless all cosines are equal; exp(H) is an effective number of negatives.

    Shapes:
        negatives: `(..., N)`; returns `(...,)`.
    """
    penalty = relative_penalty(negatives, temperature)
    return -torch.xlogy(penalty, penalty).sum(dim=-1)


def penalty_share(negatives: Float[Tensor, "*R N"], temperature: float, *, hardest: float) -> Float[Tensor, "*R"]:
    """Share of the repulsion that falls on the hardest share of the negatives.

    Equation: the sum of the hardest · N largest r_j; of a negative that is counted in part, that part. So equal
    cosines give exactly `hardest`, and 1 gives 1.

    Shapes:
        negatives: `(..., N)`; returns `(...,)`.

    Arguments:
        hardest: share of the negatives, above 0 and at most 1.

    Errors:
        ArgumentError: `hardest` out of range, and what `relative_penalty` refuses.
    """
    if not 0 < hardest <= 1:
        raise ArgumentError(f"hardest, a share of the negatives, must be above 0 and at most 1; got {hardest!r}.")
    ordered = relative_penalty(negatives, temperature).sort(dim=-1, descending=True).values  # (..., N)
    places = torch.arange(ordered.shape[-1], dtype=ordered.dtype, device=ordered.device)  # (N,)
    counted = (hardest * ordered.shape[-1] - places).clamp(0, 1)  # (N,) 1, ..., 1, a part, 0, ..., 0
    return (ordered * counted).sum(dim=-1)


@dataclass(frozen=True)
class Hardness:
    """How the repulsion of NT-Xent is shared, mean over all anchors.

    Arguments:
        entropy: of the relative penalty over log N, 0 (one negative alone) to 1 (all alike).
        effective_negatives: exp of the entropy, 1 to N.
        shares: share of the negatives, the hardest first -> share of the repulsion on them.
        positive, hardest, rest: mean cosine with the other views, with the ten hardest negatives, with all others.
        negatives: N.
        histograms: the same three, by name -> share of their cosines in each of 40 equal parts of [-1, 1], from -1 up.
    """

    entropy: float
    effective_negatives: float
    shares: dict[float, float]
    positive: float
    hardest: float
    rest: float
    negatives: int
    histograms: dict[str, tuple[float, ...]]


def hardness(
    views: Array, *, temperature: float, alpha: float = 1.0, shares: Sequence[float] = SHARES, hardest: int = HARDEST
) -> Hardness:
    """Who pushes, when NT-Xent of this temperature sees these embeddings.

    Each row of each view is an anchor, and the rows of all other samples in all views are its N = V (B - 1) negatives.

    Shapes:
        views: `(V, B, D)`, V and B at least 2, as the projection head leaves them; rows are scaled to length 1. Memory
            is a block of rows.

    Arguments:
        temperature: of the loss.
        alpha: only this share of an anchor's negatives, the hardest, pushes: `hard_contrastive`. 1: all of them.
        shares: of the negatives; the hardest 1 %, 10 % and 50 %.
        hardest: negatives that count as the hardest in the mean cosines and histograms; at most N - 1 do.

    Errors:
        ArgumentError: temperature <= 0, alpha or a share not in (0, 1], fewer than 2 views or samples, NaN, zero rows.

    Closed form: equal rows give entropy 1 and, of each share, that share.
    Paper: Wang and Liu 2021, arXiv 2012.09740.
    """
    unit = unit_rows(as_rows(views, "views", letters="V B D", minimum=2).double(), "views")  # (V, B, D)
    count, batch, _ = unit.shape
    negatives = count * (batch - 1)
    if negatives == 0:
        raise ArgumentError("hardness needs two samples at least, so that an anchor has a negative; views hold one.")
    if not 0 < alpha <= 1:
        raise ArgumentError(f"alpha, the share of negatives that push, must be above 0 and at most 1; got {alpha!r}.")
    top = min(positive_integer(hardest, "hardest"), negatives - 1)
    pushing = max(1, math.ceil(alpha * negatives - 1e-9))
    sums: dict[str | float, float] = dict.fromkeys(("entropy", "effective", "hardest", "rest", *shares), 0.0)
    positives = _positives(unit)  # (pairs, B)
    none = positives.new_zeros(BINS, dtype=torch.long)
    counts = {"positive": _counts(positives), "hardest": none, "rest": none}  # (BINS,) each
    for cosines in _sorted_negatives(unit):
        pushed = cosines.clone()
        pushed[:, pushing:] = -math.inf
        entropy = penalty_entropy(pushed, temperature)  # (r,)
        sums["entropy"] += float(entropy.sum())
        sums["effective"] += float(entropy.exp().sum())
        for name, part in (("hardest", cosines[:, :top]), ("rest", cosines[:, top:])):
            sums[name] += float(part.mean(dim=1).sum())
            counts[name] = counts[name] + _counts(part)
        for share in shares:
            sums[share] += float(penalty_share(pushed, temperature, hardest=share).sum())
    anchors = count * batch
    return Hardness(
        entropy=sums["entropy"] / anchors / math.log(negatives),
        effective_negatives=sums["effective"] / anchors,
        shares={share: sums[share] / anchors for share in shares},
        positive=float(positives.mean()),
        hardest=sums["hardest"] / anchors,
        rest=sums["rest"] / anchors,
        negatives=negatives,
        histograms={name: tuple((found / found.sum()).tolist()) for name, found in counts.items()},
    )


def _positives(unit: Tensor) -> Tensor:
    """Cosines of all pairs of views of each sample: `(V, B, D)` -> `(V (V - 1) / 2, B)`."""
    first, second = torch.triu_indices(len(unit), len(unit), offset=1, device=unit.device)  # (pairs,) each
    return (unit[first] * unit[second]).sum(dim=-1)


def _counts(cosines: Tensor) -> Tensor:
    """How many of them lie in each part of [-1, 1], whose last holds 1 as well.  -> (BINS,)"""
    parts = ((cosines + 1) * (BINS / 2)).long().clamp(0, BINS - 1)
    return parts.flatten().bincount(minlength=BINS)


def _sorted_negatives(unit: Tensor) -> Iterator[Tensor]:
    """Cosines of some anchors with all their negatives, the largest first: blocks of `(r, V (B - 1))`."""
    views, batch, _ = unit.shape
    flat = unit.flatten(0, 1)  # (V, B, D) -> (N, D)
    samples = torch.arange(len(flat), device=flat.device) % batch  # (N,)
    for rows in torch.arange(len(flat), device=flat.device).split(max(1, BLOCK // len(flat))):
        cosines = (flat[rows] @ flat.T).clamp_(-1, 1)  # (r, N)
        cosines.masked_fill_(samples[rows].unsqueeze(1) == samples, -math.inf)  # itself and its other views come last
        yield cosines.sort(dim=1, descending=True).values[:, : views * (batch - 1)]


def _check(negatives: Tensor) -> None:
    if negatives.ndim == 0 or negatives.shape[-1] == 0 or not negatives.is_floating_point():
        raise ArgumentError(
            f"negatives must hold cosines, one at least along the last dimension; got {tuple(negatives.shape)} of "
            f"{str(negatives.dtype).removeprefix('torch.')}."
        )
    hardest = negatives.detach().amax(dim=-1)  # (...,)
    if not bool(hardest.isfinite().all()):
        raise ArgumentError(
            f"negatives: in {int((~hardest.isfinite()).sum())} of {hardest.numel()} rows no negative pushes (-inf), or "
            "one is NaN or inf; leave such rows out."
        )
