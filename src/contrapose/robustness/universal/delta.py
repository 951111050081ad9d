"""A change that is added to every picture and is small everywhere, also after it has become whole grey levels."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.robustness.pictures import checked_pictures

WHITE = 255
NEARLY = 1e-6
"""By so much of a level a radius may miss a whole one that it was meant to be: 8 / 255 is no exact number."""


def project_delta(delta: Float[Tensor, "*N"], radius: float) -> Float[Tensor, "*N"]:
    """The nearest change none of whose values is larger than `radius`: the L-infinity ball.

    Errors:
        ArgumentError: a radius below 0.
    """
    return delta.clamp(-_checked(radius), radius)


def add_delta(x: Float[Tensor, "B C H W"], delta: Float[Tensor, "C H W"]) -> Float[Tensor, "B C H W"]:
    """x' = clamp(x + delta, 0, 1), the same delta for all pictures.

    Shapes:
        x: `(B, C, H, W)` in [0, 1]; returns the same.

    Errors:
        ArgumentError: pictures outside [0, 1], or a delta of another shape.
    """
    x = checked_pictures(x)
    if delta.shape != x.shape[1:]:
        raise ArgumentError(f"delta must be {(*x.shape[1:],)}, as a picture is, got {(*delta.shape,)}.")
    return (x + delta.to(x)).clamp(0, 1)


def kept_near(x: Float[Tensor, "B C H W"], made: Float[Tensor, "B C H W"], radius: float) -> Float[Tensor, "B C H W"]:
    """What was made of each picture, brought back to within `radius` of it: x' = clamp(x + clamp(made - x), 0, 1).

    The ball is one of pixels in [0, 1], before normalisation. Where either clamp acts no gradient passes.

    Shapes:
        x: `(B, C, H, W)` in [0, 1]; made: the same shape; returns the same.

    Errors:
        ArgumentError: pictures outside [0, 1], shapes that differ, a radius below 0.

    Closed form: a radius of 0 gives x.
    """
    x = checked_pictures(x)
    if made.shape != x.shape:
        raise ArgumentError(f"made must be of the shape of x {(*x.shape,)}, got {(*made.shape,)}.")
    return (x + project_delta(made.to(x) - x, radius)).clamp(0, 1)


def whole_levels(radius: float) -> int:
    """The grey levels of 255 that a radius allows, rounded down: 12 / 255 is 12, and 0.05 is 12 as well."""
    return math.floor(_checked(radius) * WHITE + NEARLY)


def rounded(
    pictures: UInt8[Tensor, "B C H W"], changed: Float[Tensor, "B C H W"], radius: float = math.inf
) -> UInt8[Tensor, "B C H W"]:
    """Changed pictures as uint8, no pixel further from its own than `radius` allows.

    Rounding may carry a value out of the ball that it lay in; here it is rounded to the nearest level inside.

    Shapes:
        pictures: what they were, uint8; changed: what became of them, in [0, 1].

    Errors:
        ArgumentError: pictures that are no uint8, or shapes that differ.
    """
    if pictures.dtype != torch.uint8 or pictures.shape != changed.shape:
        raise ArgumentError(
            f"Pictures must be uint8 of the shape of what became of them {(*changed.shape,)}, got {pictures.dtype} "
            f"{(*pictures.shape,)}."
        )
    found = (checked_pictures(changed, "changed") * WHITE).round()  # (B, C, H, W)
    was = pictures.to(found)
    levels = WHITE if math.isinf(radius) else whole_levels(radius)
    return (was + (found - was).clamp(-levels, levels)).clamp(0, WHITE).to(torch.uint8)


def _checked(radius: float) -> float:
    if not radius >= 0:
        raise ArgumentError(f"radius must be 0 or more (white is 1), got {radius}; 12 / 255 is usual.")
    return radius
