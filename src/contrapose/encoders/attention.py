"""Bricks of transformers, of pictures and of texts: attention over the steps of a sequence, and the block around it."""

from __future__ import annotations

from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional


class Attention(nn.Module):
    """Multi-head self-attention: softmax(q k' / sqrt(D / heads)) v, for all heads at once.

    Shapes:
        x: `(B, T, D)`; returns `(B, T, D)`.
        mask: `(B, T)`, True where a step is real: nobody attends to the others. Each row has one at least. `(B, T, T)`,
            True where the step of the row attends to that of the column.

    Arguments:
        dropout: chance of each weight of the softmax to become 0 while training.
    """

    def __init__(self, dimension: int, heads: int, *, dropout: float = 0.0) -> None:
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.project_in = nn.Linear(dimension, 3 * dimension)
        self.project_out = nn.Linear(dimension, dimension)

    def forward(self, x: Float[Tensor, "B T D"], mask: Bool[Tensor, "B ..."] | None = None) -> Float[Tensor, "B T D"]:
        B, T, D = x.shape
        q, k, v = self.heads_of(self.project_in(x))  # (B, T, 3D) -> each (B, h, T, D/h)
        seen = None if mask is None else mask.view(B, 1, -1, T)  # (B, 1, 1, T) or (B, 1, T, T)
        dropout = self.dropout if self.training else 0.0
        mixed = functional.scaled_dot_product_attention(q, k, v, attn_mask=seen, dropout_p=dropout)  # (B, h, T, D/h)
        return self.project_out(mixed.transpose(1, 2).reshape(B, T, D))  # (B, T, D)

    def heads_of(self, projected: Float[Tensor, "B T D3"]) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values of each head, `(B, h, T, D/h)` each, out of what `project_in` gives."""
        B, T, width = projected.shape
        qkv = projected.view(B, T, 3, self.heads, width // (3 * self.heads))  # (B, T, 3, h, D/h)
        q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind(0)  # each (B, h, T, D/h)
        return q, k, v


class Block(nn.Module):
    """x <- x + attention(norm(x)), then x <- x + mlp(norm(x)); the MLP is four times as wide.

    Shapes:
        x: `(B, T, D)`; returns `(B, T, D)`.
        mask: `(B, T)`, True where a step is real; `None`: all are.

    Arguments:
        dropout: chance of each number of what is added to x to become 0 while training.
    """

    def __init__(self, dimension: int, heads: int, *, dropout: float = 0.0) -> None:
        super().__init__()
        self.norm_attention = nn.LayerNorm(dimension, eps=1e-6)
        self.attention = Attention(dimension, heads)
        self.norm_mlp = nn.LayerNorm(dimension, eps=1e-6)
        self.mlp = nn.Sequential(nn.Linear(dimension, 4 * dimension), nn.GELU(), nn.Linear(4 * dimension, dimension))
        self.dropout = nn.Dropout(dropout) if dropout else nn.Identity()

    def forward(self, x: Float[Tensor, "B T D"], mask: Bool[Tensor, "B T"] | None = None) -> Float[Tensor, "B T D"]:
        x = x + self.dropout(self.attention(self.norm_attention(x), mask))
        return x + self.dropout(self.mlp(self.norm_mlp(x)))
