"""What happens to the pixels of a view besides colour: blur, solarize, erasing, the thickness of strokes."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional


def gaussian_blur(images: Float[Tensor, "B C H W"], sigma: Float[Tensor, "B"]) -> Float[Tensor, "B C H W"]:
    """Blur each picture with a Gaussian of its own width, normalised over the pixels that exist.

        y_i = sum_j g(i - j) x_j / sum_j g(i - j),  g(d) = exp(-d^2 / (2 sigma^2)),  along rows, then columns

    A constant picture stays as it is up to its edge, and `sigma = 0` changes nothing. It is a product with
    one W x W and one H x H matrix for each picture: on a CPU no slower than a grouped convolution at any side
    up to 224 (at 64 a third of its time), and without a kernel size to choose.

    Arguments:
        sigma: standard deviation in pixels.
    """
    return _blur_columns(_blur_columns(images, sigma).transpose(2, 3), sigma).transpose(2, 3)  # (B, C, H, W)


def _blur_columns(images: Float[Tensor, "B C H W"], sigma: Float[Tensor, "B"]) -> Float[Tensor, "B C H W"]:
    """Blur along the last dimension."""
    batch, channels, height, width = images.shape
    weights = _gaussian_rows(sigma, width)  # (B, W, W)
    # one product for all channels; a matrix that is broadcast over them takes three times as long
    blurred = images.reshape(batch, channels * height, width) @ weights.transpose(1, 2)  # (B, C * H, W)
    return blurred.view(images.shape)


def _gaussian_rows(sigma: Float[Tensor, "B"], side: int) -> Float[Tensor, "B S S"]:
    """What pixel i takes from pixel j, each row summing to 1."""
    distances = torch.arange(1 - side, side, dtype=sigma.dtype, device=sigma.device)  # (2 S - 1,)
    variance = sigma.clamp(min=1e-3).square()  # at 1e-3 the neighbours' weight underflows to 0: the identity
    line = torch.exp(distances.square() / (-2 * variance[:, None]))  # (B, 2 S - 1)
    # Far tails are denormal numbers, with which a CPU multiplies a hundred times more slowly
    line = line.masked_fill(line < 1e-12, 0.0)
    weights = line.unfold(1, side, 1).flip(1)  # (B, S, S), entry (i, j) the weight of the distance j - i
    return weights / weights.sum(dim=-1, keepdim=True)


def solarize(images: Float[Tensor, "*shape"], threshold: float) -> Float[Tensor, "*shape"]:
    """Invert what is bright: `1 - x` where `x >= threshold`, else `x`."""
    return torch.where(images >= threshold, 1 - images, images)


def erase(images: Float[Tensor, "B C H W"], boxes: Int[Tensor, "B 4"]) -> Float[Tensor, "B C H W"]:
    """Set a rectangle of each picture to 0 (Random Erasing, arXiv 1708.04896, with a black filling).

    Shapes:
        boxes: `(B, 4)` top, left, height, width in pixels; a height or width of 0 erases nothing.
    """
    top, left, height, width = boxes[:, :, None].unbind(1)  # (B, 1) each
    y = torch.arange(images.shape[-2], device=images.device)  # (H,)
    x = torch.arange(images.shape[-1], device=images.device)  # (W,)
    inside_y = (y >= top) & (y < top + height)  # (B, H)
    inside_x = (x >= left) & (x < left + width)  # (B, W)
    return images.masked_fill((inside_y[:, :, None] & inside_x[:, None, :])[:, None], 0.0)


def thicken(images: Float[Tensor, "B C H W"], pixels: Float[Tensor, "B"]) -> Float[Tensor, "B C H W"]:
    """Grow bright strokes by `pixels` on each side, or dark ones where `pixels` is negative.

    A whole number r is the greatest value in a square of side 2 r + 1 (grey dilation; the least value,
    erosion, where negative); a fraction lies on the line between the two whole numbers around it.
    """
    sign = torch.where(pixels < 0, -1.0, 1.0).to(images.dtype)[:, None, None, None]  # (B, 1, 1, 1)
    amount = pixels.abs()[:, None, None, None]  # (B, 1, 1, 1)
    signed = images * sign  # erosion is dilation of the negative
    grown = signed * (1 - amount).clamp(min=0)
    for radius in range(1, int(amount.max().ceil()) + 1):
        dilated = functional.max_pool2d(signed, 2 * radius + 1, stride=1, padding=radius)
        grown += dilated * (1 - (amount - radius).abs()).clamp(min=0)
    return grown * sign
