"""A critic of pictures: how real each looks, and which class it takes it for."""

from __future__ import annotations

from itertools import pairwise

from jaxtyping import Float
from torch import Tensor, nn

from contrapose.encoders.arguments import count
from contrapose.errors import ArgumentError

SMALLEST = 3  # pixels a side of the last map, at most
SLOPE = 0.01  # of leaky units below 0, as in StarGAN


class Critic(nn.Module):
    """D(x): strided convolutions, a score for each patch of an early map, and class logits of the whole of the last.

        h_k = leaky(conv(h_(k-1))),  h_0 = x      halved until at most 3 pixels are left a side
        realness = mean over patches of conv(leaky(conv(h_j))),  logits = conv over all of the last h

    j is the last map of which a score sees no more than `patch` of the side. A critic that sees whole pictures knows
    every combination of class and nuisance that the data lack, and has a translator change both; strokes of a digit are
    as real in one colour as in another. Without norms, as a penalty on the slope at each sample needs.

    Shapes:
        x: `(B, C, H, W)` in [-1, 1]; returns `(B,)` and `(B, K)`.

    Arguments:
        channels, image_size, classes: C, H = W, and K.
        width: channels after the first convolution, doubled by each further one up to 8 times it. [design] 32; 64 in
            StarGAN.
        patch: share of the side that a score may see. [design] 0.5; StarGAN's sees all.

    Errors:
        ArgumentError: fewer than two classes, or pictures below 4 pixels.

    Choi et al., CVPR 2018, https://arxiv.org/abs/1711.09020 (after Isola et al., https://arxiv.org/abs/1611.07004)
    """

    def __init__(self, *, channels: int, image_size: int, classes: int, width: int = 32, patch: float = 0.5) -> None:
        super().__init__()
        width = count(width, "width")
        if classes < 2 or image_size <= SMALLEST:
            raise ArgumentError(
                f"A critic tells two classes or more of pictures of 4 pixels or more, got {classes} and {image_size}."
            )
        sides = [image_size]
        while sides[-1] > SMALLEST:
            sides.append(sides[-1] // 2)
        widths = [channels, *(width * min(2**number, 8) for number in range(len(sides) - 1))]
        self.layers = nn.ModuleList(
            nn.Sequential(nn.Conv2d(before, after, 4, stride=2, padding=1), nn.LeakyReLU(SLOPE))
            for before, after in pairwise(widths)
        )
        self.judged = _last_map(len(self.layers), patch * image_size)
        seen = widths[self.judged]
        self.realness = nn.Sequential(
            nn.Conv2d(seen, seen, 3, padding=1), nn.LeakyReLU(SLOPE), nn.Conv2d(seen, 1, 1, bias=False)
        )
        self.named = nn.Conv2d(widths[-1], classes, sides[-1], bias=False)

    def forward(self, x: Float[Tensor, "B C H W"]) -> tuple[Float[Tensor, "B"], Float[Tensor, "B K"]]:
        realness = x.new_zeros(len(x))
        for number, layer in enumerate(self.layers, 1):
            x = layer(x)  # (B, C', h, w)
            if number == self.judged:
                realness = self.realness(x).mean(dim=(1, 2, 3))  # (B, 1, h, w) -> (B,)
        return realness, self.named(x).flatten(1)  # (B,), (B, K)


def _last_map(maps: int, most: float) -> int:
    """The number, from 1, of the last map of which a score sees at most so many pixels; the first in any case."""
    seen, stride, found = 1, 1, 1
    for number in range(1, maps + 1):
        seen, stride = seen + 3 * stride, 2 * stride  # kernels of 4, halving
        if seen + 2 * stride <= most:  # and of 3 in the head
            found = number
    return found
