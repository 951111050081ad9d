"""A pairing seen from the other tower."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from contrapose.pairing import GroupPairing, Pairing, Plain, Tile
from contrapose.tracing import is_readable

# Columns of the original looked at in one go: bounds the memory when the rows asked for lie far apart.
BLOCK = 4096


class Transposed(Pairing):
    """A pairing with the towers exchanged: its candidates look for its anchors.

    A tile is cut out of the original's columns between the first and the last row asked for, so it is as
    cheap as the original where rows are neighbours, as they are in a whole batch and in one rank's part of
    it.
    """

    def __init__(self, original: Pairing) -> None:
        self.original = original
        self.anchors, self.candidates = original.candidates, original.anchors

    def tile(self, rows: Tensor, columns: slice) -> Tile:
        others = torch.arange(columns.start, columns.stop, device=rows.device)  # (c,)
        if not is_readable(rows):
            tile = self.original.tile(others, slice(0, self.anchors))  # (c, N)
            return Tile(tile.weight[:, rows].T, tile.valid[:, rows].T)  # (r, c)
        first, last = int(rows.min()), int(rows.max())
        weights, valids, places = [], [], []
        for start in range(first, last + 1, BLOCK):
            stop = min(start + BLOCK, last + 1)
            inside = ((rows >= start) & (rows < stop)).nonzero().squeeze(1)  # (r',)
            if len(inside) == 0:
                continue
            tile = self.original.tile(others, slice(start, stop))  # (c, block)
            chosen = (rows[inside] - start).to(tile.valid.device)
            weights.append(tile.weight[:, chosen].T)  # (c, r') -> (r', c)
            valids.append(tile.valid[:, chosen].T)
            places.append(inside)
        order = torch.cat(places).argsort()  # (r,) back into the order of `rows`
        order = order.to(valids[0].device)
        return Tile(torch.cat(weights)[order], torch.cat(valids)[order])  # (r, c)

    def plain(self) -> Plain | None:
        plain = self.original.plain()
        if plain is None or plain.queue:
            return None
        return replace(plain, anchor_groups=plain.candidate_groups, candidate_groups=plain.anchor_groups)

    def counts(self, rows: Tensor | None = None, *, columns: int = BLOCK) -> tuple[Tensor, Tensor]:
        plain = self.plain()
        return super().counts(rows, columns=columns) if plain is None else GroupPairing.of(plain).counts(rows)

    def to(self, device: torch.device | str) -> Transposed:
        return Transposed(self.original.to(device))

    def anchor_names(self) -> list[str]:
        return self.original.candidate_names()

    def candidate_names(self) -> list[str]:
        return self.original.anchor_names()
