"""A pairing by labels, one or several a row: rows that share enough of them are each other's positives."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.pairing.groups import as_integers
from contrapose.pairing.pairing import Pairing, Tile
from contrapose.tracing import is_readable


class TagPairing(Pairing):
    """Anchor i and candidate j are positives where their sets of tags overlap enough.

        J_ij = |T_i and T_j| / |T_i or T_j|                 1[y_i = y_j] of single labels
        weight[i, j] = 1[J_ij >= least],  or J_ij 1[J_ij >= least] where `soft`
        valid[i, j]  = 1[thing_i != thing_j] where `things` are given, else 1

    Shapes:
        tags: `(N, K)` float32 of 0 and 1, or `(N,)` class numbers; things: `(N,)` integers, or None: candidates are
            another side of the same rows, all of which are valid, the anchor's own partner among them.
    """

    def __init__(self, tags: Tensor, things: Tensor | None, *, least: float, soft: bool) -> None:
        self.tags, self.things, self.least, self.soft = tags, things, least, soft
        self.anchors = self.candidates = len(tags)

    def tile(self, rows: Int[Tensor, " r"], columns: slice) -> Tile:
        rows = rows.to(self.tags.device)
        overlap = self._overlap(self.tags[rows], self.tags[columns])  # (r, c)
        enough = overlap >= self.least  # (r, c)
        if self.things is None:
            itself = torch.arange(columns.start, columns.stop, device=rows.device) == rows.unsqueeze(1)  # (r, c)
            overlap, enough, valid = overlap.masked_fill(itself, 1.0), enough | itself, torch.ones_like(enough)
        else:
            valid = self.things[rows].unsqueeze(1) != self.things[columns]  # (r, c)
        weight = overlap if self.soft else torch.ones_like(overlap)  # (r, c)
        return Tile(weight * (enough & valid), valid)

    def _overlap(self, own: Tensor, others: Tensor) -> Float[Tensor, "r c"]:
        if self.tags.ndim == 1:
            return ((own.unsqueeze(1) == others) & (own.unsqueeze(1) >= 0)).float()  # (r, c)
        both = own @ others.T  # (r, c)
        either = own.sum(dim=1, keepdim=True) + others.sum(dim=1) - both  # (r, c)
        return both / either.clamp(min=1.0)

    def to(self, device: torch.device | str) -> TagPairing:
        things = None if self.things is None else self.things.to(device)
        return TagPairing(self.tags.to(device), things, least=self.least, soft=self.soft)


def by_tags(
    tags: Tensor, things: Int[Tensor, " N"] | None = None, *, least: float = 0.5, soft: bool = False
) -> TagPairing:
    """All rows that share the anchor's tags, or enough of them, are its positives.

    Arguments:
        tags: `(N,)` class numbers, -1 for none; or `(N, K)` of 0 and 1, a row with no tag being an error.
        things: of which thing each row is: rows of one thing (the anchor itself, the same picture drawn twice) are
            neither positives nor negatives of each other. None: candidates are another side of the rows, and candidate
            i, anchor i's own partner, is among its positives.
        least: Jaccard overlap from which on two sets of tags are positives. 0.5 [design].
        soft: weigh a positive by its overlap.

    Errors:
        ArgumentError: tags that are neither, a row without a tag, as many things as there are rows not, `least` outside
            (0, 1].

    >>> by_tags(torch.tensor([0, 0, 1]), torch.tensor([4, 5, 6]))
    3 anchors × 3 candidates: 0 to 1 positive and 1 to 2 negative per anchor
      0 1 2
    0 . + -
    1 + . -
    2 - - .
    """
    tags = torch.as_tensor(tags)
    if tags.ndim == 1:
        tags = as_integers(tags, "tags")  # (N,)
    elif tags.ndim == 2 and len(tags):
        if is_readable(tags) and not bool(((tags == 0) | (tags == 1)).all()):
            raise ArgumentError("tags of several a row are 0 or 1 each, (N, K); class numbers are of shape (N,).")
        tags = tags.float()  # (N, K)
        if is_readable(tags) and not bool(tags.any(dim=1).all()):
            row = int((~tags.any(dim=1)).nonzero()[0, 0])
            raise ArgumentError(f"Row {row} has no tag, and overlaps with nothing, itself not either: leave it out.")
    else:
        raise ArgumentError(f"tags must be (N,) class numbers or (N, K) of 0 and 1, got shape {tuple(tags.shape)}.")
    if not 0 < least <= 1:
        raise ArgumentError(f"least must be an overlap in (0, 1], got {least}; 0.5 is usual.")
    if things is not None:
        things = as_integers(things, "things").to(tags.device)
        if len(things) != len(tags):
            raise ArgumentError(f"things are of {len(things)} rows, and there are tags of {len(tags)}.")
    return TagPairing(tags, things, least=least, soft=soft)
