"""`sasrec`: a transformer that reads a history forward, and is read at its last item."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from contrapose.encoders.arguments import count, share
from contrapose.encoders.attention import Attention
from contrapose.encoders.items.backbone import ItemBackbone, item_encoder, known
from contrapose.errors import ArgumentError
from contrapose.padded import Padded

EPSILON = 1e-12
"""Added to the variance in layer normalisation, as in BERT and RecBole's SASRec."""


class PostNormBlock(nn.Module):
    """x <- norm(x + attention(x)), then x <- norm(x + mlp(x)): the block of BERT.

    Shapes:
        x: `(B, T, D)`; returns `(B, T, D)`.
        seen: `(B, T, T)`, True where the step of the row may look at that of the column.
    """

    def __init__(self, dimension: int, heads: int, *, hidden: int, dropout: float) -> None:
        super().__init__()
        self.attention = Attention(dimension, heads, dropout=dropout)
        self.norm_attention = nn.LayerNorm(dimension, eps=EPSILON)
        self.mlp = nn.Sequential(nn.Linear(dimension, hidden), nn.GELU(), nn.Linear(hidden, dimension))
        self.norm_mlp = nn.LayerNorm(dimension, eps=EPSILON)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Float[Tensor, "B T D"], seen: Bool[Tensor, "B T T"]) -> Float[Tensor, "B T D"]:
        x = self.norm_attention(x + self.dropout(self.attention(x, seen)))
        return self.norm_mlp(x + self.dropout(self.mlp(x)))


class SasRec(ItemBackbone):
    """Embeddings of items and of their places, post-norm blocks that look back only; the last state is the embedding.

        x_t = dropout(norm(e(item_t) + p_t)),   t = 0, 1, ... < max_length, oldest item first
        states = blocks(x),   features = states at the last step of the history

    A step looks at itself and at those before it, as far as they hold an item: a hidden one (number 0 within the
    history) is a step without an item, at which nobody looks, and the last step is read even where it is hidden. A step
    that would see nothing sees itself.

    Number of parameters, with M items, T places, D dimensions, F hidden units and L blocks:
    (M + 1) D + T D + 2 D + L (4 D^2 + 4 D + 2 D F + F + D + 4 D).

    Shapes:
        view: `Padded` numbers `(B, T')`, T' at most `max_length`; returns `(B, D)`, `states` returns `(B, T', D)`.

    Errors:
        ArgumentError: histories of more items than it has places for.

    Papers: Kang and McAuley 2018, https://arxiv.org/abs/1808.09781; with the block of BERT as in RecBole,
        https://arxiv.org/abs/2011.01731
    """

    def __init__(
        self, items: int, max_length: int, *, dimension: int, blocks: int, heads: int, hidden: int, dropout: float
    ) -> None:
        super().__init__(items, dimension, std=0.02)
        self.max_length = max_length
        self.positions = nn.Parameter(torch.zeros(1, max_length, dimension))
        self.norm = nn.LayerNorm(dimension, eps=EPSILON)
        self.dropout = nn.Dropout(dropout)
        self.blocks = nn.ModuleList(
            PostNormBlock(dimension, heads, hidden=hidden, dropout=dropout) for _ in range(blocks)
        )
        self._initialise()

    def _initialise(self) -> None:
        """Normals of 0.02 and zero biases, as in BERT."""
        nn.init.normal_(self.positions, std=0.02)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, std=0.02)
                nn.init.zeros_(module.bias)

    def states(self, view: Padded) -> Float[Tensor, "B T D"]:
        """What is known after each step, from it and those before; what stands at padding means nothing."""
        length = view.shape[1]
        if length > self.max_length:
            raise ArgumentError(
                f"This encoder was built for histories of {self.max_length} items and was given {length}. Cut them to "
                "the last ones, or build it with a larger max_length (--max-length)."
            )
        x = self.dropout(self.norm(self.embedding(view.values) + self.positions[:, :length]))  # (B, T, D)
        seen = _seen(view)  # (B, T, T)
        for block in self.blocks:
            x = block(x, seen)  # (B, T, D)
        return x

    def forward(self, view: Padded) -> Float[Tensor, "B D"]:
        states = self.states(view)  # (B, T, D)
        last = (view.lengths - 1).view(-1, 1, 1).expand(-1, 1, states.shape[2])  # (B, 1, D)
        return states.gather(1, last).squeeze(1)  # (B, D)


def _seen(view: Padded) -> Bool[Tensor, "B T T"]:
    """Which steps each step looks at."""
    T = view.shape[1]
    back = torch.ones(T, T, dtype=torch.bool, device=view.device).tril()  # (T, T)
    seen = known(view)[:, None, :] & back  # (B, T, T)
    itself = torch.eye(T, dtype=torch.bool, device=view.device)  # (T, T)
    return seen | (itself & ~seen.any(dim=2, keepdim=True))  # without one, softmax would divide by zero


@item_encoder("sasrec")
def sasrec(
    *,
    items: int,
    max_length: int,
    dimension: int = 64,
    blocks: int = 2,
    heads: int = 2,
    hidden: int = 256,
    dropout: float = 0.5,
) -> SasRec:
    """Two blocks of 64 dimensions, as RecBole has SASRec, and MCLRec and its baselines are measured.

    Arguments:
        dimension: of items and embeddings; `heads` must divide it. 64 in RecBole (https://arxiv.org/abs/2011.01731).
        blocks, heads: how many; 2 and 2 in RecBole, 2 and 1 in the paper (https://arxiv.org/abs/1808.09781).
        hidden: units of each block's perceptron. 256 in RecBole.
        dropout: chance of each number to become 0 while training, of embeddings, of attention and behind both parts of
            a block. 0.5 for sparse data (Amazon, Yelp), 0.1 to 0.2 for dense ones (MovieLens), as in the papers of
            SASRec and MCLRec (https://arxiv.org/abs/2304.07763).

    Errors:
        ArgumentError: sizes below 1, heads that do not divide the dimension, a dropout that is no share.
    """
    dimension, heads = count(dimension, "dimension"), count(heads, "heads")
    if dimension % heads:
        fitting = [number for number in range(1, dimension + 1) if dimension % number == 0 and number <= 16]
        raise ArgumentError(f"{heads} heads do not divide {dimension} dimensions: give heads out of {fitting}.")
    return SasRec(
        items,
        max_length,
        dimension=dimension,
        blocks=count(blocks, "blocks"),
        heads=heads,
        hidden=count(hidden, "hidden"),
        dropout=share(dropout, "dropout"),
    )
