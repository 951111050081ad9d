"""`word_conv`: embeddings of words, one convolution over neighbours, the largest answer anywhere in the text."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from contrapose.encoders.arguments import count, share
from contrapose.encoders.texts.backbone import LexicalBackbone, text_encoder
from contrapose.errors import ArgumentError
from contrapose.padded import Padded


class WordConvolution(LexicalBackbone):
    """A bank of detectors of short runs of words, each reporting how well its run was found.

        tokens_t = relu( sum_k W_k x_(t+k) + b ),  k = -(width - 1)/2 .. (width - 1)/2
        features = max over the real tokens

    The order of words counts within a run and nowhere else. Padding is zero to the convolution and is no token.

    Number of parameters, with M tokens in the vocabulary and D dimensions: M D + width D^2 + D.

    Shapes:
        view: `Padded` numbers `(B, T)`; returns `(B, D)`, `tokens` returns `(B, T, D)`.

    Paper: Kim 2014, https://arxiv.org/abs/1408.5882; as the encoder of CLESS, https://arxiv.org/abs/2010.01061
    """

    def __init__(self, vocabulary: int, *, dimension: int, width: int, dropout: float) -> None:
        super().__init__()
        self.dimension = dimension
        self.embedding = nn.Embedding(vocabulary, dimension)
        nn.init.normal_(self.embedding.weight, std=0.1)
        self.dropout = nn.Dropout(dropout) if dropout else nn.Identity()
        self.convolution = nn.Conv1d(dimension, dimension, width, padding=width // 2)

    @property
    def table(self) -> Float[Tensor, "M D"]:
        return self.embedding.weight

    def tokens_of(self, embedded: Float[Tensor, "B T D"], view: Padded) -> Float[Tensor, "B T D"]:
        x = self.dropout(embedded).masked_fill(~view.mask.unsqueeze(-1), 0.0)  # (B, T, D)
        return functional.relu(self.convolution(x.transpose(1, 2))).transpose(1, 2)  # (B, D, T) -> (B, T, D)

    def pool(self, tokens: Float[Tensor, "B T D"], view: Padded) -> Float[Tensor, "B D"]:
        lowest = torch.finfo(tokens.dtype).min
        return tokens.masked_fill(~view.mask.unsqueeze(-1), lowest).amax(dim=1)  # (B, D)


@text_encoder("word_conv", tokenizer="words")
def word_conv(
    *, vocabulary: int, max_length: int, dimension: int = 128, width: int = 3, dropout: float = 0.1
) -> WordConvolution:
    """Half a million weights for 4,000 words: between `bag_of_words` and `transformer` in cost and in what it sees.

    Arguments:
        dimension: of words and embeddings. 128 [design].
        width: words of a run, an odd number. 3 as the smallest of Kim's.
        dropout: chance of each number of a word to become 0 while training; 0.1 as in BERT.

    Errors:
        ArgumentError: sizes below 1, an even width, a dropout that is no share.
    """
    return WordConvolution(
        vocabulary,
        dimension=count(dimension, "dimension"),
        width=_odd(count(width, "width")),
        dropout=share(dropout, "dropout"),
    )


def _odd(width: int) -> int:
    if width % 2 == 0:
        raise ArgumentError(f"width={width} has no middle: give an odd number of words, such as {width + 1}.")
    return width
