"""Brightness, contrast, saturation, hue and grey of a picture as one 3 x 4 matrix, its own for every
sample."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

GREY = (0.299, 0.587, 0.114)
"""How bright red, green and blue look: the luma weights of ITU-R BT.601, which Pillow and torchvision use
too."""


def grey_weights(channels: int) -> Float[Tensor, "C"]:
    """What each channel counts in the grey value: luma for three, all alike for any other number."""
    return torch.tensor(GREY) if channels == 3 else torch.full((channels,), 1 / channels)  # (C,)


def mean_grey(images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B"]:
    """The mean grey value of each picture: luma for three channels, the plain mean of the channels for any
    other number."""
    means = images.mean(dim=(2, 3))  # (B, C)
    return means @ grey_weights(means.shape[1]).to(means)  # (B,)


def contrast_offset(brightness: Tensor, contrast: Tensor, mean: Tensor) -> Tensor:
    """What contrast adds to every channel: `(1 - c) b m`, the share of the (already brightened) mean grey."""
    return (1 - contrast) * brightness * mean  # (B,)


def saturation_matrix(saturation: Float[Tensor, "B"]) -> Float[Tensor, "B 3 3"]:
    """`s x + (1 - s) grey(x)`: 0 is grey, 1 leaves the colours."""
    grey = saturation.new_tensor(GREY).expand(3, 3)  # (3, 3), each row the luma weights
    identity = torch.eye(3, dtype=saturation.dtype, device=saturation.device)
    return grey + saturation[:, None, None] * (identity - grey)  # (B, 3, 3)


def hue_matrix(hue: Float[Tensor, "B"]) -> Float[Tensor, "B 3 3"]:
    """Rotation about the grey axis by `hue` full turns.

    A third of a turn takes red to green, green to blue, blue to red. At multiples of a third it is the HSV
    hue shift exactly; between them it is the rotation that keeps the distance from grey and the sum of the
    channels (HSV is piecewise linear, and not a matrix).
    """
    angle = 2 * math.pi * hue[:, None, None]  # (B, 1, 1)
    identity = torch.eye(3, dtype=hue.dtype, device=hue.device)
    turn = hue.new_tensor([[0.0, -1.0, 1.0], [1.0, 0.0, -1.0], [-1.0, 1.0, 0.0]]) / math.sqrt(3)
    # Rodrigues' formula with the axis (1, 1, 1) / sqrt(3)
    return angle.cos() * identity + (1 - angle.cos()) / 3 + angle.sin() * turn  # (B, 3, 3)


def colour_matrix(
    brightness: Float[Tensor, "B"],
    contrast: Float[Tensor, "B"],
    saturation: Float[Tensor, "B"],
    hue: Float[Tensor, "B"],
    mean: Float[Tensor, "B"],
    grey: Tensor | None = None,
) -> Float[Tensor, "B 3 4"]:
    """All colour operations as one affine map of (red, green, blue), in a fixed order.

        x -> G H S (c b x + (1 - c) b m 1)        brightness b, contrast c, saturation S, hue H, grey G

    Saturation, hue and grey leave a grey vector alone, so the offset passes through them. Neutral values are
    1, 1, 1, 0.

    The references draw the order of the four anew each time and clip to [0, 1] after each. Here the order is
    fixed and the one clip is at the end: that is the one thing a single matrix cannot reproduce.

    Arguments:
        mean: the mean grey of the picture before any of this (`mean_grey`).
        grey: true where all colour is lost.

    Shapes:
        all arguments `(B,)`; returns `(B, 3, 4)`, the last column the offset.
    """
    linear = hue_matrix(hue) @ saturation_matrix(saturation)  # (B, 3, 3)
    if grey is not None:
        luma = (linear.new_tensor(GREY) @ linear)[:, None, :]  # (B, 1, 3), the row that all three channels take
        linear = torch.where(grey[:, None, None], luma, linear)  # (B, 3, 3)
    linear = linear * (contrast * brightness)[:, None, None]
    offset = contrast_offset(brightness, contrast, mean)[:, None, None].expand(-1, 3, 1)  # (B, 3, 1)
    return torch.cat([linear, offset], dim=-1)  # (B, 3, 4)


def recolouring(
    jitter: Float[Tensor, "B 4"] | None, grey: Tensor | None, channels: int
) -> tuple[Float[Tensor, "B C C"], Float[Tensor, "B"]]:
    """The operations on pictures of any number of channels: `x -> linear x + share m 1`, with m their mean grey.

    Arguments:
        jitter: brightness, contrast, saturation and hue; None: neutral.
        grey: true where all colour is lost; for three channels only, as saturation and hue are.
    """
    if jitter is None:
        assert grey is not None
        jitter = torch.tensor([1.0, 1.0, 1.0, 0.0], device=grey.device).expand(len(grey), 4)  # (B, 4)
    brightness, contrast, saturation, hue = jitter.unbind(-1)  # (B,) each
    one = torch.ones_like(brightness)
    if channels == 3:
        matrix = colour_matrix(brightness, contrast, saturation, hue, one, grey)  # (B, 3, 4)
        return matrix[:, :, :3], matrix[:, 0, 3]
    gain = (brightness * contrast)[:, None, None]  # (B, 1, 1)
    return gain * torch.eye(channels, device=gain.device), contrast_offset(brightness, contrast, one)


def apply_colour(images: Float[Tensor, "B 3 H W"], matrix: Float[Tensor, "B 3 4"]) -> Float[Tensor, "B 3 H W"]:
    """Map every pixel through its picture's matrix; the result may leave [0, 1], and the caller clips it."""
    mapped = torch.bmm(matrix[:, :, :3], images.flatten(2))  # (B, 3, H * W)
    return mapped.add_(matrix[:, :, 3:]).view_as(images)  # (B, 3, H, W)
