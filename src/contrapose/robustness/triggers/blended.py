"""Blended: a faint pattern over the whole picture."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.robustness.pictures import checked_pictures


def drawn_pattern(channels: int, size: int, *, generator: torch.Generator) -> Float[Tensor, "C H W"]:
    """Noise, each value uniform in [0, 1]: the pattern of the paper's that needs no picture of somebody's."""
    return torch.rand(channels, size, size, generator=generator)  # (C, H, W)


def blended(
    x: Float[Tensor, "B C H W"], pattern: Float[Tensor, "C H W"], *, share: float = 0.2
) -> Float[Tensor, "B C H W"]:
    """x' = (1 - share) x + share pattern, over the whole picture.

    Shapes:
        x: `(B, C, H, W)` in [0, 1]; returns the same. No value changes by more than `share`.

    Arguments:
        pattern: in [0, 1].
        share: 0.2: the paper's of training; 0.1 is hard to see.

    Errors:
        ArgumentError: pictures or a pattern outside [0, 1], a pattern of another shape, a share outside (0, 1].

    Closed form: a white picture and a black pattern give 1 - share.

    Paper: Chen et al. 2017, https://arxiv.org/abs/1712.05526
    """
    x = checked_pictures(x)
    if pattern.shape != x.shape[1:]:
        raise ArgumentError(f"The pattern must be {(*x.shape[1:],)}, as a picture is, got {(*pattern.shape,)}.")
    if not 0 < share <= 1:
        raise ArgumentError(f"share must be above 0 and at most 1, got {share}; 0.2 is usual.")
    pattern = checked_pictures(pattern.unsqueeze(0), "The pattern").to(x)  # (1, C, H, W)
    return (1 - share) * x + share * pattern
