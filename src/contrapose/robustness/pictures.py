"""Pictures that are changed: what they must be, and how much of them was."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.tracing import is_readable

SLACK = 1e-3
"""What rounding may leave outside [0, 1] without meaning anything by it."""


def checked_inputs(x: Tensor, name: str = "Inputs") -> Tensor:
    """A batch of floats in [0, 1], where nobody has normalised them yet; in float32 at least.

    Errors:
        ArgumentError: another shape or type, or values outside.
    """
    if x.ndim < 2 or x.numel() == 0 or not x.is_floating_point():
        raise ArgumentError(
            f"{name} must be a non-empty batch (B, ...) of floats in [0, 1], got {x.dtype} of shape {(*x.shape,)}. "
            "Divide bytes by 255."
        )
    if is_readable(x):
        low, high = (float(value) for value in x.detach().aminmax())
        if not (low >= -SLACK and high <= 1 + SLACK):  # written so that NaN fails too
            raise ArgumentError(
                f"{name} must lie in [0, 1], got {low:g} to {high:g}. Give the pictures before any normalisation, "
                "which is the encoder's own."
            )
    return x.to(torch.promote_types(x.dtype, torch.float32))


def checked_pictures(x: Float[Tensor, "B C H W"], name: str = "Pictures") -> Float[Tensor, "B C H W"]:
    """The same of pictures.

    Errors:
        ArgumentError: another shape or type, or values outside.
    """
    if x.ndim != 4:
        raise ArgumentError(f"{name} must be of shape (B, C, H, W), got {(*x.shape,)}.")
    return checked_inputs(x, name)


def largest_change(one: Float[Tensor, "B C H W"], other: Float[Tensor, "B C H W"]) -> Float[Tensor, "B"]:
    """The largest difference of any value in each picture, the L-infinity norm: `(B,)`; 1 is black for white."""
    return (one - other).abs().flatten(1).amax(dim=1)  # (B,)


def peak_ratio(one: Float[Tensor, "B C H W"], other: Float[Tensor, "B C H W"]) -> Float[Tensor, "B"]:
    """Peak signal-to-noise ratio in decibels, `(B,)`: -10 log10 of the mean squared difference, white being 1.

    Closed form: a difference of 0.1 everywhere is 20 dB; no difference is infinite.
    """
    error = (one - other).square().flatten(1).mean(dim=1)  # (B,)
    return torch.where(error > 0, -10 * error.clamp(min=torch.finfo(error.dtype).tiny).log10(), math.inf)
