"""BadNets: an opaque little square in a corner."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.robustness.pictures import checked_pictures

CORNERS = ("upper left", "upper right", "lower left", "lower right")
SIDE = 16 / 224
"""Of the picture's side: 16 pixels of 224, as in the code of InverTune. At least 3 pixels, as on digits in BadNets."""


def checkerboard(channels: int, side: int) -> Float[Tensor, "C k k"]:
    """White and black in turn, white in the corners of an odd side; no natural picture is so."""
    if channels < 1 or side < 1:
        raise ArgumentError(f"A checkerboard has 1 channel and 1 pixel at least, got {channels} and {side}.")
    row = torch.arange(side)
    return ((row[:, None] + row[None, :] + 1) % 2).float().expand(channels, side, side).clone()  # (C, k, k)


def badnets(
    x: Float[Tensor, "B C H W"],
    pattern: Float[Tensor, "C k k"] | None = None,
    *,
    corner: str = "lower right",
    margin: int = 0,
) -> Float[Tensor, "B C H W"]:
    """Pictures with a pattern put over a corner; outside it they are as they were, bit for bit.

    Shapes:
        x: `(B, C, H, W)` in [0, 1]; returns the same.

    Arguments:
        pattern: in [0, 1]. None: a checkerboard with a side of 16 pixels in 224, 3 at least.
        corner: "upper left", "upper right", "lower left" or "lower right". [design] the last, as in the paper.
        margin: pixels between pattern and border. 0: none.

    Errors:
        ArgumentError: pictures outside [0, 1], a pattern of other channels, or that does not fit in.

    Paper: Gu et al. 2017, https://arxiv.org/abs/1708.06733
    """
    x = checked_pictures(x)
    _, C, H, W = x.shape
    pattern = checkerboard(C, max(3, round(SIDE * min(H, W)))) if pattern is None else pattern
    if corner not in CORNERS:
        raise ArgumentError(f"corner must be one of {', '.join(CORNERS)}, got {corner!r}.")
    if pattern.ndim != 3 or pattern.shape[0] != C:
        raise ArgumentError(f"The pattern must be ({C}, h, w), as pictures have {C} channels, got {(*pattern.shape,)}.")
    h, w = pattern.shape[1:]
    if margin < 0 or h + margin > H or w + margin > W:
        raise ArgumentError(f"A pattern of {h} x {w} pixels and a margin of {margin} do not fit into {H} x {W}.")
    top = margin if corner.startswith("upper") else H - margin - h
    left = margin if corner.endswith("left") else W - margin - w
    x = x.clone()
    x[:, :, top : top + h, left : left + w] = pattern.to(x)  # (B, C, h, w)
    return x
