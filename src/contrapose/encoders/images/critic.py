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
    """D(x): strided convolutions, a score for each patch of the last map, and class logits of the whole of it.

        h = leaky(conv(...leaky(conv(x))))        halved until at most 3 pixels are left a side
        realness = mean over patches of conv(h),  logits = conv over all of h

    Without norms, as a penalty on the slope at each sample needs.

    Shapes:
        x: `(B, C, H, W)` in [-1, 1]; returns `(B,)` and `(B, K)`.

    Arguments:
        channels, image_size, classes: C, H = W, and K.
        width: channels after the first convolution, doubled by each further one up to 8 times it. [design] 32; 64 in
            StarGAN.

    Errors:
        ArgumentError: fewer than two classes, or pictures below 4 pixels.

    Choi et al., CVPR 2018, https://arxiv.org/abs/1711.09020 (after Isola et al., https://arxiv.org/abs/1611.07004)
    """

    def __init__(self, *, channels: int, image_size: int, classes: int, width: int = 32) -> None:
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
        layers = [
            layer
            for before, after in pairwise(widths)
            for layer in (nn.Conv2d(before, after, 4, stride=2, padding=1), nn.LeakyReLU(SLOPE, inplace=True))
        ]
        self.layers = nn.Sequential(*layers)
        self.realness = nn.Conv2d(widths[-1], 1, 3, padding=1, bias=False)
        self.named = nn.Conv2d(widths[-1], classes, sides[-1], bias=False)

    def forward(self, x: Float[Tensor, "B C H W"]) -> tuple[Float[Tensor, "B"], Float[Tensor, "B K"]]:
        h = self.layers(x)  # (B, C', h, w)
        return self.realness(h).mean(dim=(1, 2, 3)), self.named(h).flatten(1)  # (B,), (B, K)
