"""`LanguageHead`: from the vector of a token to how likely each token of the vocabulary stands there."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from contrapose.encoders.capabilities import Lexical


class LanguageHead(nn.Module):
    """What guesses tokens from their vectors, with the encoder's own table for output weights; thrown away afterwards.

        logits = table norm(gelu(W h + b)) + c

    Only W, b, c and the norm are its own: the table is handed over, so that no checkpoint holds it twice.

    Shapes:
        tokens: `(..., D)`; table: `(M, E)`; returns `(..., M)` logits in float32.

    Arguments:
        encoder: whose tokens are guessed; it must be `Lexical`.

    Papers: BERT, https://arxiv.org/abs/1810.04805; one table for both ends, https://arxiv.org/abs/1608.05859
    """

    def __init__(self, encoder: Lexical, dimension: int) -> None:
        super().__init__()
        size, width = encoder.table.shape
        self.linear = nn.Linear(dimension, width)
        self.norm = nn.LayerNorm(width)
        self.bias = nn.Parameter(torch.zeros(size))
        nn.init.trunc_normal_(self.linear.weight, std=0.02)
        nn.init.zeros_(self.linear.bias)

    def forward(self, tokens: Float[Tensor, "*N D"], table: Float[Tensor, "M E"]) -> Float[Tensor, "*N M"]:
        x = self.norm(functional.gelu(self.linear(tokens)))  # (..., E)
        return functional.linear(x, table, self.bias).float()  # (..., M)
