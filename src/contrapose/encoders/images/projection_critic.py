"""A critic of pictures beside texts: how real a picture looks, and how well it goes with the words."""

from __future__ import annotations

from itertools import pairwise

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from contrapose.encoders.arguments import count
from contrapose.errors import ArgumentError

SMALLEST = 4  # pixels a side of the last map, at most
SLOPE = 0.1  # of leaky units below 0, as in SNGAN


class ProjectionCritic(nn.Module):
    """D(x, e) = v·h(x) + (V e)·h(x), with h the sum over places of the last map of strided convolutions.

    All maps have their largest singular value held at about 1 (spectral norms), so that slopes of D are bounded.

    Shapes:
        x: `(B, C, S, S)` in [0, 1]; e: `(B, D)` unit vectors of texts; returns `(B,)`.

    Arguments:
        channels, image_size, text_dimension: C, S and D.
        width: channels after the first convolution, doubled by each further one up to 4 times it. [design] 32.

    Errors:
        ArgumentError: pictures below 4 pixels.

    Miyato and Koyama, ICLR 2018, https://arxiv.org/abs/1802.05637; spectral norms, https://arxiv.org/abs/1802.05957
    """

    def __init__(self, *, channels: int, image_size: int, text_dimension: int, width: int = 32) -> None:
        super().__init__()
        width = count(width, "width")
        if image_size < SMALLEST:
            raise ArgumentError(f"A critic looks at pictures of {SMALLEST} pixels a side or more, got {image_size}.")
        halvings, side = 0, image_size
        while side > SMALLEST:
            halvings, side = halvings + 1, side // 2
        widths = [channels, *(width * min(2**number, 4) for number in range(halvings + 1))]
        self.layers = nn.ModuleList()
        for number, (before, after) in enumerate(pairwise(widths)):
            size, stride = (3, 1) if number == halvings else (4, 2)
            self.layers.append(
                nn.Sequential(spectral_norm(nn.Conv2d(before, after, size, stride, 1)), nn.LeakyReLU(SLOPE))
            )
        self.realness = spectral_norm(nn.Linear(widths[-1], 1))
        self.words = spectral_norm(nn.Linear(text_dimension, widths[-1], bias=False))

    def seen(self, x: Float[Tensor, "B C S S"]) -> Float[Tensor, "B H"]:
        """h(x): what it makes of pictures, before any words."""
        h = 2 * x - 1  # (B, C, S, S)
        for layer in self.layers:
            h = layer(h)  # (B, C', s, s)
        return h.sum(dim=(2, 3))  # (B, H)

    def judged(self, seen: Float[Tensor, "B H"], texts: Float[Tensor, "B D"]) -> Float[Tensor, "B"]:
        """The score of what was seen beside texts."""
        return self.realness(seen).squeeze(1) + (self.words(texts) * seen).sum(dim=1)

    def forward(self, x: Float[Tensor, "B C S S"], texts: Float[Tensor, "B D"]) -> Float[Tensor, "B"]:
        return self.judged(self.seen(x), texts)
