"""The correction for negatives that are of the anchor's own class: their share is taken off the sum of all."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.tracing import is_readable


def check_prior(prior: float) -> None:
    """A probability below 1."""
    if not 0 <= prior < 1:
        raise ArgumentError(
            f"prior, the probability that a negative is of the anchor's own class, must be in [0, 1), got {prior}; "
            "one over the number of classes is usual."
        )


def debiased_losses(
    log_mass: Tensor,
    attraction: Tensor,
    weight: Tensor,
    negatives: Tensor,
    *,
    prior: float,
    temperature: float | Tensor,
) -> tuple[Tensor, Tensor]:
    """Each anchor's loss, 0 where it has no positive, and whether it has one: `(R,)` each.

        l = -log( p / (p + G) ),     G = max( (R - prior N p) / (1 - prior),  N exp(-1 / temperature) )

    Shapes:
        log_mass: `(R,)` log of R, the weighed sum of the negatives' exp(s); attraction: `(R,)` weighted sum of the
            positives' s, and weight: `(R,)` sum of their weights: log p is the one over the other.
        negatives: `(R,)` N.

    Errors:
        ArgumentError: an anchor that has a positive and no negative.

    Chuang et al., "Debiased Contrastive Learning", NeurIPS 2020, https://arxiv.org/abs/2007.00224
    """
    weight = weight.detach()
    kept = weight > 0
    if is_readable(negatives) and bool((negatives[kept] == 0).any()):
        raise ArgumentError("An anchor has a positive and no negative to weigh; give at least two samples.")
    # an anchor that nothing pulls may have nothing to push it either, and then log R - log N would be NaN
    log_mass, negatives = log_mass.masked_fill(~kept, 0.0), negatives.masked_fill(~kept, 1.0)
    positive = attraction / weight.masked_fill(~kept, 1.0)  # (R,) log p
    negative = _debiased(log_mass, positive, negatives, prior, temperature)  # (R,) log G
    return torch.where(kept, torch.logaddexp(positive, negative) - positive, 0.0), kept


def _debiased(
    log_mass: Tensor, positive: Tensor, negatives: Tensor, prior: float, temperature: float | Tensor
) -> Tensor:
    """log G `(R,)`: the share of false negatives is taken off, down to what N opposite negatives would leave."""
    log_count = negatives.log()  # (R,)
    floor = log_count - 1 / temperature  # (R,)
    if prior == 0:
        return torch.maximum(log_mass, floor)
    share = math.log(prior) + log_count + positive - log_mass  # (R,) log of prior N p / R

    def excess(share: Tensor) -> Tensor:
        return log_mass + (-share.exp()).log1p() - math.log1p(-prior)  # (R,) log of (R - prior N p) / (1 - prior)

    with torch.no_grad():
        enough = excess(share.clamp(max=0)) > floor  # found first, lest the other branch's infinite slope be multiplied
    return torch.where(enough, excess(share.masked_fill(~enough, -1.0)), floor)
