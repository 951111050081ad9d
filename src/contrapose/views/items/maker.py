"""`ItemViewMaker`: a batch of histories into views of it, by crop, mask and reorder, all histories at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Int64
from torch import Tensor

from contrapose.padded import Padded
from contrapose.views.items.options import ItemViews

ROUNDING = 1e-9
"""Added before rounding down: 0.29 of 100 items are 29, and not the 28 that binary fractions make of it."""


class ItemViewMaker:
    """Random views of a batch of histories; of each history the operators are drawn without replacement.

        crop     a run of max(1, floor(crop L)) items stays, its start uniform among all, moved to the front
        mask     min(floor(mask L), L - 1) items, any of them, are hidden: the step stays, without its item (number 0)
        reorder  the items of a run of floor(reorder L), its start uniform among all, change places at random

    L is the length of the history as the encoder reads it. With L = 1 every view is the history itself. With more views
    than operators these are drawn anew when all were there.

    Shapes:
        raw: B histories, or `Padded` numbers `(B, T)`; returns `count` views, each `Padded` `(B, T')`, T' being as long
            as the longest history that is left.

    Arguments:
        options: shares and number of views; their docstrings name the source of each default.
        prepare: histories to `Padded`, `encoder.prepare`.

    Closed form: a history of 5 items has 2 after a crop by 0.5, 3 and 2 hidden ones after a mask by 0.5, and 4 that may
    have moved after a reorder by 0.8. Paper: CL4SRec, https://arxiv.org/abs/2010.14395.
    """

    def __init__(self, options: ItemViews | None, prepare: Callable[[Any], Padded]) -> None:
        self.options = options or ItemViews()
        self.prepare = prepare

    @torch.no_grad()
    def __call__(self, raw: Any, *, generator: torch.Generator | None = None) -> tuple[Padded, ...]:
        """Views of the histories; the same state of `generator` (torch's global one if `None`) gives the same views."""
        histories = raw if isinstance(raw, Padded) else self.prepare(raw)
        names = self.options.operators
        if not names:
            return (histories,) * self.options.count
        draw = _Draws(generator, histories)
        chosen = self._chosen(draw, len(names))  # (V, B)
        return tuple(self._view(histories, operator, draw) for operator in chosen)

    def _chosen(self, draw: _Draws, operators: int) -> Int64[Tensor, "V B"]:
        """The place of the operator of each view of each history."""
        rounds = -(-self.options.count // operators)
        orders = [draw.uniform(operators).argsort(dim=1).T for _ in range(rounds)]  # (K, B) each
        return torch.cat(orders)[: self.options.count]

    def _view(self, histories: Padded, operator: Int64[Tensor, "B"], draw: _Draws) -> Padded:
        lengths = histories.lengths[:, None]  # (B, 1)
        values, mask = histories.values, histories.mask
        for place, name in enumerate(self.options.operators):
            made = getattr(self, f"_{name}")(histories, lengths, draw)
            mine = (operator[:, None] == place) & (lengths > 1)  # (B, 1)
            values, mask = torch.where(mine, made.values, values), torch.where(mine, made.mask, mask)
        view = Padded(values, mask)
        return view.cut(int(view.lengths.max()))

    def _crop(self, histories: Padded, lengths: Int64[Tensor, "B 1"], draw: _Draws) -> Padded:
        kept = _share(self.options.crop, lengths).clamp(min=1)  # (B, 1)
        start = _start(kept, lengths, draw)  # (B, 1)
        places = torch.arange(histories.shape[1], device=lengths.device)  # (T,)
        inside = places < kept  # (B, T)
        from_where = (start + places).clamp(max=histories.shape[1] - 1)  # (B, T)
        values, mask = histories.values.gather(1, from_where), histories.mask.gather(1, from_where)
        return Padded(values.masked_fill(~inside, 0), mask & inside)

    def _mask(self, histories: Padded, lengths: Int64[Tensor, "B 1"], draw: _Draws) -> Padded:
        hidden = _share(self.options.mask, lengths).clamp(max=lengths - 1)  # (B, 1)
        places = torch.arange(histories.shape[1], device=lengths.device)  # (T,)
        luck = draw.uniform(histories.shape[1]).masked_fill(places >= lengths, 2)  # (B, T), behind all that is real
        rank = luck.argsort(dim=1).argsort(dim=1)  # (B, T)
        return Padded(histories.values.masked_fill(rank < hidden, 0), histories.mask)

    def _reorder(self, histories: Padded, lengths: Int64[Tensor, "B 1"], draw: _Draws) -> Padded:
        moved = _share(self.options.reorder, lengths)  # (B, 1)
        start = _start(moved, lengths, draw)  # (B, 1)
        places = torch.arange(histories.shape[1], device=lengths.device)  # (T,)
        inside = (places >= start) & (places < start + moved)  # (B, T)
        # All of the run come to stand between its first place and the next one, and so between its neighbours.
        key = torch.where(inside, start + draw.uniform(histories.shape[1]), places.double())  # (B, T)
        order = key.argsort(dim=1, stable=True)  # (B, T)
        return Padded(histories.values.gather(1, order), histories.mask.gather(1, order))

    def __repr__(self) -> str:
        return f"ItemViewMaker({self.options})"


class _Draws:
    """Uniform numbers for the histories of a batch, drawn where the generator is."""

    def __init__(self, generator: torch.Generator | None, histories: Padded) -> None:
        self.generator, self.rows, self.to = generator, len(histories), histories.device
        self.device = torch.device("cpu") if generator is None else generator.device

    def uniform(self, columns: int) -> Tensor:
        """`(B, columns)` float64 in [0, 1)."""
        drawn = torch.rand(self.rows, columns, generator=self.generator, device=self.device, dtype=torch.float64)
        return drawn.to(self.to)


def _share(share: float, lengths: Int64[Tensor, "B 1"]) -> Int64[Tensor, "B 1"]:
    """floor(share L)."""
    return (share * lengths.double() + ROUNDING).long()


def _start(piece: Int64[Tensor, "B 1"], lengths: Int64[Tensor, "B 1"], draw: _Draws) -> Int64[Tensor, "B 1"]:
    """Where a piece of so many items begins, uniform among all places."""
    return (draw.uniform(1) * (lengths - piece + 1)).long()
