"""A small encoder of histories, batches of them, and the learners of what comes next, in float64."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from contrapose import objectives
from contrapose.data import Batch
from contrapose.learners import Augmenter, ContrastedNextItem, LearnedViews, NextItem
from contrapose.padded import Padded
from contrapose.pairing import Pairing

ITEMS, DIMENSION, BATCH = 9, 8, 6


class Histories(nn.Module):
    """The mean of the items' vectors through a layer, with dropout if asked for."""

    name, dimension = "histories", DIMENSION

    def __init__(self, dropout: float = 0.0) -> None:
        super().__init__()
        self.embedding = nn.Embedding(1 + ITEMS, DIMENSION)
        self.layer, self.dropout = nn.Linear(DIMENSION, DIMENSION), nn.Dropout(dropout)

    @property
    def table(self) -> Tensor:
        return self.embedding.weight

    def forward(self, view: Padded) -> Tensor:
        real = view.mask.unsqueeze(2)  # (B, T, 1)
        mean = (self.embedding(view.values) * real).sum(1) / real.sum(1)  # (B, D)
        return self.dropout(torch.tanh(self.layer(mean)))


def some_view(size: int, generator: torch.Generator) -> Padded:
    lengths = torch.randint(1, 5, (size,), generator=generator)
    mask = torch.arange(int(lengths.max())) < lengths.unsqueeze(1)  # (B, T)
    values = torch.randint(1, ITEMS + 1, mask.shape, generator=generator)
    return Padded(values * mask, mask)


def some_batch(views: int = 3, *, seed: int = 0, own: slice = slice(None), turn: str = "all", **targets: Any) -> Batch:
    """What one process has of a batch of six."""
    generator = torch.Generator().manual_seed(seed)
    made = tuple(some_view(BATCH, generator)[own] for _ in range(views))
    following = torch.randint(1, ITEMS + 1, (BATCH,), generator=generator)
    known = {name: values[own] for name, values in {"next": following, **targets}.items()}
    return Batch(views=made, indices=torch.arange(BATCH)[own], targets=known, turn=turn)


def contrast(h: Tensor, pairing: Pairing, rows: Tensor | None) -> Tensor:
    return objectives.nt_xent(h, pairing, temperature=1.0, normalize=False, rows=rows)


def held(pair: Tensor, pairing: Pairing, rows: Tensor | None) -> Tensor:
    regulariser = objectives.contrastive_regulariser(pair, pairing, rows=rows)
    return contrast(pair, pairing, rows) + 0.1 * regulariser


def encoder(dropout: float = 0.0) -> Any:
    torch.manual_seed(0)
    return Histories(dropout).double()


def next_item(*, dropout: float = 0.0) -> NextItem:
    return NextItem(encoder(dropout), objectives.next_item)


def contrasted(weight: float = 0.3, *, dropout: float = 0.0) -> ContrastedNextItem:
    return ContrastedNextItem(encoder(dropout), objectives.next_item, contrast, weight=weight)


def learned(weight: float = 0.3, learned_weight: float = 0.5, *, joint: bool = False, dropout: float = 0.0) -> Any:
    made = encoder(dropout)
    torch.manual_seed(1)
    learner = LearnedViews(
        made, objectives.next_item, contrast, held, weight=weight, learned_weight=learned_weight, joint=joint
    )
    return learner.double()


__all__ = ["Augmenter", "contrasted", "learned", "next_item", "some_batch"]
