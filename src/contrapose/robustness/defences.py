"""What is done to pictures or weights so that a change of pictures means less: blur, few levels, noise, pruning."""

from __future__ import annotations

import copy

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from contrapose.errors import ArgumentError
from contrapose.robustness.pictures import checked_pictures

LEVELS = 8
"""Of each colour: three bits, a common choice against perturbations."""
NOISE = 0.1
"""Deviation of noise on pictures, white being 1."""


def blurred(x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C H W"]:
    """Each pixel the mean of its 3 x 3 neighbourhood by weights 1 2 1, borders continued; gradients flow.

    Closed form: a picture of one colour stays; a white pixel far from borders leaves a quarter of itself.
    """
    x = checked_pictures(x)
    line = torch.tensor([0.25, 0.5, 0.25], dtype=x.dtype, device=x.device)
    kernel = (line[:, None] * line[None, :]).expand(x.shape[1], 1, 3, 3)  # (C, 1, 3, 3)
    return functional.conv2d(functional.pad(x, (1, 1, 1, 1), mode="replicate"), kernel, groups=x.shape[1])


def levelled(x: Float[Tensor, "B C H W"], levels: int = LEVELS) -> Float[Tensor, "B C H W"]:
    """Each value the nearest of so many that lie evenly between 0 and 1; its gradient is that of the identity, as an
    attacker who knows of it takes it.

    Errors:
        ArgumentError: fewer than two levels.

    Closed form: with 2 levels everything is black or white. Athalye et al. 2018, https://arxiv.org/abs/1802.00420
    """
    if levels < 2:
        raise ArgumentError(f"A picture has two levels at least, got {levels}.")
    x = checked_pictures(x)
    found = (x.detach() * (levels - 1)).round() / (levels - 1)
    return x + (found - x).detach()


def noisy(
    x: Float[Tensor, "B C H W"], *, deviation: float = NOISE, generator: torch.Generator
) -> Float[Tensor, "B C H W"]:
    """With normal noise on every value, cut to [0, 1].

    Errors:
        ArgumentError: a deviation below 0.
    """
    if not deviation >= 0:
        raise ArgumentError(f"The deviation of noise must be 0 or more, got {deviation:g}; 0.1 is usual.")
    x = checked_pictures(x)
    noise = torch.randn(x.shape, generator=generator, device=generator.device).to(x)  # (B, C, H, W)
    return (x + deviation * noise).clamp(0, 1)


def pruned(network: nn.Module, share: float) -> nn.Module:
    """A copy whose smallest weights are 0: of all matrices and filters together, this share by size.

    Vectors (biases, norms) stay.

    Errors:
        ArgumentError: a share outside [0, 1).

    Closed form: a share of 0 changes nothing. Han et al. 2015, https://arxiv.org/abs/1506.02626
    """
    if not 0 <= share < 1:
        raise ArgumentError(f"The share of weights that are pruned must lie in [0, 1), got {share:g}.")
    made = copy.deepcopy(network)
    weights = [weight for weight in made.parameters() if weight.ndim > 1]
    count = int(share * sum(weight.numel() for weight in weights))
    if not count:
        return made
    with torch.no_grad():
        sizes = torch.cat([weight.abs().flatten().float() for weight in weights])  # (P,)
        smallest = torch.zeros_like(sizes, dtype=torch.bool)  # (P,)
        smallest[sizes.argsort(stable=True)[:count]] = True
        for weight, gone in zip(weights, smallest.split([weight.numel() for weight in weights]), strict=True):
            weight.masked_fill_(gone.view_as(weight), 0.0)
    return made
