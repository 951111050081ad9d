"""`item_bag`: the mean of the items' vectors; their order is lost."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from contrapose.encoders.arguments import count, share
from contrapose.encoders.items.backbone import ItemBackbone, item_encoder, known
from contrapose.padded import Padded


class ItemBag(ItemBackbone):
    """z = dropout(mean over the items of their vectors): items whose vectors point its way are what fits a history.

    Number of parameters, with M items and D dimensions: (M + 1) D.

    Shapes:
        view: `Padded` numbers `(B, T)`; returns `(B, D)`, zeros where every item is hidden.
    """

    def __init__(self, items: int, *, dimension: int, dropout: float) -> None:
        super().__init__(items, dimension, std=0.1)  # means of ten then have a length of about sqrt(D) / 30
        self.dropout = nn.Dropout(dropout)

    def forward(self, view: Padded) -> Float[Tensor, "B D"]:
        real = known(view).to(self.table.dtype)  # (B, T)
        weights = real / real.sum(dim=1, keepdim=True).clamp(min=1)  # (B, T)
        mean = functional.embedding_bag(view.values, self.table, per_sample_weights=weights, mode="sum")  # (B, D)
        return self.dropout(mean)


@item_encoder("item_bag")
def item_bag(*, items: int, max_length: int, dimension: int = 64, dropout: float = 0.1) -> ItemBag:
    """The quick baseline, to see what order is worth.

    Arguments:
        dimension: of items and embeddings. 64, as of `sasrec`.
        dropout: chance of each number of the mean to become 0 while training. 0.1 [design].

    Errors:
        ArgumentError: a size below 1, a dropout that is no share.
    """
    return ItemBag(items, dimension=count(dimension, "dimension"), dropout=share(dropout, "dropout"))
