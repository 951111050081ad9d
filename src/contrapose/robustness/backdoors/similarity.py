"""Structural similarity: how much of a picture's local structure another one has."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from contrapose.errors import ArgumentError

WINDOW, DEVIATION = 11, 1.5
"""Side of the Gaussian window in pixels, and its deviation: those of the paper."""
MEANS, VARIANCES = 0.01**2, 0.03**2
"""What keeps quotients of dark and of flat parts from 0 / 0, white being 1: those of the paper."""


def structural_similarity(one: Float[Tensor, "B C H W"], other: Float[Tensor, "B C H W"]) -> Float[Tensor, "B"]:
    """The mean over places and channels of

        (2 m n + c) (2 cov + d) / ((m^2 + n^2 + c) (var_x + var_y + d)),   c = 0.01^2, d = 0.03^2

    with means, variances and covariance under a Gaussian window of deviation 1.5, which is 11 x 11, or as large as the
    picture allows, and lies wholly inside it.

    Shapes:
        one, other: `(B, C, H, W)` in [0, 1]; returns `(B,)`, at most 1.

    Errors:
        ArgumentError: two shapes.

    Closed form: 1 of a picture with itself; c / (1 + c) of black with white.

    Paper: Wang et al. 2004, https://doi.org/10.1109/TIP.2003.819861
    """
    if one.shape != other.shape or one.ndim != 4:
        raise ArgumentError(f"Give pictures (B, C, H, W) of one shape, got {(*one.shape,)} and {(*other.shape,)}.")
    kept = torch.promote_types(one.dtype, torch.float32)
    x, y = one.to(kept).flatten(0, 1).unsqueeze(1), other.to(kept).flatten(0, 1).unsqueeze(1)  # (B·C, 1, H, W)
    side = min(WINDOW, *x.shape[2:])
    down, across = (_blur(size, side, like=x) for size in x.shape[2:])  # (H', H), (W', W)
    stacked = torch.cat([x, y, x * x, y * y, x * y])  # (5·B·C, 1, H, W)
    m, n, xx, yy, xy = (down @ stacked @ across.T).chunk(5)  # (B·C, 1, H', W') each
    luminance = (2 * m * n + MEANS) / (m * m + n * n + MEANS)
    structure = (2 * (xy - m * n) + VARIANCES) / (xx - m * m + yy - n * n + VARIANCES)
    return (luminance * structure).view(len(one), -1).mean(dim=1)  # (B·C, 1, H', W') -> (B,)


def _blur(size: int, length: int, *, like: Tensor) -> Float[Tensor, "n H"]:
    """The window along one side, a row for each place where it lies wholly inside. A bell over two sides is the product
    of two over one, and as products of matrices both cost a fraction of a convolution of single channels."""
    places = torch.arange(length, device=like.device, dtype=like.dtype) - (length - 1) / 2  # (w,)
    bell = torch.exp(-(places**2) / (2 * DEVIATION**2))  # (w,)
    rows = torch.zeros(size - length + 1, size, device=like.device, dtype=like.dtype)  # (H', H)
    for place, row in enumerate(rows):
        row[place : place + length] = bell / bell.sum()
    return rows
