"""A painter: noise and the vector of a text into a picture."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from contrapose.encoders.arguments import count
from contrapose.errors import ArgumentError
from contrapose.preparation import Preparation

SMALLEST = 4  # pixels a side of the first map, at most
MOST = 2  # times the width that a map is wide, at most


class Painter(nn.Module):
    """G(z, e): a map of a few pixels from noise and text, doubled until it is the picture.

        c = [z, e sqrt D]
        h_0 = linear(c), of at most 4 x 4 pixels
        h_k = relu(scale_k(c) · norm(conv(double(h_(k-1)))) + shift_k(c))
        G(z, e) = sigmoid(conv(h_last))

    Norms are of each picture by itself (all its channels in groups), so that no picture depends on the others of its
    batch, nor on how many processes share that; noise and text speak to every layer through scales and shifts of their
    own. Sides that are no power of two are doubled to the next size that leads to them.

    Shapes:
        z: `(B, Z)` noise; e: `(B, D)` unit vectors of texts; returns `(B, C, S, S)` in [0, 1].

    Arguments:
        channels, image_size: C and S.
        text_dimension: D.
        noise: Z. [design] 32.
        width: channels at full size, doubled with every halving of the side up to twice it. [design] 32: about
            205,000 weights for pictures of 16 pixels.
        preparation: how the pictures that it learned from became pixels.

    Errors:
        ArgumentError: pictures below 4 pixels; noise or texts of other dimensions.

    After DCGAN, https://arxiv.org/abs/1511.06434, and conditional normalisation, https://arxiv.org/abs/1802.05637
    """

    def __init__(
        self,
        *,
        channels: int,
        image_size: int,
        text_dimension: int,
        noise: int = 32,
        width: int = 32,
        preparation: Preparation | None = None,
    ) -> None:
        super().__init__()
        if image_size < SMALLEST:
            raise ArgumentError(f"A painter makes pictures of {SMALLEST} pixels a side or more, got {image_size}.")
        self.channels, self.image_size, self.text_dimension = channels, image_size, text_dimension
        self.noise, self.preparation = count(noise, "noise"), preparation or Preparation()
        self.arguments: dict[str, Any] = {"noise": self.noise, "width": count(width, "width")}
        sides = [image_size]
        while sides[0] > SMALLEST:
            sides.insert(0, (sides[0] + 1) // 2)
        widths = [width * min(2 ** (len(sides) - 1 - number), MOST) for number in range(len(sides))]
        self.sides, told = sides, self.noise + text_dimension
        self.first = nn.Linear(told, widths[0] * sides[0] ** 2)
        self.layers = nn.ModuleList(_Told(before, after, told) for before, after in pairwise([widths[0], *widths]))
        self.last = nn.Conv2d(widths[-1], channels, 3, padding=1)

    @property
    def form(self) -> dict[str, Any]:
        """What it makes, and from what, as JSON."""
        size = {"channels": self.channels, "image_size": self.image_size, "text_dimension": self.text_dimension}
        return {"modality": "image", **size, "preparation": self.preparation.to_json()}

    @property
    def device(self) -> torch.device:
        """Where its weights lie."""
        return self.last.weight.device

    def forward(self, noise: Float[Tensor, "B Z"], texts: Float[Tensor, "B D"]) -> Float[Tensor, "B C S S"]:
        if noise.shape != (len(texts), self.noise) or texts.shape[1:] != (self.text_dimension,):
            raise ArgumentError(
                f"This painter takes noise of (B, {self.noise}) and texts of (B, {self.text_dimension}), and was given "
                f"{tuple(noise.shape)} and {tuple(texts.shape)}."
            )
        told = torch.cat([noise, texts * self.text_dimension**0.5], dim=1)  # (B, Z + D), all of deviation 1
        h = self.first(told).unflatten(1, (-1, self.sides[0], self.sides[0]))  # (B, C', s, s)
        for side, layer in zip(self.sides, self.layers, strict=True):
            h = layer(h if h.shape[-1] == side else functional.interpolate(h, size=side), told)  # (B, C', s, s)
        return self.last(h).sigmoid()  # (B, C, S, S)

    def extra_repr(self) -> str:
        return f"channels={self.channels}, image_size={self.image_size}, text_dimension={self.text_dimension}"


class _Told(nn.Module):
    """A convolution and a norm whose scales and shifts noise and text give."""

    def __init__(self, before: int, after: int, told: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(before, after, 3, padding=1, bias=False)
        self.norm = nn.GroupNorm(_groups(after), after, affine=False)
        self.scales = nn.Linear(told, 2 * after)
        nn.init.normal_(self.scales.weight, std=0.02)
        nn.init.zeros_(self.scales.bias)

    def forward(self, x: Tensor, told: Tensor) -> Tensor:
        scale, shift = self.scales(told)[:, :, None, None].chunk(2, dim=1)  # (B, C', 1, 1) each
        return functional.relu((1 + scale) * self.norm(self.convolution(x)) + shift)


def _groups(width: int) -> int:
    """Norm groups of about eight channels that a width can be cut into."""
    return next(number for number in range(max(1, width // 8), 0, -1) if width % number == 0)
