"""SIG: faint upright stripes, a wave across the picture."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.robustness.pictures import checked_pictures


def sinusoid(
    x: Float[Tensor, "B C H W"], *, strength: float = 20 / 255, waves: float = 6.0
) -> Float[Tensor, "B C H W"]:
    """x' = clamp(x + strength sin(2 pi waves j / W), 0, 1) in column j, alike in all rows and channels.

    Shapes:
        x: `(B, C, H, W)` in [0, 1]; returns the same. No value changes by more than `strength`.

    Arguments:
        strength: 20 / 255: the paper's for digits; it takes up to 60 / 255 elsewhere.
        waves: how many across a picture. 6: the paper's.

    Errors:
        ArgumentError: pictures outside [0, 1], a strength outside (0, 1], no wave, or more than half as many as there
            are columns, which columns cannot show.

    Closed form: grey pictures change by `strength` / sqrt(2) in the root mean square, where waves is a whole number.

    Paper: Barni et al. 2019, https://arxiv.org/abs/1902.11237
    """
    x = checked_pictures(x)
    W = x.shape[3]
    if not 0 < strength <= 1:
        raise ArgumentError(f"strength must be above 0 and at most 1 (white), got {strength}; 20 / 255 is usual.")
    if not 0 < waves <= W / 2:
        raise ArgumentError(f"waves must be above 0 and at most {W / 2:g}, half of {W} columns, got {waves}.")
    columns = torch.arange(W, device=x.device, dtype=x.dtype)  # (W,)
    return (x + strength * (2 * math.pi * waves * columns / W).sin()).clamp(0, 1)
