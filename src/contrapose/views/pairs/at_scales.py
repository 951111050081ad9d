"""Pairs at several scales: each picture under noise, made smaller or larger and brought back, with captions in turn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from contrapose.errors import ArgumentError
from contrapose.padded import Padded
from contrapose.paired import Paired
from contrapose.views.texts.remembered import Remembered

SCALES = (1.0, 0.5, 0.75, 1.25, 1.5)
"""Five: the authors'."""


class PairsAtScales:
    """Views of a batch of pairs, one a scale, of pictures that all have the same noise on them.

        x0 = clamp(x + u, 0, 1),   u uniform within the radius
        x_r = back to size of clamp(x0 + n, resized by r, 0, 1),   n normal;      x_1 = x0

    The captions of a picture come in an order of their own, another one in each view as far as they go.

    Shapes:
        raw: `pixels` `(B, C, H, W)` uint8 and `captions`, B tuples of texts; returns V `Paired` of B, pictures in
        [0, 1], V the larger of scales and captions.

    Arguments:
        prepare: texts to `Padded`.
        radius: of the noise u, white being 1; 0: none.
        scales: the first is that of the pictures. deviation: of the noise n. 0.05: the authors' code.
        captions: of each picture that views are to have.

    Errors:
        ArgumentError: no scale, one that is not above 0, or a radius or deviation below 0.

    Paper: Fang et al. 2025, https://arxiv.org/abs/2406.05491
    """

    def __init__(
        self,
        prepare: Callable[[Any], Padded],
        *,
        radius: float,
        scales: Sequence[float] = SCALES,
        deviation: float = 0.05,
        captions: int = 1,
    ) -> None:
        if not scales or min(scales) <= 0:
            raise ArgumentError(f"scales must be numbers above 0, one at least, got {tuple(scales)}.")
        if radius < 0 or deviation < 0:
            raise ArgumentError(f"radius and deviation must be 0 or more, got {radius} and {deviation}.")
        self.prepare = Remembered(prepare)
        self.radius, self.scales, self.deviation, self.captions = radius, tuple(scales), deviation, captions

    def __call__(self, raw: Any, *, generator: torch.Generator | None = None) -> tuple[Paired, ...]:
        pictures = self.pictures(raw.pixels.float() / 255, generator)
        device = "cpu" if generator is None else generator.device
        orders = [torch.randperm(len(some), generator=generator, device=device).tolist() for some in raw.captions]
        views = []
        for number in range(max(len(pictures), self.captions)):
            chosen = [some[own[number % len(some)]] for some, own in zip(raw.captions, orders, strict=True)]
            picture = pictures[number % len(pictures)]  # (B, C, H, W)
            views.append(Paired(picture, self.prepare(chosen).to(picture.device)))
        return tuple(views)

    def pictures(self, x: Float[Tensor, "B C H W"], generator: torch.Generator | None) -> list[Tensor]:
        """The pictures of each scale, `(B, C, H, W)`."""
        device = x.device if generator is None else generator.device
        noise = torch.rand(x.shape, generator=generator, device=device).to(x)
        first = (x + self.radius * (2 * noise - 1)).clamp(0, 1)
        found = [first]
        for scale in self.scales[1:]:
            normal = torch.randn(x.shape, generator=generator, device=device).to(x)
            size = [max(1, round(scale * side)) for side in x.shape[2:]]
            other = _resized(first + self.deviation * normal, size).clamp(0, 1)
            found.append(_resized(other, x.shape[2:]).clamp(0, 1))
        return found

    def __repr__(self) -> str:
        return f"PairsAtScales(radius={self.radius:.4g}, scales={self.scales}, captions={self.captions})"


def _resized(x: Tensor, size: Sequence[int]) -> Tensor:
    return functional.interpolate(x, size=tuple(size), mode="bicubic", align_corners=False)
