"""Where a view reads each pixel: crop, flip, rotation, shear, zoom, shift and bending as one map, read once.

Coordinates are the normalised ones of `grid_sample(align_corners=False)`: -1 and 1 are the outer edges of a
picture, x to the right and y down. A *reading matrix* `A` `(2, 3)` says for a point `p` of the view where it
is read in the picture: `q = A [p, 1]`.
"""

from __future__ import annotations

import math
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

Padding = Literal["zeros", "border", "reflection"]


def crop_matrix(box: Float[Tensor, "B 4"], flip: Tensor) -> Float[Tensor, "B 2 3"]:
    """Reading matrix of a crop that fills the view, mirrored left to right where `flip` is true.

    `q_x = x + w f p_x`, `q_y = y + h p_y`, with f = -1 where flipped, else 1.

    Shapes:
        box: `(B, 4)` centre x, y (normalised) and width, height (shares of the picture's sides); flip: `(B,)`
            boolean.
    """
    x, y, width, height = box.unbind(-1)  # (B,) each
    width = torch.where(flip, -width, width)
    zero = torch.zeros_like(x)
    return torch.stack([width, zero, x, zero, height, y], dim=-1).view(-1, 2, 3)  # (B, 2, 3)


def affine_matrix(rotation: Tensor, shear: Tensor, zoom: Tensor, shift: Tensor) -> Float[Tensor, "B 2 3"]:
    """Reading matrix of a view that is zoomed, slanted, rotated and then shifted, about its centre.

    The content moves by `p = R S Z q + 2 shift`, so it is read at `q = (1 / Z) S^-1 R^-1 (p - 2 shift)`.

    Arguments:
        rotation: angle in radians, counter-clockwise as seen (a quarter turn is `torch.rot90`).
        shear: angle in radians by which upright lines lean to the left as seen.
        zoom: above 1 the content grows.
        shift: share of the side, to the right and down.

    Shapes:
        rotation, shear, zoom: `(B,)`; shift: `(B, 2)`; returns `(B, 2, 3)`.
    """
    cos, sin, slant = rotation.cos(), rotation.sin(), shear.tan()  # (B,)
    # y points down, so a counter-clockwise turn as seen has this inverse: [[cos, -sin], [sin, cos]]
    row_x = torch.stack([cos - slant * sin, -sin - slant * cos], dim=-1)  # (B, 2), the first row of S^-1 R^-1
    row_y = torch.stack([sin, cos], dim=-1)  # (B, 2)
    linear = torch.stack([row_x, row_y], dim=1) / zoom[:, None, None]  # (B, 2, 2)
    offset = linear @ shift[:, :, None] * -2  # (B, 2, 1)
    return torch.cat([linear, offset], dim=-1)  # (B, 2, 3)


def compose(outer: Float[Tensor, "B 2 3"], inner: Float[Tensor, "B 2 3"]) -> Float[Tensor, "B 2 3"]:
    """The reading matrix that goes through `inner` first: `q = outer [inner [p, 1], 1]`."""
    product = outer[:, :, :2] @ inner  # (B, 2, 3)
    product[:, :, 2] += outer[:, :, 2]
    return product


def elastic_field(knots: Float[Tensor, "B 2 k k"], size: int) -> Float[Tensor, "B 2 S S"]:
    """A smooth displacement of every pixel: bicubic between knots, the outermost of them on the outer pixels.

    The coarse-grid form of the elastic distortions of Simard et al. (ICDAR 2003).
    """
    identity = torch.eye(knots.shape[-1], dtype=knots.dtype, device=knots.device)
    # Interpolation is linear and separable: as two small matrix products it is many times faster on a CPU
    weights = functional.interpolate(
        identity[None, None], size=(size, knots.shape[-1]), mode="bicubic", align_corners=True
    )[0, 0]  # (S, k)
    return weights @ knots @ weights.T  # (B, 2, S, S)


def sampling_grid(
    matrix: Float[Tensor, "B 2 3"], displacement: Float[Tensor, "B 2 S S"] | None, size: int
) -> Float[Tensor, "B S S 2"]:
    """Where each pixel of a view is read: `A [p + d(p), 1]` at the pixel centres p."""
    centres = (torch.arange(size, device=matrix.device, dtype=matrix.dtype) * 2 + 1) / size - 1  # (S,)
    along_x = matrix[:, :, 0, None] * centres  # (B, 2, S)
    along_y = matrix[:, :, 1, None] * centres + matrix[:, :, 2, None]  # (B, 2, S)
    grid = along_x.transpose(1, 2)[:, None] + along_y.transpose(1, 2)[:, :, None]  # (B, S, S, 2)
    if displacement is not None:
        moved = matrix[:, :, :2] @ displacement.flatten(2)  # (B, 2, S * S)
        grid += moved.transpose(1, 2).view_as(grid)  # (B, S, S, 2)
    return grid


def warp(
    images: Float[Tensor, "B C H W"],
    matrix: Float[Tensor, "B 2 3"],
    displacement: Float[Tensor, "B 2 S S"] | None = None,
    *,
    size: int,
    padding: Padding = "reflection",
) -> Float[Tensor, "B C S S"]:
    """Read a view of each picture through its own matrix and displacement, bilinear, in one `grid_sample`.

    A picture that is read two or more of its pixels apart is halved first, as often as that holds, so that no
    pixel goes unread (a mip-map; the choice is per sample).

    Shapes:
        images: `(B, C, H, W)`; matrix: `(B, 2, 3)`; displacement: `(B, 2, size, size)`, in normalised units
            of the view. returns `(B, C, size, size)`.
    """
    levels = halvings(matrix, images.shape[-2] * images.shape[-1], size)  # (B,), where the matrix is: no wait for a GPU
    deepest = int(levels.max())
    if displacement is not None:
        displacement = displacement.to(images.device)
    grid = sampling_grid(matrix.to(images.device), displacement, size)  # (B, S, S, 2)
    if deepest == 0:
        return functional.grid_sample(images, grid, padding_mode=padding, align_corners=False)  # (B, C, S, S)
    views = images.new_empty(*images.shape[:2], size, size)  # (B, C, S, S)
    for level in range(deepest + 1):
        if level:
            images = halve(images)  # (B, C, H / 2, W / 2)
        rows = (levels == level).nonzero()[:, 0].to(images.device)  # (b,)
        if len(rows):
            views[rows] = functional.grid_sample(images[rows], grid[rows], padding_mode=padding, align_corners=False)
    return views


def halvings(matrix: Float[Tensor, "B 2 3"], pixels: int, size: int) -> Tensor:
    """How often a picture may be halved before its pixels lie further apart than those that the view
    reads."""
    area = torch.linalg.det(matrix[:, :, :2]).abs() * pixels / size**2  # (B,) pixels of the picture for one of the view
    return area.clamp(min=1).log2().div(2).floor().long()  # (B,)


def halve(images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C h w"]:
    """The pictures at half of their sides, rounded up, by averages."""
    return functional.interpolate(images, size=[halved(side, 1) for side in images.shape[-2:]], mode="area")


def halved(side: int, times: int) -> int:
    """How long a side is once it is halved so many times, rounded up."""
    return math.ceil(side / 2**times)
