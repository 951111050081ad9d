"""`bag_of_words`: the mean of the words' embeddings through a small perceptron; the order of words is lost."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from contrapose.encoders.arguments import count, share
from contrapose.encoders.texts.backbone import TabledBackbone, mean_of_tokens, text_encoder
from contrapose.padded import Padded
from contrapose.tracing import is_compiling


class BagOfWords(TabledBackbone):
    """z = W2 relu(W1 m + b1) + b2,   m = mean over the tokens of their embeddings.

    Number of parameters, with M tokens in the vocabulary, D dimensions and H hidden units:
    M D + (D + 1) H + (H + 1) D.

    Shapes:
        view: `Padded` numbers `(B, T)`; returns `(B, D)`.

    Paper: deep averaging networks, Iyyer et al. 2015, https://aclanthology.org/P15-1162
    """

    def __init__(self, vocabulary: int, *, dimension: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.dimension = dimension
        self.embedding = nn.Embedding(vocabulary, dimension)
        nn.init.normal_(self.embedding.weight, std=0.1)  # means of ten words then have a length of about sqrt(D) / 30
        self.dropout = nn.Dropout(dropout) if dropout else nn.Identity()
        self.layers = nn.Sequential(nn.Linear(dimension, hidden), nn.ReLU(), nn.Linear(hidden, dimension))

    @property
    def table(self) -> Float[Tensor, "M D"]:
        return self.embedding.weight

    def forward(self, view: Padded) -> Float[Tensor, "B D"]:
        table = self.embedding.weight  # (M, D)
        real = view.mask.to(table.dtype)  # (B, T)
        weights = real / real.sum(dim=1, keepdim=True)  # (B, T)
        if is_compiling():  # ONNX knows no bags: they would become a loop over the texts
            mean = (self.embedding(view.values) * weights.unsqueeze(-1)).sum(dim=1)  # (B, T, D) -> (B, D)
        else:  # the embeddings of all words, (B, T, D), take more than twice as long to make
            mean = functional.embedding_bag(view.values, table, per_sample_weights=weights, mode="sum")  # (B, D)
        return self.layers(self.dropout(mean))  # (B, D)

    def entered(self, embedded: Float[Tensor, "B T D"], view: Padded) -> Float[Tensor, "B D"]:
        return self.layers(self.dropout(mean_of_tokens(embedded, view)))  # (B, D)


@text_encoder("bag_of_words", tokenizer="words")
def bag_of_words(
    *, vocabulary: int, max_length: int, dimension: int = 128, hidden: int = 256, dropout: float = 0.1
) -> BagOfWords:
    """The quick baseline: it trains in a minute on two cores, and often is not far behind.

    Arguments:
        dimension: of words and embeddings. 128 [design].
        hidden: units between. 256 [design].
        dropout: chance of each number of the mean to become 0 while training; 0.1 as in BERT
            (https://arxiv.org/abs/1810.04805). Two passes of one text then differ, as SimCSE needs.

    Errors:
        ArgumentError: sizes below 1, a dropout that is no share.
    """
    return BagOfWords(
        vocabulary,
        dimension=count(dimension, "dimension"),
        hidden=count(hidden, "hidden"),
        dropout=share(dropout, "dropout"),
    )
