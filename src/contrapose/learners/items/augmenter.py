"""A network that makes a view of an embedding: a narrow one, so that it has to leave something out."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from contrapose.errors import ArgumentError


class Augmenter(nn.Module):
    """Three linear maps through half and a quarter of the dimensions, and rows of length 1.

        z = o / |o|,   o = W3 gelu(W2 gelu(W1 h + b1) + b2) + b3,   D -> D/2 -> D/4 -> D

    Shapes:
        h: `(B, D)`; returns `(B, D)` in at least float32.

    Arguments:
        dimension: D, 4 at least.

    Errors:
        ArgumentError: fewer dimensions, or embeddings of others.

    Multiplying the last map, W3 and b3, by a number above 0 changes nothing.

    MCLRec, https://arxiv.org/abs/2304.07763; weights begin as torch's do, as the authors'.
    """

    def __init__(self, dimension: int) -> None:
        super().__init__()
        if dimension < 4:
            raise ArgumentError(
                f"An augmenter narrows to a quarter of the dimensions, and there are {dimension}: take 4."
            )
        self.dimension = dimension
        half, quarter = dimension // 2, dimension // 4
        self.layers = nn.Sequential(
            nn.Linear(dimension, half), nn.GELU(), nn.Linear(half, quarter), nn.GELU(), nn.Linear(quarter, dimension)
        )

    def forward(self, h: Float[Tensor, "B D"]) -> Float[Tensor, "B D"]:
        if h.ndim != 2 or h.shape[1] != self.dimension:
            raise ArgumentError(
                f"This augmenter takes embeddings (B, {self.dimension}), got {tuple(h.shape)}: make it with the "
                "encoder's dimension."
            )
        out = self.layers(h)  # (B, D)
        return functional.normalize(out.to(torch.promote_types(out.dtype, torch.float32)), dim=1)
