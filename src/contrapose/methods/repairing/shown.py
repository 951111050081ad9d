"""Pictures of what a repair finds, for people."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from contrapose.training.pictures import in_grid, scale_of

ROWS = 8


def as_bytes(x: Float[Tensor, "*N"]) -> UInt8[Tensor, "*N"]:
    """[0, 1] as uint8 on the processor."""
    return (255 * x.detach()).round().clamp(0, 255).to(torch.uint8).cpu()


@torch.no_grad()
def before_and_after(
    pictures: UInt8[Tensor, "N C H W"], change: Callable[[Tensor], Tensor]
) -> UInt8[np.ndarray, "H2 W2 3"]:
    """A few pictures, and beside each the same changed."""
    before = pictures[:ROWS].float() / 255  # (R, C, H, W)
    return grid(torch.stack([before, change(before)], dim=1))


def grid(tiles: Float[Tensor, "R K C H W"]) -> UInt8[np.ndarray, "H2 W2 3"]:
    """Rows of pictures in [0, 1] as one that can be seen; of other than three channels the first."""
    pixels = as_bytes(tiles)
    pixels = pixels if pixels.shape[2] == 3 else pixels[:, :, :1]
    return in_grid(pixels, scale=scale_of(pixels))
