"""The two networks of a game about a patch: one makes it of nothing but noise, the other looks for it in pictures."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from contrapose.encoders.arguments import count

FIRST = 4
"""Pixels a side of the first map that is made of a code, and the last that is judged, at most."""
CODE = 100
"""Dimensions of a code: the authors'."""
SLOPE = 0.2
"""Of leaky units below 0: the authors'."""
DEEPEST = 8
"""Channels next to the codes, as a multiple of those next to the picture: the authors' 1,024 of 128."""


class PatchGenerator(nn.Module):
    """Some codes that are drawn once and never again, made into as many small pictures, and these into one patch.

        h_k = relu(bn(up(h_(k-1)))),  h_0 = codes      4 pixels a side, then doubled until a patch fits in
        p_n = tanh(up(h)),  n = 1 ... codes;     P = (tanh(conv3 over the p_n of a colour) + 1) / 2

    The codes' pictures are the channels of the last convolution, so one patch comes out whatever the data's batch is.
    Normalisation is over the codes, which never change: it needs no running statistics, and what is exported is what
    was trained.

    Shapes:
        forward: `()` -> `(C, side, side)` in [0, 1].

    Arguments:
        channels, side: of the patch.
        width: channels of the last map before the picture; doubled towards the codes, up to 8 times it. 128 in the
            authors' code.
        codes: how many. 16 there.
        generator: draws them.

    Papers: Zhou et al. 2023, https://arxiv.org/abs/2308.07026; Radford et al. 2016, https://arxiv.org/abs/1511.06434
    """

    codes: Tensor

    def __init__(
        self, *, channels: int, side: int, width: int = 32, codes: int = 16, generator: torch.Generator | None = None
    ) -> None:
        super().__init__()
        self.arguments: dict[str, Any] = {
            "channels": count(channels, "channels"),
            "side": count(side, "side"),
            "width": count(width, "width"),
            "codes": count(codes, "codes", least=2),
        }
        self.side = side
        device = "cpu" if generator is None else generator.device
        self.register_buffer("codes", torch.randn(codes, CODE, 1, 1, generator=generator, device=device).cpu())
        doublings = 0
        while FIRST * 2**doublings < side:
            doublings += 1
        widths = [min(DEEPEST, 2**number) * width for number in range(doublings, -1, -1)]  # towards the picture
        layers: list[nn.Module] = [nn.ConvTranspose2d(CODE, widths[0], FIRST), *_normed(widths[0])]
        for before, after in pairwise(widths):
            layers += [nn.ConvTranspose2d(before, after, 4, stride=2, padding=1), *_normed(after)]
        self.maps = nn.Sequential(*layers)
        self.pictures = nn.Conv2d(widths[-1], channels, 3, padding=1)
        self.fuse = nn.Conv2d(codes, 1, 3, padding=1)
        _begin(self)

    def forward(self) -> Float[Tensor, "C S S"]:
        made = self.pictures(self.maps(self.codes)).tanh()  # (n, C, s, s), s >= S
        cut = (made.shape[2] - self.side) // 2
        made = made[:, :, cut : cut + self.side, cut : cut + self.side]  # (n, C, S, S)
        one = self.fuse(made.transpose(0, 1)).squeeze(1)  # (C, n, S, S) -> (C, S, S)
        return (one.tanh() + 1) / 2


class PatchDiscriminator(nn.Module):
    """D(x): whether a picture is as it was, or has a patch on it; strided convolutions and one score.

        h_k = leaky(bn(conv4(h_(k-1)))),  h_0 = x, the first without bn      halved until at most 4 pixels are left
        D = conv over all of the last h

    Scores are logits; its statistics are those of the batch in hand, of each process its own.

    Shapes:
        x: `(B, C, H, W)` in [0, 1]; returns `(B,)`.

    Arguments:
        channels, image_size: of the pictures.
        width: channels after the first convolution, doubled up to 8 times it. 128 in the authors' code.
        norm: whether there is batch normalisation.

    Paper: Zhou et al. 2023, https://arxiv.org/abs/2308.07026
    """

    def __init__(self, *, channels: int, image_size: int, width: int = 32, norm: bool = True) -> None:
        super().__init__()
        side, before, after = count(image_size, "image_size"), count(channels, "channels"), count(width, "width")
        most = DEEPEST * after
        layers: list[nn.Module] = []
        while side > FIRST:
            layers.append(nn.Conv2d(before, after, 4, stride=2, padding=1))
            if norm and layers[1:]:  # not behind the first
                layers.append(nn.BatchNorm2d(after, track_running_stats=False))
            layers.append(nn.LeakyReLU(SLOPE))
            side, before, after = side // 2, after, min(2 * after, most)
        self.layers = nn.Sequential(*layers, nn.Conv2d(before, 1, side))
        _begin(self)

    def forward(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, " B"]:
        scores: Tensor = self.layers(x).flatten(1).mean(dim=1)  # (B, 1, 1, 1) -> (B,)
        return scores


def _normed(channels: int) -> list[nn.Module]:
    return [nn.BatchNorm2d(channels, track_running_stats=False), nn.ReLU()]


def _begin(network: nn.Module) -> None:
    """First weights as the authors have them: normal with a deviation of 0.02, biases 0."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(module.weight, std=0.02)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
