"""From tokens of some patches to the pixels of all: the small decoder of a masked auto-encoder."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from contrapose.encoders.attention import Block
from contrapose.errors import ArgumentError

LONGEST_WAVE = 10_000.0  # of the positions, as of those of transformers


class PatchDecoder(nn.Module):
    """Tokens of seen patches take their places again, one learned token stands for each hidden one, and a few blocks
    make pixels of all of them.

        t_i = W token_i where i was seen, m where it was not;   pixels = V norm(blocks(t + positions))

    Positions are sines and cosines of row and column, and not learned.

    Shapes:
        tokens: `(B, F + K, D)`, F before those of patches; kept: `(B, K)`, numbers of the patches that were seen.
        returns: `(B, n, P)`, the values of each of n = grid^2 patches.

    Arguments:
        dimension: D.
        grid: patches along a side.
        values: P.
        first_tokens: F; they are seen by the decoder and make no pixels.
        width: of the decoder's tokens, a multiple of 4 and of `heads`.

    Errors:
        ArgumentError: such a width is not given.

    Paper: He et al. 2022, https://arxiv.org/abs/2111.06377
    """

    positions: Tensor

    def __init__(
        self, dimension: int, grid: int, values: int, *, first_tokens: int, width: int, blocks: int, heads: int
    ) -> None:
        super().__init__()
        if width < 4 or width % 4 or width % heads:
            raise ArgumentError(f"The decoder's width must be a multiple of 4 and of its {heads} heads, got {width}.")
        self.first_tokens, self.patches = first_tokens, grid**2
        self.entry = nn.Linear(dimension, width)
        self.hidden = nn.Parameter(torch.empty(width))
        self.register_buffer("positions", _positions(grid, width), persistent=False)
        self.blocks = nn.Sequential(*(Block(width, heads) for _ in range(blocks)))
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.pixels = nn.Linear(width, values)
        self._initialise()

    def _initialise(self) -> None:
        """As the encoder's: truncated normals of 0.02, zero biases."""
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.trunc_normal_(module.weight, std=0.02)
                nn.init.zeros_(module.bias)
        nn.init.trunc_normal_(self.hidden, std=0.02)

    def forward(self, tokens: Float[Tensor, "B T D"], kept: Int[Tensor, "B K"]) -> Float[Tensor, "B n P"]:
        entered = self.entry(tokens)  # (B, F + K, E)
        first, seen = entered.split([self.first_tokens, kept.shape[1]], dim=1)  # (B, F, E), (B, K, E)
        places = kept.unsqueeze(-1).expand_as(seen)  # (B, K, E)
        all_patches = self.hidden.to(seen.dtype).expand(len(seen), self.patches, -1)  # (B, n, E)
        all_patches = all_patches.scatter(1, places, seen) + self.positions.to(seen.dtype)  # (B, n, E)
        made = self.norm(self.blocks(torch.cat([first, all_patches], dim=1)))  # (B, F + n, E)
        return self.pixels(made[:, self.first_tokens :])  # (B, n, P)


def _positions(grid: int, width: int) -> Float[Tensor, "n E"]:
    """A quarter of the numbers each: sines and cosines of the row, sines and cosines of the column."""
    waves = LONGEST_WAVE ** -(torch.arange(width // 4) / (width // 4))  # (E/4,)
    angles = torch.arange(grid).unsqueeze(1) * waves  # (g, E/4)
    side = torch.cat([angles.sin(), angles.cos()], dim=1)  # (g, E/2)
    rows = side.unsqueeze(1).expand(grid, grid, -1)  # (g, g, E/2)
    return torch.cat([rows, rows.transpose(0, 1)], dim=2).flatten(0, 1)  # (n, E)
