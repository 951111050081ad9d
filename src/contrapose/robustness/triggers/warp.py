"""WaNet: the picture bent a little, smoothly, always in the same way."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from contrapose.errors import ArgumentError
from contrapose.robustness.pictures import checked_pictures


def warp_field(
    size: int, *, cells: int = 4, strength: float = 0.5, generator: torch.Generator
) -> Float[Tensor, "2 H W"]:
    """How far each pixel is fetched from, in pixels: right, and down.

        P ~ U(-1, 1) on a grid of cells x cells,   P <- P / mean |P|,   field = strength upsampled(P)

    Mean over the control points of |P| is 1, so `strength` is the mean shift there, in pixels; between them the grid is
    interpolated by cubics.

    Shapes:
        returns `(2, size, size)`.

    Arguments:
        cells: k, control points along a side. 4: the paper's for small pictures.
        strength: s, in pixels. 0.5: the paper's, on pictures of 32 pixels.

    Errors:
        ArgumentError: fewer than 2 cells, more than pixels, or a strength that is not above 0.

    Paper: Nguyen and Tran 2021, https://arxiv.org/abs/2102.10369
    """
    if not 2 <= cells <= size:
        raise ArgumentError(f"cells must be at least 2 and at most {size}, the pixels of a side, got {cells}.")
    if not strength > 0:
        raise ArgumentError(f"strength must be above 0 pixels, got {strength}; 0.5 is usual.")
    points = 2 * torch.rand(1, 2, cells, cells, generator=generator) - 1  # (1, 2, k, k)
    points = points / points.abs().mean()
    bent = functional.interpolate(points, size=(size, size), mode="bicubic", align_corners=True)  # (1, 2, H, W)
    return strength * bent[0]


def warp(x: Float[Tensor, "B C H W"], field: Float[Tensor, "2 H W"]) -> Float[Tensor, "B C H W"]:
    """x'(i, j) = x(i + down(i, j), j + right(i, j)), between pixels by straight lines, beyond the border as at it.

    Shapes:
        x: `(B, C, H, W)` in [0, 1]; returns the same.

    Errors:
        ArgumentError: pictures outside [0, 1], or a field of another size.

    Closed form: a field of 0 changes nothing; one of 1 to the right moves the picture a pixel to the left.
    """
    x = checked_pictures(x)
    H, W = x.shape[2:]
    if field.shape != (2, H, W):
        raise ArgumentError(f"The field must be (2, {H}, {W}) for pictures of {H} x {W}, got {(*field.shape,)}.")
    field = field.to(x)
    right = torch.arange(W, device=x.device, dtype=x.dtype) + field[0]  # (H, W), in pixels
    down = torch.arange(H, device=x.device, dtype=x.dtype)[:, None] + field[1]  # (H, W)
    where = torch.stack([2 * right / max(W - 1, 1) - 1, 2 * down / max(H - 1, 1) - 1], dim=-1)  # (H, W, 2) in [-1, 1]
    places = where.clamp(-1, 1).expand(len(x), H, W, 2)  # (B, H, W, 2)
    return functional.grid_sample(x, places, mode="bilinear", padding_mode="border", align_corners=True).clamp(0, 1)
