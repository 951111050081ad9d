"""The two networks that make a perturbation of pairs: of noise, and of what batches mean, one delta and one word."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from contrapose.encoders.arguments import count
from contrapose.errors import ArgumentError

CODE, WORD_CODE = 100, 32
"""Channels of a code: the authors'."""
SIDE, WORD_SIDES = 3, (1, 3)
"""Pixels a side of a code: the authors'."""
FIRST = 4
"""Kernel of the first convolution, which makes 6 pixels a side of 3."""
DEEPEST = 16
"""Channels next to the codes, at most, as a multiple of those next to the end: of the authors' 32 to 1,024, nearly."""
GROUPS = 32
"""Of a normalisation by groups, at most: the authors'."""


class Condition(nn.Module):
    """What a batch means, added to maps of codes: cross-attention to one token, within a residual block.

        g = conv1(norm(h)) + V c;   g <- g + W2 gelu(W1 g);   h <- h + conv1(g)

    Of a single token attention's weights are 1 whatever is asked, so there are no queries and no keys.

    Shapes:
        h: `(n, F, H, W)`; context: `(n, D)`; returns the shape of h.
    """

    def __init__(self, features: int, context: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(math.gcd(GROUPS, features), features)
        self.enter = nn.Conv2d(features, features, 1)
        self.value = nn.Linear(context, features, bias=False)
        self.wide, self.narrow = nn.Conv2d(features, 2 * features, 1), nn.Conv2d(2 * features, features, 1)
        self.leave = nn.Conv2d(features, features, 1)

    def forward(self, h: Float[Tensor, "n F H W"], context: Float[Tensor, "n D"]) -> Float[Tensor, "n F H W"]:
        g = self.enter(self.norm(h)) + self.value(context)[:, :, None, None]  # (n, F, H, W)
        g = g + self.narrow(functional.gelu(self.wide(g)))
        return h + self.leave(g)


class CodeMaps(nn.Module):
    """Codes that are drawn once and never again, made into maps step by step, each with what its sample means.

        h_k = relu(bn(up(h_(k-1)))),  h_0 = codes;   behind every second one but the last: h_k <- Condition(h_k, c)

    Normalisation is over the codes, in training and after it: it needs no running statistics, and what is exported is
    what was trained.

    Shapes:
        context: `(n, D)`, or None of maps without a condition; returns `(n, width, H, W)`.

    Arguments:
        codes: `(n, F, h, w)`.
        widths: channels after each convolution: the first grows maps by 3 pixels a side, the others double them.
        context: D; 0: nothing is asked of samples.
    """

    codes: Tensor

    def __init__(self, codes: Tensor, widths: list[int], context: int) -> None:
        super().__init__()
        self.register_buffer("codes", codes)
        before = [codes.shape[1], *widths]
        self.steps = nn.ModuleList(
            nn.Sequential(
                nn.ConvTranspose2d(one, other, FIRST)
                if number == 0
                else nn.ConvTranspose2d(one, other, 4, stride=2, padding=1),
                nn.BatchNorm2d(other, track_running_stats=False),
                nn.ReLU(),
            )
            for number, (one, other) in enumerate(pairwise(before))
        )
        places = list(range(1, len(widths) - 1, 2)) or [0]
        self.conditions = nn.ModuleDict({str(place): Condition(widths[place], context) for place in places if context})

    def forward(self, context: Float[Tensor, "n D"] | None) -> Float[Tensor, "n F H W"]:
        if self.conditions and (context is None or len(context) != len(self.codes)):
            got = "none" if context is None else f"{len(context)}"
            raise ArgumentError(
                f"There are {len(self.codes)} codes, one for each row of conditions, and conditions of {got} rows: "
                "keep the batch size that the generator was made for."
            )
        h = self.codes
        for number, step in enumerate(self.steps):
            h = step(h)
            if str(number) in self.conditions:
                assert context is not None
                h = self.conditions[str(number)](h, context.to(h))
        return h


class DeltaGenerator(nn.Module):
    """One change for all pictures, made of codes and of what the words of a batch mean.

        p_n = tanh(up(h_n)),  n = 1 ... codes;      delta = conv3 over the p_n of a colour, at the pictures' size

    The codes' pictures are the channels of the last convolution, so one delta comes out of a batch. It is not bounded
    here: whoever uses it clamps it.

    Shapes:
        context: `(n, D)`; returns `(C, S, S)`.

    Arguments:
        channels, image_size: of the pictures.
        codes: n, a multiple of the batch: one for each scale of each sample.
        context: D, dimensions of the conditions; 0: none, as GAP.
        width: channels next to the picture; doubled towards the codes up to 16 times it. 32 in the authors' code.
        generator: draws the codes.

    Papers: Fang et al. 2025, https://arxiv.org/abs/2406.05491; GAP, Poursaeed et al. 2018,
        https://arxiv.org/abs/1712.02328
    """

    def __init__(
        self,
        *,
        channels: int,
        image_size: int,
        codes: int,
        context: int,
        width: int = 16,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        self.image_size = count(image_size, "image_size")
        self.arguments: dict[str, Any] = {
            "channels": count(channels, "channels"),
            "image_size": self.image_size,
            "codes": count(codes, "codes", least=2),
            "context": count(context, "context", least=0),
            "width": count(width, "width"),
        }
        doublings = 1
        while (SIDE + FIRST - 1) * 2**doublings < image_size:
            doublings += 1
        widths = [min(DEEPEST, 2**number) * width for number in range(doublings - 1, -1, -1)]
        self.maps = CodeMaps(_codes((codes, CODE, SIDE, SIDE), generator), widths, context)
        self.pictures = nn.ConvTranspose2d(width, channels, 4, stride=2, padding=1)
        self.fuse = nn.Conv2d(codes, 1, 3, padding=1)
        _begin(self)

    def forward(self, context: Float[Tensor, "n D"] | None = None) -> Float[Tensor, "C S S"]:
        made = self.pictures(self.maps(context)).tanh()  # (n, C, s, s), s >= S
        one = self.fuse(made.transpose(0, 1))  # (C, n, s, s) -> (C, 1, s, s)
        size = (self.image_size, self.image_size)
        if one.shape[2:] != size:
            one = functional.interpolate(one, size=size, mode="bilinear", align_corners=False)
        return one.squeeze(1)  # (C, S, S)


class WordGenerator(nn.Module):
    """One vector in the place of a word's, made of codes and of what the pictures of a batch show.

        p_n = tanh(conv3(h_n)),  n = 1 ... codes;     w = W vec(conv3 over the p_n)

    Shapes:
        context: `(n, D)`; returns `(E,)`.

    Arguments:
        dimension: E, of the vectors of words.
        codes, context, generator: as of `DeltaGenerator`.
        width: channels of the last map. 32 in the authors' code. That two convolutions and a linear map follow is
            [design].

    Paper: Fang et al. 2025, https://arxiv.org/abs/2406.05491
    """

    def __init__(
        self,
        *,
        dimension: int,
        codes: int,
        context: int,
        width: int = 16,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        widths = [2 * count(width, "width"), width]
        code = _codes((count(codes, "codes", least=2), WORD_CODE, *WORD_SIDES), generator)
        self.maps = CodeMaps(code, widths, count(context, "context", least=0))
        self.rows = nn.Conv2d(width, 1, 3, padding=1)
        self.fuse = nn.Conv2d(codes, 1, 3, padding=1)
        cells = math.prod(2 * (side + FIRST - 1) for side in WORD_SIDES)
        self.vector = nn.Linear(cells, count(dimension, "dimension"))
        _begin(self)

    def forward(self, context: Float[Tensor, "n D"] | None = None) -> Float[Tensor, " E"]:
        made = self.rows(self.maps(context)).tanh()  # (n, 1, h, w)
        vector: Tensor = self.vector(self.fuse(made.transpose(0, 1)).flatten())  # (1, 1, h, w) -> (E,)
        return vector


def _codes(shape: tuple[int, ...], generator: torch.Generator | None) -> Tensor:
    device = "cpu" if generator is None else generator.device
    return torch.randn(shape, generator=generator, device=device).cpu()


def _begin(network: nn.Module) -> None:
    """First weights of convolutions: normal with a deviation of 0.02, biases 0, as in DCGAN."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(module.weight, std=0.02)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
