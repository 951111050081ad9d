"""A patch that is pasted on every picture at the same place."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.robustness.pictures import checked_pictures

AREA = 0.03
"""Share of a picture: AdvCLIP's."""
MARGIN = 14 / 224
"""Between patch and border, as a share of a picture's side: 14 pixels of 224, AdvCLIP's."""


def patch_mask(height: int, width: int, *, area: float = AREA, margin: int | None = None) -> Float[Tensor, "1 H W"]:
    """1 in a square near the lower right corner, 0 elsewhere.

        side = floor(sqrt(area H W)),   its lower right corner `margin` pixels from both borders

    Shapes:
        returns `(1, H, W)`: it is the same of all channels.

    Arguments:
        area: share of the picture. 0.03: AdvCLIP's.
        margin: pixels. None: 14 in 224.

    Errors:
        ArgumentError: an area outside (0, 1), less than a pixel, or a patch that does not fit in.

    Closed form: at 224 x 224 it has 38 x 38 = 1,444 pixels, the first in row and column 172.

    Paper: AdvCLIP, https://arxiv.org/abs/2308.07026
    """
    if not 0 < area < 1:
        raise ArgumentError(f"area must lie between 0 and 1, got {area:g}; 0.03 is usual.")
    side = math.floor(math.sqrt(area * height * width) + 1e-9)
    margin = round(MARGIN * min(height, width)) if margin is None else margin
    if side < 1:
        raise ArgumentError(f"{area:g} of {height} x {width} is less than a pixel. Give a larger area.")
    if margin < 0 or side + margin > min(height, width):
        raise ArgumentError(
            f"A patch of {side} x {side} pixels and a margin of {margin} do not fit into {height} x {width}. Take a "
            "smaller area or margin."
        )
    mask = torch.zeros(1, height, width)
    mask[:, height - margin - side : height - margin, width - margin - side : width - margin] = 1
    return mask


def paste(
    x: Float[Tensor, "B C H W"], patch: Float[Tensor, "C H W"], mask: Float[Tensor, "M H W"]
) -> Float[Tensor, "B C H W"]:
    """x' = mask patch + (1 - mask) x; where the mask is 0 or 1, x' is x or the patch bit for bit.

    Everything in [0, 1], before normalisation: the encoder normalises.

    Shapes:
        x: `(B, C, H, W)`; returns the same. mask: `(1, H, W)`, or one for each channel.

    Errors:
        ArgumentError: values outside [0, 1], or shapes that do not fit each other.
    """
    x = checked_pictures(x)
    if patch.shape != x.shape[1:]:
        raise ArgumentError(f"The patch must be {(*x.shape[1:],)}, as a picture is, got {(*patch.shape,)}.")
    if mask.ndim != 3 or mask.shape[0] not in (1, x.shape[1]) or mask.shape[1:] != x.shape[2:]:
        raise ArgumentError(f"The mask must be (1, {x.shape[2]}, {x.shape[3]}), got {(*mask.shape,)}.")
    patch = checked_pictures(patch.unsqueeze(0), "The patch").to(x)  # (1, C, H, W)
    mask = checked_pictures(mask.unsqueeze(0), "The mask").to(x)  # (1, 1 or C, H, W)
    mixed = mask * patch + (1 - mask) * x  # (B, C, H, W)
    return torch.where(mask == 0, x, torch.where(mask == 1, patch, mixed))


def total_variation(x: Float[Tensor, "*B C H W"]) -> Float[Tensor, "*B"]:
    """How rough a picture is: sum over channels of |differences| of pixels beside and below each other.

    Closed form: 0 of one colour; of a checkerboard of black and white C (H (W - 1) + (H - 1) W).

    Paper: Mahendran and Vedaldi 2015, https://arxiv.org/abs/1412.0035
    """
    beside = (x[..., :, 1:] - x[..., :, :-1]).abs().sum(dim=(-3, -2, -1))  # (*B)
    below = (x[..., 1:, :] - x[..., :-1, :]).abs().sum(dim=(-3, -2, -1))  # (*B)
    return beside + below
