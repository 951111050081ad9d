"""Who is left out of a sum, as numbers to be compared: what a kernel can ask of any two rows, in either direction."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from contrapose.pairing import NOBODY, Plain

# Numbers that no group has: of rows that are of no group, and of the candidates of a queue.
ROW_OF_NOBODY, OF_QUEUE = torch.iinfo(torch.long).min, torch.iinfo(torch.long).min + 1


@dataclass(frozen=True)
class Numbers:
    """Row i leaves candidate j out where their places are equal, or their groups are.

    Shapes:
        places, groups: `(R,)` of the rows and `(M,)` of the candidates, int64; None = nobody is left out by them.
    """

    places: tuple[Tensor, Tensor] | None = None
    groups: tuple[Tensor, Tensor] | None = None

    def turned(self) -> Numbers:
        """The same, asked by the candidates."""
        return Numbers(self.places and self.places[::-1], self.groups and self.groups[::-1])


def numbers_of(plain: Plain, anchors: Tensor | None, over: str) -> Numbers:
    """What a sum over the "valid" or the "negative" candidates leaves out; nothing is read, so nobody waits for it.

    Shapes:
        anchors: `(R,)` the anchor of each row; None = row i is anchor i.
    """
    if not plain.in_batch_negatives:  # the sum is over the queue alone
        return Numbers()
    device, candidates = plain.candidate_groups.device, len(plain.candidate_groups)
    rows = torch.arange(len(plain.anchor_groups)) if anchors is None else anchors  # (R,)
    rows, columns = rows.to(device), torch.arange(candidates + plain.queue, device=device)  # (R,), (M,)
    places = (rows, columns) if plain.same_rows else None
    if over == "valid":
        return Numbers(places)
    if plain.period is not None:  # then an anchor is of its own group, too
        return Numbers(groups=(rows % plain.period, _before_queue(columns[:candidates] % plain.period, plain.queue)))
    group = plain.anchor_groups[rows].long()  # (R,)
    group = group.masked_fill(group == NOBODY, ROW_OF_NOBODY)
    return Numbers(places, (group, _before_queue(plain.candidate_groups.long(), plain.queue)))


def _before_queue(groups: Tensor, queue: int) -> Tensor:
    """The groups of the batch's candidates, then the queue's: `(M - K,)` -> `(M,)`."""
    return torch.cat([groups, groups.new_full((queue,), OF_QUEUE)])
