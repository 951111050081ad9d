"""Pairings in which rows of one group are each other's positives: views, labels, groups, two towers."""

from __future__ import annotations

from functools import cached_property

import torch
from jaxtyping import Int
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.pairing.pairing import NOBODY, Pairing, Plain, Tile
from contrapose.tracing import is_compiling, is_readable


class GroupPairing(Pairing):
    """Anchor i and candidate j are positives when their group numbers are equal; the rest are negatives.

        weight[i, j] = 1[anchor_group[i] == candidate_group[j], j is not i itself]
        valid[i, j]  = 1[j is not i itself] · (in_batch_negatives or weight[i, j] > 0)

    Shapes:
        anchor_groups: `(N,)` integers, candidate_groups: `(M,)` integers; group -1 has no positives.

    Arguments:
        same_rows: anchors and candidates are the same N rows, so candidate i is anchor i itself and is left out.
        in_batch_negatives: when false only the positives are valid (a queue is then where negatives come from).
        names: names of the rows, when `same_rows`, for the picture.
        period: row i is of group i modulo `period`, anchors and candidates alike, which saves looking at the groups.
    """

    def __init__(
        self,
        anchor_groups: Int[Tensor, " N"],
        candidate_groups: Int[Tensor, " M"],
        *,
        same_rows: bool,
        in_batch_negatives: bool = True,
        names: list[str] | None = None,
        period: int | None = None,
    ) -> None:
        self.anchor_groups, self.candidate_groups, self.period = anchor_groups, candidate_groups, period
        self.same_rows, self.in_batch_negatives, self._names = same_rows, in_batch_negatives, names
        self.anchors, self.candidates = len(anchor_groups), len(candidate_groups)

    @classmethod
    def of(cls, plain: Plain) -> GroupPairing:
        """The pairing that `plain` tells of, but for its queue."""
        return cls(
            plain.anchor_groups,
            plain.candidate_groups,
            same_rows=plain.same_rows,
            in_batch_negatives=plain.in_batch_negatives,
            period=plain.period,
        )

    def tile(self, rows: Int[Tensor, " r"], columns: slice) -> Tile:
        rows = rows.to(self.anchor_groups.device)
        group = self.anchor_groups[rows].unsqueeze(1)  # (r, 1)
        positive = (group == self.candidate_groups[columns]) & (group != NOBODY)  # (r, c)
        valid = torch.ones_like(positive)
        if self.same_rows:
            itself = torch.arange(columns.start, columns.stop, device=rows.device)
            valid = rows.unsqueeze(1) != itself  # (r, c)
            positive = positive & valid
        if not self.in_batch_negatives:
            valid = valid & positive
        return Tile(positive.float(), valid)

    def plain(self) -> Plain:
        return Plain(
            self.anchor_groups,
            self.candidate_groups,
            same_rows=self.same_rows,
            in_batch_negatives=self.in_batch_negatives,
            period=self.period,
        )

    def counts(self, rows: Int[Tensor, " r"] | None = None, *, columns: int = 4096) -> tuple[Tensor, Tensor]:
        """As of any pairing, from the sizes of the groups: no tile is built, whatever `columns`."""
        rows = torch.arange(self.anchors) if rows is None else rows
        if self.period is not None:
            return self._periodic_counts(rows, self.period)
        own = rows.to(self.anchor_groups.device)
        group = self.anchor_groups[own]  # (r,)
        members = self._sorted() if is_compiling() else self._members  # a graph can hold no lock, and that has one
        last = torch.searchsorted(members, group, right=True)  # (r,)
        positives = (last - torch.searchsorted(members, group)).masked_fill(group == NOBODY, 0)  # (r,)
        candidates = self.candidates
        if self.same_rows:
            itself = (self.candidate_groups[own] == group) & (group != NOBODY)  # (r,)
            positives, candidates = positives - itself.long(), candidates - 1
        negatives = candidates - positives if self.in_batch_negatives else torch.zeros_like(positives)  # (r,)
        return positives.to(rows.device), negatives.to(rows.device)

    def _periodic_counts(self, rows: Int[Tensor, " r"], period: int) -> tuple[Tensor, Tensor]:
        views = self.candidates // period
        positives = torch.full_like(rows, views - self.same_rows)
        return positives, torch.full_like(rows, (self.candidates - views) * self.in_batch_negatives)

    @cached_property
    def _members(self) -> Tensor:
        return self._sorted()

    def _sorted(self) -> Tensor:
        return self.candidate_groups.sort().values  # (M,) in which a group's size is the length of its run

    def to(self, device: torch.device | str) -> GroupPairing:
        return GroupPairing(
            self.anchor_groups.to(device),
            self.candidate_groups.to(device),
            same_rows=self.same_rows,
            in_batch_negatives=self.in_batch_negatives,
            names=self._names,
            period=self.period,
        )

    def anchor_names(self) -> list[str]:
        return self._names or super().anchor_names()

    def candidate_names(self) -> list[str]:
        return self._names if self._names and self.same_rows else super().candidate_names()


