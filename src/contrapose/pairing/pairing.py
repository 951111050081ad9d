"""What a pairing is: for a tile of (anchors × candidates), who is a positive and who stands in the denominator."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from contrapose.errors import ArgumentError

NOBODY = -1  # a candidate of this group is never a positive
PICTURE_LIMIT = 32  # a larger pairing prints its summary only
SUMMARY_ANCHORS = 64  # how many anchors a summary counts


@dataclass(frozen=True)
class Tile:
    """The answer for some anchors (rows) and candidates (columns).

    Shapes:
        weight: `(r, c)` positive weight, 0 where the candidate is not a positive; 1 unless the user gave scores.
        valid: `(r, c)` true for positives and negatives; false for the anchor itself and for ignored candidates.
    """

    weight: Float[Tensor, "r c"]
    valid: Bool[Tensor, "r c"]

    @property
    def positive(self) -> Bool[Tensor, "r c"]:
        """`(r, c)` true where the candidate is a positive."""
        return self.weight > 0

    @property
    def negative(self) -> Bool[Tensor, "r c"]:
        """`(r, c)` true where the candidate is a negative."""
        return self.valid & ~self.positive


@dataclass(frozen=True)
class Plain:
    """A pairing of which no tile need be asked for: rows of the anchor's group are positives, all others negatives.

        weight[i, j] = 1[anchor_groups[i] == candidate_groups[j], j is not i itself]
        valid[i, j]  = 1[j is not i itself] · (in_batch_negatives or weight[i, j] > 0)

    Behind the candidates with a group come those of the queue, negatives of every anchor.

    Shapes:
        anchor_groups: `(N,)`, candidate_groups: `(M,)`; the group `NOBODY` has no positives.

    Arguments:
        same_rows: candidate i is anchor i itself.
        period: row i is of group i modulo `period`, anchors and candidates alike; None = the groups say it.
        queue: number of candidates in the queue.
    """

    anchor_groups: Int[Tensor, " N"]
    candidate_groups: Int[Tensor, " M"]
    same_rows: bool
    in_batch_negatives: bool = True
    period: int | None = None
    queue: int = 0


class Pairing(ABC):
    """Who pulls and who pushes whom, as a value: lazy by tile, printable, and the same for every objective.

    A pairing never builds the (anchors × candidates) matrix; an objective asks for the tiles it works on.
    Make one with `by_views`, `by_labels`, `by_groups`, `by_targets`, `by_towers` or `by_pairs`.
    """

    anchors: int
    candidates: int

    @abstractmethod
    def tile(self, rows: Int[Tensor, " r"], columns: slice) -> Tile:
        """The tile of anchors `rows` and candidates `columns` (a slice with start and stop)."""

    @abstractmethod
    def to(self, device: torch.device | str) -> Pairing:
        """The same pairing with its indices on `device`."""

    def with_queue(self, size: int) -> Pairing:
        """The same pairing with `size` more candidates at the end, which are negatives of every anchor."""
        return WithQueue(self, size)

    def plain(self) -> Plain | None:
        """The whole pairing in a few numbers a row, where it is one by groups; None where only its tiles can tell."""
        return None

    def counts(self, rows: Int[Tensor, " r"] | None = None, *, columns: int = 4096) -> tuple[Tensor, Tensor]:
        """Positives and negatives of each anchor, counted in tiles.

        Shapes:
            returns two `(r,)` integer tensors.
        """
        rows = torch.arange(self.anchors) if rows is None else rows
        positives = torch.zeros(len(rows), dtype=torch.long, device=rows.device)
        negatives = torch.zeros_like(positives)
        for start in range(0, self.candidates, columns):
            tile = self.tile(rows, slice(start, min(start + columns, self.candidates)))
            positives += (tile.positive & tile.valid).sum(1).to(rows.device)
            negatives += tile.negative.sum(1).to(rows.device)
        return positives, negatives

    def negatives_per_anchor(self) -> float:
        """Mean number of negatives over (at most 64 evenly spaced) anchors."""
        return float(self.counts(self._sample())[1].double().mean())

    def candidates_per_anchor(self) -> float:
        """Mean number of positives and negatives over (at most 64 evenly spaced) anchors."""
        positives, negatives = self.counts(self._sample())
        return float((positives + negatives).double().mean())

    def anchor_names(self) -> list[str]:
        """Names of the rows in the picture."""
        return [str(i) for i in range(self.anchors)]

    def candidate_names(self) -> list[str]:
        """Names of the columns in the picture."""
        return [str(i) for i in range(self.candidates)]

    def picture(self) -> str:
        """The pairing drawn in characters: `+` positive, `-` negative, `.` neither (the anchor itself, or ignored)."""
        tile = self.tile(torch.arange(self.anchors), slice(0, self.candidates))
        columns, names = self.candidate_names(), self.anchor_names()
        width = max(map(len, columns + names))
        lines = [" " * width + " " + " ".join(f"{name:>{width}}" for name in columns)]
        for name, positive, valid in zip(names, tile.positive.tolist(), tile.valid.tolist(), strict=True):
            marks = ["." if not v else "+" if p else "-" for p, v in zip(positive, valid, strict=True)]
            lines.append(f"{name:>{width}} " + " ".join(f"{mark:>{width}}" for mark in marks))
        return "\n".join(lines)

    def __repr__(self) -> str:
        positives, negatives = self.counts(self._sample())
        summary = (
            f"{self.anchors} anchors × {self.candidates} candidates: "
            f"{_span(positives)} positive and {_span(negatives)} negative per anchor"
        )
        if max(self.anchors, self.candidates) > PICTURE_LIMIT:
            return summary
        return f"{summary}\n{self.picture()}"

    def _sample(self) -> Tensor:
        count = min(self.anchors, SUMMARY_ANCHORS)
        return torch.linspace(0, self.anchors - 1, count).round().long()


class WithQueue(Pairing):
    """A pairing followed by `size` columns (a queue of earlier embeddings) that are everyone's negatives."""

    def __init__(self, batch: Pairing, size: int) -> None:
        if size < 1:
            raise ArgumentError(f"A queue needs at least 1 column, got size={size}.")
        self.batch, self.size = batch, size
        self.anchors, self.candidates = batch.anchors, batch.candidates + size

    def tile(self, rows: Int[Tensor, " r"], columns: slice) -> Tile:
        start, stop = columns.start, columns.stop
        boundary = self.batch.candidates
        inside = self.batch.tile(rows, slice(min(start, boundary), min(stop, boundary)))  # (r, c1)
        queued = max(stop, boundary) - max(start, boundary)
        weight = torch.cat([inside.weight, inside.weight.new_zeros(len(rows), queued)], dim=1)  # (r, c)
        valid = torch.cat([inside.valid, inside.valid.new_ones(len(rows), queued)], dim=1)  # (r, c)
        return Tile(weight, valid)

    def counts(self, rows: Int[Tensor, " r"] | None = None, *, columns: int = 4096) -> tuple[Tensor, Tensor]:
        positives, negatives = self.batch.counts(rows, columns=columns)
        return positives, negatives + self.size

    def plain(self) -> Plain | None:
        batch = self.batch.plain()
        return None if batch is None else replace(batch, queue=batch.queue + self.size)

    def to(self, device: torch.device | str) -> Pairing:
        return WithQueue(self.batch.to(device), self.size)

    def anchor_names(self) -> list[str]:
        return self.batch.anchor_names()

    def candidate_names(self) -> list[str]:
        return self.batch.candidate_names() + [f"q{i}" for i in range(self.size)]


def _span(counts: Tensor) -> str:
    low, high = int(counts.min()), int(counts.max())
    return str(low) if low == high else f"{low} to {high}"
