"""Noise of a given size: what every change of pictures has to beat before it means anything."""

from __future__ import annotations

import torch
from jaxtyping import UInt8
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.robustness.universal.delta import WHITE, whole_levels


def sign_noise(
    pictures: UInt8[Tensor, "B C H W"], radius: float, *, generator: torch.Generator
) -> UInt8[Tensor, "B C H W"]:
    """Each value up or down by `radius`, as a coin falls: as large as a change within that L-infinity ball can be.

        x' = clamp(x + radius s),   s = -1 or 1, alike likely, each value of each picture for itself

    Shapes:
        pictures: uint8; returns the same. Grey levels are rounded down, as `rounded` does.

    Arguments:
        radius: white being 1.
        generator: draws the signs.

    Errors:
        ArgumentError: pictures that are no uint8, a radius below 0.

    Closed form: a radius of 0 gives the pictures; at the middle of the scale every value differs by the radius.
    """
    if pictures.dtype != torch.uint8:
        raise ArgumentError(f"Pictures must be uint8, got {pictures.dtype}.")
    up = torch.randint(2, pictures.shape, generator=generator, device=generator.device)  # (B, C, H, W)
    signs = 2 * up.to(pictures.device, torch.int16) - 1
    return (pictures.to(torch.int16) + whole_levels(radius) * signs).clamp(0, WHITE).to(torch.uint8)