def by_views(
    views: int, batch: int, *, in_batch_negatives: bool = True, device: torch.device | str = "cpu"
) -> GroupPairing:
    """The other views of the same sample are the positives, everything else in the batch is negative.

    Each anchor has V - 1 positives and V (B - 1) negatives; rows are view-major (row v·B + b).

    Arguments:
        in_batch_negatives: false ignores the other samples: nothing is pushed away (SwAV).

    >>> by_views(2, 2)
    4 anchors × 4 candidates: 1 positive and 2 negative per anchor
       a0 a1 b0 b1
    a0  .  -  +  -
    a1  -  .  -  +
    b0  +  -  .  -
    b1  -  +  -  .

    Errors:
        ArgumentError: fewer than one view or one sample.
    """
    if views < 1 or batch < 1:
        raise ArgumentError(f"A pairing by views needs views >= 1 and batch >= 1, got views={views}, batch={batch}.")
    groups = torch.arange(batch, device=device).repeat(views)  # (N,)
    return GroupPairing(
        groups,
        groups,
        same_rows=True,
        in_batch_negatives=in_batch_negatives,
        names=view_names(views, batch),
        period=batch,
    )


def by_labels(labels: Int[Tensor, " B"], *, views: int = 1) -> GroupPairing:
    """All rows with the anchor's label are its positives (its own other views among them); the rest are negatives.

    A sample with label -1 (unlabelled) has its own views as its only positives. An anchor alone in its class, with one
    view, has no positive: objectives say what they do with it (`empty=`).

    Arguments:
        labels: class numbers >= 0, or -1 for none.
        views: number of views of each sample; rows are view-major.

    Errors:
        ArgumentError: labels that are not one integer a sample, or below -1.
    """
    labels = as_integers(labels, "labels")
    if is_readable(labels) and int(labels.min()) < -1:
        raise ArgumentError(f"Labels are class numbers >= 0, or -1 for unlabelled; got {int(labels.min())}.")
    alone = labels.max().clamp(min=-1) + 1 + torch.arange(len(labels), device=labels.device)  # a class of its own
    groups = torch.where(labels == -1, alone, labels).repeat(views)  # (N,)
    return GroupPairing(groups, groups, same_rows=True, names=view_names(views, len(labels)))


def by_groups(anchor_groups: Int[Tensor, " N"], candidate_groups: Int[Tensor, " M"] | None = None) -> GroupPairing:
    """Rows of equal group number are positives: any number of views a sample, several captions a picture, clusters.

    Arguments:
        anchor_groups: group of each row; -1 = no positives.
        candidate_groups: group of each candidate; None = the anchors themselves (each left out of its own candidates).

    >>> by_groups(torch.tensor([0, 1]), torch.tensor([0, 0, 1]))
    2 anchors × 3 candidates: 1 to 2 positive and 1 to 2 negative per anchor
      0 1 2
    0 + + -
    1 - - +
    """
    anchor_groups = as_integers(anchor_groups, "anchor_groups")
    if candidate_groups is None:
        return GroupPairing(anchor_groups, anchor_groups, same_rows=True)
    return GroupPairing(anchor_groups, as_integers(candidate_groups, "candidate_groups"), same_rows=False)


def by_towers(batch: int, *, in_batch_negatives: bool = True, device: torch.device | str = "cpu") -> GroupPairing:
    """Anchor i's positive is candidate i of the other tower; the other candidates are negatives.

    Arguments:
        batch: number of pairs.
        in_batch_negatives: false ignores the other candidates, so that negatives come from a queue alone (MoCo).

    >>> by_towers(2, in_batch_negatives=False).with_queue(3)
    2 anchors × 5 candidates: 1 positive and 3 negative per anchor
        0  1 q0 q1 q2
     0  +  .  -  -  -
     1  .  +  -  -  -
    """
    if batch < 1:
        raise ArgumentError(f"A pairing of two towers needs batch >= 1, got batch={batch}.")
    pairs = torch.arange(batch, device=device)
    return GroupPairing(pairs, pairs, same_rows=False, in_batch_negatives=in_batch_negatives, period=batch)


def as_integers(values: Tensor, name: str) -> Int[Tensor, " N"]:
    """`values` as a one-dimensional int64 tensor, or an error that names the argument."""
    values = torch.as_tensor(values)
    if values.ndim != 1 or len(values) == 0 or values.is_floating_point() or values.is_complex():
        raise ArgumentError(
            f"{name} must be a non-empty list of integers, one per sample; "
            f"got shape {tuple(values.shape)} of {str(values.dtype).removeprefix('torch.')}."
        )
    return values.long()


def view_names(views: int, batch: int) -> list[str] | None:
    """Names of view-major rows: a letter for the view and the sample's number. None where there are too many."""
    if views * batch > 32:  # only a small pairing is drawn
        return None
    return [f"{chr(ord('a') + v)}{b}" for v in range(views) for b in range(batch)]
