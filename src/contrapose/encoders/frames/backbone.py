"""What a backbone of sequences is, the list of those known by name, and what they have in common."""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from contrapose.registry import Registry

FRAME_ENCODERS: Registry[Callable[..., FrameBackbone]] = Registry("encoder of sequences")
"""Names to factories `(*, features, **arguments) -> FrameBackbone`."""


class FrameBackbone(nn.Module):
    """Frames in order to features. How a sequence is padded, and beside which others, changes nothing (in training,
    normalisation takes the statistics of what is real in the batch).

    Shapes:
        x: `(B, T, F)`, 0 where nothing is; mask: `(B, T)` bool, True up to the last real frame; returns
            `(B, dimension)`.

    Attributes:
        dimension: length of one row of features.
    """

    dimension: int

    def forward(self, x: Float[Tensor, "B T F"], mask: Bool[Tensor, "B T"]) -> Float[Tensor, "B D"]:
        raise NotImplementedError(f"{type(self).__name__} defines no forward.")


class FrameNorm(nn.BatchNorm1d):
    """Batch normalisation of each channel over the frames that are real.

    Shapes:
        x: `(B, C, T)`; mask: `(B, T)`, None where all are real; returns `(B, C, T)`, 0 where nothing is.
    """

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        if mask is None:
            return super().forward(x)  # (B, C, T)
        if not self.training:
            return super().forward(x) * mask[:, None].to(x.dtype)
        frames = x.mT  # (B, T, C)
        normed = super().forward(frames[mask])  # (n, C), n real frames in all
        return torch.zeros_like(frames, dtype=normed.dtype).masked_scatter(mask[..., None], normed).mT


def means_of_parts(x: Float[Tensor, "B C T"], mask: Tensor | None, parts: int) -> Float[Tensor, "B C*parts"]:
    """Means over equal parts of the real frames of each sequence: of n frames, part p is from floor(p n / parts) up to
    ceil((p + 1) n / parts), so that none is empty."""
    if parts == 1:
        return mean_of_frames(x, mask)
    T = x.shape[2]
    lengths = torch.full((1, 1), T, device=x.device) if mask is None else mask.sum(dim=1, keepdim=True)  # (b, 1)
    part = torch.arange(parts, device=x.device)  # (parts,)
    start, end = part * lengths // parts, -(-(part + 1) * lengths // parts)  # (b, parts)
    step = torch.arange(T, device=x.device)[:, None]  # (T, 1)
    inside = (step >= start[:, None]) & (step < end[:, None])  # (b, T, parts)
    weights = inside.to(x.dtype) / (end - start)[:, None].to(x.dtype)  # (b, T, parts)
    return torch.matmul(x, weights).flatten(1)  # (B, C·parts)


def mean_of_frames(x: Float[Tensor, "B C T"], mask: Tensor | None) -> Float[Tensor, "B C"]:
    """The mean over the real frames of each sequence."""
    if mask is None:
        return x.mean(dim=2)  # (B, C)
    real = mask[:, None].to(x.dtype)  # (B, 1, T)
    return (x * real).sum(dim=2) / real.sum(dim=2)  # (B, C)
