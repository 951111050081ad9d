"""A pairing in which samples of other groups are ignored: neither positives nor negatives."""

from __future__ import annotations

from typing import Self

import torch
from jaxtyping import Int
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.pairing.groups import as_integers
from contrapose.pairing.pairing import NOBODY, Pairing, Plain, Tile
from contrapose.tracing import is_readable


class WithinGroups(Pairing):
    """What another pairing says, of anchors and candidates of one group; a positive stays one whatever its group.

        valid[i, j] = valid of the pairing · 1[group_i == group_j, or j is a positive of i]

    Shapes:
        groups: `(N,)` one of each row; anchors and candidates are the same rows.
    """

    def __init__(self, pairing: Pairing, groups: Int[Tensor, " N"]) -> None:
        self.pairing, self.groups = pairing, groups
        self.anchors, self.candidates = pairing.anchors, pairing.candidates

    def tile(self, rows: Int[Tensor, " r"], columns: slice) -> Tile:
        found = self.pairing.tile(rows, columns)
        own = self.groups[rows.to(self.groups.device)].unsqueeze(1)  # (r, 1)
        return Tile(found.weight, found.valid & (self._kept(own, self.groups[columns]) | found.positive))

    def _kept(self, own: Tensor, candidates: Tensor) -> Tensor:
        """Which candidates an anchor may have as negatives, by groups `(r, 1)` and `(c,)`: `(r, c)`."""
        return own == candidates

    def plain(self) -> Plain | None:
        """That of the pairing, where all rows are of one group, as batches drawn from groups mostly are."""
        if not is_readable(self.groups) or not bool((self.groups == self.groups[:1]).all()):
            return None
        return self.pairing.plain()

    def to(self, device: torch.device | str) -> Self:
        return type(self)(self.pairing.to(device), self.groups.to(device))

    def anchor_names(self) -> list[str]:
        return self.pairing.anchor_names()

    def candidate_names(self) -> list[str]:
        return self.pairing.candidate_names()


class BeyondGroups(WithinGroups):
    """What another pairing says, without negatives of the anchor's own group; a positive stays one whatever its group.

        valid[i, j] = valid of the pairing · 1[group_i != group_j, or group_i is -1, or j is a positive of i]

    Shapes:
        groups: `(N,)` one of each row, -1 for a row that is alone; anchors and candidates are the same rows.
    """

    def _kept(self, own: Tensor, candidates: Tensor) -> Tensor:
        return (own != candidates) | (own == NOBODY)

    def plain(self) -> Plain | None:
        """That of the pairing, where no two samples are of one group."""
        plain = self.pairing.plain()
        if plain is None or plain.period is None or not is_readable(self.groups):
            return None
        own = self.groups[: plain.period]  # (B,), those of the samples: views repeat them
        own = own[own != NOBODY]
        return plain if len(own.unique()) == len(own) else None


def within_groups(pairing: Pairing, groups: Int[Tensor, " B"], *, views: int = 1) -> WithinGroups:
    """The same pairing without negatives from other groups: those a sample shares every cluster with are left.

    Arguments:
        pairing: whose anchors are its candidates, rows view-major.
        groups: one integer a sample.
        views: number of views of each sample.

    Errors:
        ArgumentError: groups that are not one integer a sample, or a pairing of other rows.

    >>> from contrapose.pairing import by_views
    >>> within_groups(by_views(2, 3), torch.tensor([0, 0, 7]), views=2)
    6 anchors × 6 candidates: 1 positive and 0 to 2 negative per anchor
       a0 a1 a2 b0 b1 b2
    a0  .  -  .  +  -  .
    a1  -  .  .  -  +  .
    a2  .  .  .  .  .  +
    b0  +  -  .  .  -  .
    b1  -  +  .  -  .  .
    b2  .  .  +  .  .  .
    """
    return WithinGroups(pairing, _rows_of(pairing, groups, views))


def beyond_groups(pairing: Pairing, groups: Int[Tensor, " B"], *, views: int = 1) -> BeyondGroups:
    """The same pairing without negatives of the own group: several rows of one person do not push each other away.

    Arguments:
        pairing: whose anchors are its candidates, rows view-major.
        groups: one integer a sample; -1: of no group.
        views: number of views of each sample.

    Errors:
        ArgumentError: groups that are not one integer a sample, or a pairing of other rows.

    >>> from contrapose.pairing import by_views
    >>> beyond_groups(by_views(2, 3), torch.tensor([0, 0, 7]), views=2)
    6 anchors × 6 candidates: 1 positive and 2 to 4 negative per anchor
       a0 a1 a2 b0 b1 b2
    a0  .  .  -  +  .  -
    a1  .  .  -  .  +  -
    a2  -  -  .  -  -  +
    b0  +  .  -  .  .  -
    b1  .  +  -  .  .  -
    b2  -  -  +  -  -  .
    """
    return BeyondGroups(pairing, _rows_of(pairing, groups, views))


def _rows_of(pairing: Pairing, groups: Tensor, views: int) -> Tensor:
    """The group of each row of the pairing, `(N,)`."""
    rows = as_integers(groups, "groups").repeat(views)  # (N,)
    if pairing.anchors != len(rows) or pairing.candidates != len(rows):
        raise ArgumentError(
            f"{len(groups)} groups of samples with {views} view(s) are {len(rows)} rows, and the pairing is of "
            f"{pairing.anchors} anchors and {pairing.candidates} candidates."
        )
    return rows
