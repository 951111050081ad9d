"""`Narrow`: a small transformer that reads with the table of another encoder."""

from __future__ import annotations

from typing import Any, cast

import torch
from jaxtyping import Float
from torch import Tensor, nn

from contrapose.encoders.arguments import count
from contrapose.encoders.attention import Block
from contrapose.encoders.capabilities import Lexical, check_capable
from contrapose.encoders.encoder import Encoder
from contrapose.encoders.in_chunks import by_rows
from contrapose.errors import ArgumentError
from contrapose.padded import Padded

LEAST_WIDTH, HEAD_WIDTH = 16, 16
"""Dimensions of the narrowest reader, and of a head at most [design]: below that attention tells little apart."""


class Narrow(Encoder):
    """The same words, read by a network of a share of the width: the one that makes up tokens for the wide one.

        x_t = W e(token_t) + p_t,      tokens = norm(blocks(x))

    The table e is the other encoder's own parameter, trained from both ends and held once: it is not among the
    parameters of this module. All else is new.

    Shapes:
        view: `Padded` numbers `(B, T)`; returns `(B, width)`, the mean over real tokens.

    Arguments:
        encoder: whose table it reads with (`Lexical`).
        share: of its width. 1/4 as in ELECTRA, where wider ones made the task too hard.
        blocks: how many.

    Errors:
        ArgumentError: an encoder without tokens in context, a share outside (0, 1].

    Paper: ELECTRA, https://arxiv.org/abs/2003.10555
    """

    def __init__(self, encoder: Encoder, *, share: float = 0.25, blocks: int = 2) -> None:
        super().__init__()
        check_capable(encoder, "tokens in context", asker="A generator of tokens")
        if not 0 < share <= 1:
            raise ArgumentError(f"share is {share:g}: a generator has a width in (0, 1] of the encoder's.")
        self._encoder = (encoder,)  # in a tuple: it is not this module's, and checkpoints hold it once
        heads = max(1, int(share * encoder.dimension) // HEAD_WIDTH)
        self.width = max(LEAST_WIDTH, int(share * encoder.dimension) // heads * heads)
        self.name, self.arguments = "narrow", {"share": share, "blocks": blocks}
        self.enter = nn.Linear(self.table.shape[1], self.width)
        self.positions = nn.Parameter(torch.zeros(1, int(encoder.form["max_length"]), self.width))
        self.blocks = nn.ModuleList(Block(self.width, heads) for _ in range(count(blocks, "blocks")))
        self.norm = nn.LayerNorm(self.width, eps=1e-6)
        nn.init.trunc_normal_(self.positions, std=0.02)

    @property
    def wide(self) -> Lexical:
        """The encoder that it reads with."""
        return cast("Lexical", self._encoder[0])

    @property
    def form(self) -> dict[str, Any]:
        return self._encoder[0].form

    @property
    def dimension(self) -> int:
        return self.width

    @property
    def special(self) -> tuple[int, ...]:
        return self.wide.special

    @property
    def table(self) -> Float[Tensor, "M E"]:
        return self.wide.table

    def embed(self, view: Padded) -> Float[Tensor, "B T E"]:
        return self.wide.embed(view)

    def tokens_of(self, embedded: Float[Tensor, "B T E"], view: Padded) -> Float[Tensor, "B T D"]:
        x = self.enter(embedded) + self.positions[:, : view.shape[1]]  # (B, T, E) -> (B, T, D)
        for block in self.blocks:
            x = block(x, view.mask)  # (B, T, D)
        return self.norm(x)

    @by_rows
    def tokens(self, view: Padded) -> Float[Tensor, "B T D"]:
        return self.tokens_of(self.embed(view), view)

    def pool(self, tokens: Float[Tensor, "B T D"], view: Padded) -> Float[Tensor, "B D"]:
        real = view.mask.unsqueeze(-1).to(tokens.dtype)  # (B, T, 1)
        return (tokens * real).sum(dim=1) / real.sum(dim=1)  # (B, D)

    def forward(self, view: Padded) -> Float[Tensor, "B D"]:
        return self.pool(self.tokens(view), view)  # (B, D)
