"""A network that makes, of each picture, one beside it: what a feed-forward attack trains."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from contrapose.encoders.arguments import count
from contrapose.errors import ArgumentError

DEEPEST = 4
"""A picture is halved twice: its side must be divisible by this."""


class PerturbationGenerator(nn.Module):
    """Halved twice, some residual blocks, and doubled twice; a whole picture comes out, not a change of it.

        h = relu(bn(conv7(x))),  h = relu(bn(down(h))) twice
        h <- h + bn(conv(dropout(relu(bn(conv(h)))))), `blocks` times
        G(x) = (tanh(conv7(relu(bn(up(h))) twice)) + 1) / 2

    Its caller brings what comes out back to within a radius of x. Borders are mirrored; convolutions before a norm have
    no bias; weights begin normal with a deviation of 0.02.

    Shapes:
        x: `(B, C, H, W)` in [0, 1], H and W divisible by 4; returns the same.

    Arguments:
        width: channels at full size. 64 in the authors' code.
        blocks: residual blocks. 6 there.
        dropout: within the blocks, while training. 0.5 there.

    Errors:
        ArgumentError: a side that is not divisible by 4.

    Papers: Poursaeed et al. 2018, https://arxiv.org/abs/1712.02328; Wu et al. 2025, https://arxiv.org/abs/2506.21046
    """

    def __init__(self, *, channels: int, width: int = 64, blocks: int = 6, dropout: float = 0.5) -> None:
        super().__init__()
        self.arguments: dict[str, Any] = {
            "channels": count(channels, "channels"),
            "width": count(width, "width"),
            "blocks": count(blocks, "blocks", least=0),
            "dropout": dropout,
        }
        wide = 4 * width
        self.down = nn.Sequential(
            nn.ReflectionPad2d(3),
            nn.Conv2d(channels, width, 7, bias=False),
            *_normed(width),
            nn.Conv2d(width, 2 * width, 3, stride=2, padding=1, bias=False),
            *_normed(2 * width),
            nn.Conv2d(2 * width, wide, 3, stride=2, padding=1, bias=False),
            *_normed(wide),
        )
        self.blocks = nn.ModuleList(_residual(wide, dropout) for _ in range(blocks))
        self.up = nn.Sequential(
            nn.ConvTranspose2d(wide, 2 * width, 3, stride=2, padding=1, output_padding=1, bias=False),
            *_normed(2 * width),
            nn.ConvTranspose2d(2 * width, width, 3, stride=2, padding=1, output_padding=1, bias=False),
            *_normed(width),
            nn.ReflectionPad2d(3),
            nn.Conv2d(width, channels, 7),
        )
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
                nn.init.normal_(module.weight, std=0.02)

    def forward(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C H W"]:
        if x.shape[2] % DEEPEST or x.shape[3] % DEEPEST:
            raise ArgumentError(
                f"A perturbation is made of pictures whose sides are divisible by {DEEPEST}, and these are "
                f"{x.shape[2]} x {x.shape[3]}. Open them with another --image-size."
            )
        h = self.down(x)  # (B, 4·width, H/4, W/4)
        for block in self.blocks:
            h = h + block(h)
        return (self.up(h).tanh() + 1) / 2  # (B, C, H, W)

    @property
    def device(self) -> torch.device:
        """Where its weights lie."""
        return next(self.parameters()).device


def _normed(channels: int) -> list[nn.Module]:
    return [nn.BatchNorm2d(channels), nn.ReLU(inplace=True)]


def _residual(channels: int, dropout: float) -> nn.Sequential:
    def convolution() -> list[nn.Module]:
        return [nn.ReflectionPad2d(1), nn.Conv2d(channels, channels, 3, bias=False), nn.BatchNorm2d(channels)]

    return nn.Sequential(*convolution(), nn.ReLU(inplace=True), nn.Dropout(dropout), *convolution())
