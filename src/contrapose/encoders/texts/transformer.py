"""`transformer`: a small transformer over words or pieces of words, read in both directions."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from contrapose.encoders.arguments import choice, count, share
from contrapose.encoders.attention import Block
from contrapose.encoders.texts.backbone import LexicalBackbone, mean_of_tokens, text_encoder
from contrapose.errors import ArgumentError
from contrapose.padded import Padded

POOLINGS = ("mean", "token")


class TextTransformer(LexicalBackbone):
    """Embeddings of tokens and of their places, pre-norm blocks; features are the mean or the first token.

        x_t = e(token_t) + p_t,   t = 0, 1, ... < max_length
        tokens = norm(blocks(x)),   features = mean over the real tokens, or tokens_0 ([CLS])

    Nobody attends to padding, and it is in no mean: how a text is padded changes nothing.

    Number of parameters, with M tokens in the vocabulary, T places, D dimensions and L blocks:
    M D + T D + L (12 D^2 + 13 D) + 2 D.

    Shapes:
        view: `Padded` numbers `(B, T')`, T' at most `max_length`; returns `(B, D)`, `tokens` returns `(B, T', D)`.

    Errors:
        ArgumentError: texts of more tokens than it has places for.

    Papers: Vaswani et al. 2017, https://arxiv.org/abs/1706.03762; pre-norm, Xiong et al. 2020,
        https://arxiv.org/abs/2002.04745
    """

    def __init__(
        self, vocabulary: int, max_length: int, *, dimension: int, blocks: int, heads: int, pooling: str, dropout: float
    ) -> None:
        super().__init__()
        self.dimension = dimension
        self.max_length = max_length
        self.pooling = pooling
        self.embedding = nn.Embedding(vocabulary, dimension)
        self.positions = nn.Parameter(torch.zeros(1, max_length, dimension))
        self.dropout = nn.Dropout(dropout) if dropout else nn.Identity()
        self.blocks = nn.ModuleList(Block(dimension, heads, dropout=dropout) for _ in range(blocks))
        self.norm = nn.LayerNorm(dimension, eps=1e-6)
        self._initialise()

    def _initialise(self) -> None:
        """Normals of 0.02 and zero biases, as in BERT."""
        for module in self.modules():
            if isinstance(module, nn.Linear | nn.Embedding):
                nn.init.trunc_normal_(module.weight, std=0.02)
            if isinstance(module, nn.Linear):
                nn.init.zeros_(module.bias)
        nn.init.trunc_normal_(self.positions, std=0.02)

    @property
    def table(self) -> Float[Tensor, "M D"]:
        return self.embedding.weight

    def tokens_of(self, embedded: Float[Tensor, "B T D"], view: Padded) -> Float[Tensor, "B T D"]:
        length = view.shape[1]
        if length > self.max_length:
            raise ArgumentError(
                f"This transformer was built for texts of {self.max_length} tokens and was given {length}. "
                "Cut them, or build it with a larger max_length (--max-length)."
            )
        x = self.dropout(embedded + self.positions[:, :length])  # (B, T, D)
        for block in self.blocks:
            x = block(x, view.mask)  # (B, T, D)
        return self.norm(x)

    def pool(self, tokens: Float[Tensor, "B T D"], view: Padded) -> Float[Tensor, "B D"]:
        return tokens[:, 0] if self.pooling == "token" else mean_of_tokens(tokens, view)  # (B, D)


@text_encoder("transformer", tokenizer="pieces")
def transformer(
    *,
    vocabulary: int,
    max_length: int,
    dimension: int = 128,
    blocks: int = 2,
    heads: int = 4,
    pooling: str = "mean",
    dropout: float = 0.1,
) -> TextTransformer:
    """Two blocks of 128 dimensions, the size of BERT-tiny (https://arxiv.org/abs/1908.08962): two cores can train it.

    Arguments:
        dimension: of tokens and embeddings; `heads` must divide it.
        blocks, heads: how many. 2 as in BERT-tiny; 4 heads, of 32 dimensions each [design].
        pooling: `"mean"` over the real tokens, as Sentence-BERT found best (https://arxiv.org/abs/1908.10084), or
            `"token"`, the first one, [CLS], as in BERT and SimCSE.
        dropout: chance of each number to become 0 while training, in embeddings and after attention and perceptron;
            0.1 as in BERT. Two passes of one text then differ, as SimCSE needs.

    Errors:
        ArgumentError: sizes below 1, heads that do not divide the dimension, another pooling.
    """
    dimension, heads = count(dimension, "dimension"), count(heads, "heads")
    if dimension % heads:
        fitting = [number for number in range(1, dimension + 1) if dimension % number == 0 and number <= 16]
        raise ArgumentError(f"{heads} heads do not divide {dimension} dimensions: give heads out of {fitting}.")
    return TextTransformer(
        vocabulary,
        max_length,
        dimension=dimension,
        blocks=count(blocks, "blocks"),
        heads=heads,
        pooling=choice(pooling, "pooling", POOLINGS),
        dropout=share(dropout, "dropout"),
    )
