"""Which candidates an anchor leaves out of a sum, by their places in a tile rather than by a mask of it."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from contrapose.pairing import NOBODY, Plain

Exclude = Callable[[Tensor, slice, slice], None]
"""Fills the places of a tile `(r, c)` with -inf; its rows (among those of the call) and columns are given."""

# Candidates of an anchor's group that are listed one by one; larger groups are found by comparison, place by place.
LONGEST_LIST = 16


def exclusion(plain: Plain, anchors: Tensor | None, over: str) -> Exclude | None:
    """What a sum over the "valid" or the "negative" candidates leaves out; None where it leaves out nothing.

    Shapes:
        anchors: `(R,)` the anchor of each row; None = row i is anchor i.
    """
    if over == "valid":
        if not plain.same_rows:
            return None
        return _diagonals((0,), len(plain.candidate_groups)) if anchors is None else _listed(anchors.unsqueeze(1))
    if plain.period is None:
        return _own_groups(plain, anchors)
    candidates = len(plain.candidate_groups)
    if anchors is None:
        first = range(plain.period - len(plain.anchor_groups), candidates, plain.period)
        return _diagonals(tuple(first), candidates)
    views = torch.arange(0, candidates, plain.period, device=anchors.device)  # (V,)
    return _listed(anchors.unsqueeze(1) % plain.period + views)  # (R, V)


def _diagonals(offsets: tuple[int, ...], candidates: int) -> Exclude:
    """The candidates i + offset of row i; those of a queue, from `candidates` on, stay."""

    def exclude(tile: Tensor, rows: slice, columns: slice) -> None:
        width = min(columns.stop, candidates) - columns.start
        if width <= 0:
            return
        inside = tile[:, :width]  # (r, c')
        for offset in offsets:
            place = rows.start + offset - columns.start
            if -len(tile) < place < width:
                inside.diagonal(place).fill_(-math.inf)

    return exclude


def _listed(candidates: Tensor) -> Exclude:
    """The candidates `(R, n)` of each row; below 0: none."""

    def exclude(tile: Tensor, rows: slice, columns: slice) -> None:
        places = candidates[rows] - columns.start  # (r, n)
        inside = (places >= 0) & (places < tile.shape[1])  # (r, n)
        row, entry = inside.nonzero(as_tuple=True)  # (p,) each
        tile[row, places[row, entry]] = -math.inf

    return exclude


def _own_groups(plain: Plain, anchors: Tensor | None) -> Exclude | None:
    """The candidates of the anchor's group and, where it is one, the anchor itself."""
    rows = torch.arange(len(plain.anchor_groups), device=plain.anchor_groups.device) if anchors is None else anchors
    group = plain.anchor_groups[rows]  # (R,)
    members, order = plain.candidate_groups.sort()  # (M,) each
    first = torch.searchsorted(members, group)  # (R,)
    size = (torch.searchsorted(members, group, right=True) - first).masked_fill(group == NOBODY, 0)  # (R,)
    longest = int(size.max())
    if longest > LONGEST_LIST:
        return _compared(group, plain, rows)
    if longest == 0:
        return _listed(rows.unsqueeze(1)) if plain.same_rows else None
    count = torch.arange(longest, device=rows.device)  # (n,)
    own = order[(first.unsqueeze(1) + count).clamp(max=len(order) - 1)]  # (R, n)
    own = own.masked_fill(count >= size.unsqueeze(1), -1)
    if plain.same_rows:
        own = torch.cat([own, rows.unsqueeze(1)], dim=1)  # (R, n + 1)
    return _listed(own)


def _compared(group: Tensor, plain: Plain, rows: Tensor) -> Exclude:
    candidates = plain.candidate_groups
    nobody = group == NOBODY  # (R,)
    group = group.masked_fill(nobody, NOBODY - 1)  # of which there is no candidate
    itself = _listed(rows.masked_fill(~nobody, -1).unsqueeze(1)) if plain.same_rows and bool(nobody.any()) else None

    def exclude(tile: Tensor, rows: slice, columns: slice) -> None:
        others = candidates[columns]  # (c',) those of a queue are of no group
        tile[:, : len(others)].masked_fill_(group[rows].unsqueeze(1) == others, -math.inf)
        if itself is not None:
            itself(tile, rows, columns)

    return exclude
