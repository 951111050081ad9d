"""What a backbone of items is, and the list of those that are known by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from contrapose.padded import Padded
from contrapose.registry import Registry

MakeT = TypeVar("MakeT", bound="Callable[..., ItemBackbone]")


class ItemBackbone(nn.Module):
    """Numbers of items to one row of features a history. To add one, write a factory and register it:

        @item_encoder("my_net")
        def my_net(*, items: int, max_length: int, width: int = 64) -> ItemBackbone: ...

    Shapes:
        view: `Padded` numbers `(B, T)`, T at most `max_length`, 0 where nothing is or an item is hidden; padding
            changes nothing.
        returns: `(B, dimension)`.

    Attributes:
        dimension: length of one row of features.
        items: M; the table has a row more, the first, which is zero and stays so.
    """

    dimension: int

    def __init__(self, items: int, dimension: int, *, std: float) -> None:
        super().__init__()
        self.items, self.dimension = items, dimension
        self.embedding = nn.Embedding(items + 1, dimension, padding_idx=0)
        nn.init.normal_(self.embedding.weight, std=std)
        with torch.no_grad():
            self.embedding.weight[0] = 0  # padding_idx only keeps its gradient at zero

    @property
    def table(self) -> Float[Tensor, "M+1 D"]:
        return self.embedding.weight

    def forward(self, view: Padded) -> Float[Tensor, "B D"]:
        raise NotImplementedError(f"{type(self).__name__} defines no forward.")


def known(view: Padded) -> Bool[Tensor, "B T"]:
    """Where an item is that can be seen: neither padding nor hidden."""
    return view.mask & (view.values > 0)


ITEM_ENCODERS: Registry[Callable[..., Any]] = Registry("encoder of items")
"""Names to factories `(*, items, max_length, **arguments) -> ItemBackbone`."""


def item_encoder(name: str) -> Callable[[MakeT], MakeT]:
    """Decorator: register a factory of backbones of items, which stays a function that can be called."""

    def add(make: MakeT) -> MakeT:
        ITEM_ENCODERS.register(name)(make)
        return make

    return add
