"""The raw batch at the door: what is taken as pictures, and the same batch as floats or bytes."""

from __future__ import annotations

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.words import a_type

_SLACK = 1e-3  # interpolation and 1/255 rounding may leave [0, 1] by this much without meaning anything by it


def check_pictures(images: Tensor, channels: int | None = None) -> None:
    """Raise unless `images` is a non-empty `(B, C, H, W)` batch of uint8, or of floats in [0, 1].

    Errors:
        ArgumentError: not such a batch, or not of `channels` channels.
    """
    if not isinstance(images, Tensor):
        raise ArgumentError(
            f"images is {a_type(images)}; it must be a tensor of shape (B, C, H, W). Use torch.as_tensor(images)."
        )
    if images.ndim != 4 or 0 in images.shape:
        hint = " Add the batch dimension with images[None]." if images.ndim == 3 else ""
        raise ArgumentError(
            f"images has shape {tuple(images.shape)}; it must be (B, C, H, W), none of them zero.{hint}"
        )
    if channels is not None and images.shape[1] != channels:
        hint = " Use images.permute(0, 3, 1, 2)." if images.shape[-1] == channels else ""
        raise ArgumentError(
            f"images has {images.shape[1]} channels (shape {tuple(images.shape)}), expected {channels}.{hint}"
        )
    if images.dtype == torch.uint8:
        return
    if not images.is_floating_point():
        raise ArgumentError(
            f"images is of dtype {images.dtype}; it must be uint8, or floats in [0, 1]. Use images.to(torch.uint8)."
        )
    low, high = (float(value) for value in images.aminmax())
    if not (low >= -_SLACK and high <= 1 + _SLACK):  # written so that NaN fails too
        hint = "Divide by 255, or pass uint8." if high > 2 else "Pass the pictures before any normalisation."
        raise ArgumentError(f"images holds floats from {low:g} to {high:g}; floats must lie in [0, 1]. {hint}")


def as_floats(images: Tensor) -> Float[Tensor, "B C H W"]:
    """The batch as float32 in [0, 1]: bytes are divided by 255, floats are taken as they are."""
    pictures = images.to(torch.float32)
    return pictures.div_(255) if images.dtype == torch.uint8 else pictures


def as_bytes(images: Tensor) -> UInt8[Tensor, "B C H W"]:
    """The batch as uint8: floats in [0, 1] are rounded to the nearest 255th, bytes are taken as they are."""
    return images if images.dtype == torch.uint8 else images.mul(255).round_().clamp_(0, 255).to(torch.uint8)
