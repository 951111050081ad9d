"""What a trigger moves inside a network, and the loss that takes it back: which layers, which units, how far."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.robustness.backdoors.inversion import norm

SMALLEST = 1e-8
"""Added to lengths that are divided by."""


def batch_mean(values: Float[Tensor, "B *S"]) -> Float[Tensor, "*S"]:
    """What a layer gives on average over a batch, each channel and place by itself."""
    return values.to(torch.promote_types(values.dtype, torch.float32)).mean(dim=0)


def layer_impact(clean: Float[Tensor, "*S"], triggered: Float[Tensor, "*S"]) -> Float[Tensor, ""]:
    """|| a - a' || / || a ||: how much of a layer a trigger moves.

    Closed form: 0 where nothing moves; the same where both are scaled alike.
    """
    return norm(clean - triggered) / (norm(clean) + SMALLEST)


def most_moved(impacts: Mapping[str, float], count: int = 3) -> list[str]:
    """The names of the layers of largest impact, the largest first; of equals the earlier one."""
    order = sorted(range(len(impacts)), key=lambda place: -list(impacts.values())[place])
    return [list(impacts)[place] for place in order[:count]]


def critical_units(differences: Float[Tensor, "*S"]) -> Bool[Tensor, "*S"]:
    """Which units a trigger moves much: of two clusters of the differences, the upper one.

    On a line the best two clusters are a cut of the sorted values, so all cuts are tried (the one of least squared
    deviation is taken, the first of equals): the same values always give the same units, without a start by chance.

    Errors:
        ArgumentError: all are equal, or not finite.

    Closed form: of 90 units of 0.1 and 10 of 2 it is these 10.
    """
    values, order = differences.detach().double().abs().flatten().sort(stable=True)  # (n,)
    n = len(values)
    if n < 2 or not bool(values.isfinite().all()) or bool(values[0] == values[-1]):
        raise ArgumentError(
            f"The trigger moves all {n} units of a layer alike, so none of them is more critical than others: two "
            "clusters need different values. Look for a trigger first, or read another layer."
        )
    size = torch.arange(1, n, device=values.device, dtype=values.dtype)  # (n - 1,) of the lower cluster
    total, sums = values.sum(), values.cumsum(0)[:-1]  # (n - 1,)
    between = sums.square() / size + (total - sums).square() / (n - size)  # (n - 1,): largest where within is least
    cut = int(between.argmax()) + 1
    found = torch.zeros(n, dtype=torch.bool, device=values.device)
    found[order[cut:]] = True
    return found.view(differences.shape)


def alignment_loss(
    clean: Sequence[Float[Tensor, "*S"]],
    triggered: Sequence[Float[Tensor, "*S"]],
    masks: Sequence[Bool[Tensor, "*S"]],
) -> Float[Tensor, ""]:
    """sum over layers of || (a - a') m || / || a m ||, both of the network as it is; gradients flow through both.

    Shapes:
        clean, triggered: a layer each, means over a batch; masks: its critical units.
    """
    parts = []
    for a, moved, units in zip(clean, triggered, masks, strict=True):
        m = units.to(a)
        parts.append(norm((a - moved) * m) / (norm(a * m) + SMALLEST))
    return torch.stack(parts).sum()


def preservation_loss(z: Float[Tensor, "B D"], kept: Float[Tensor, "B D"]) -> Float[Tensor, ""]:
    """|| N(z) - N(kept) ||_F, N bringing rows to length 1: how far clean embeddings have moved.

    Closed form: 0, with a gradient of 0, where nothing has.
    """
    return norm(torch.nn.functional.normalize(z, dim=1) - torch.nn.functional.normalize(kept, dim=1))
