"""What is to be summed, over what, in which tiles: all of a plain reduction that is not differentiated."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from contrapose.objectives.engine.plain.exclusions import Exclude, exclusion
from contrapose.objectives.engine.plain.kernels.numbers import Numbers, numbers_of
from contrapose.objectives.engine.terms import LogSum, Sums, at_least_zero, exponents_of, log_sum
from contrapose.pairing import Plain

Form = Literal["rows", "both", "symmetric"]


@dataclass(frozen=True)
class PlainPlan:
    """The log channels of one call.

    Arguments:
        excluded: for each channel, what it leaves out.
        distances: similarities are 0 or more, but for rounding.
        form: "rows": each row is reduced along the columns; "both": each column along the rows, too; "symmetric": rows
            and columns are the same, so that a tile below the diagonal is one above it.
        running: whether the largest exponent of each row is looked for, as exponentials may overflow or vanish.
        keep: whether the exponentials of the forward are kept for the backward, as all of them fit.
        numbers: by what a kernel knows who is left out; None = no kernel computes this.
    """

    channels: tuple[LogSum, ...]
    excluded: tuple[Exclude | None, ...]
    distances: bool
    form: Form
    running: bool
    keep: bool
    tile_rows: int
    tile_columns: int
    numbers: Numbers | None = None

    def row_tiles(self, count: int) -> Iterator[slice]:
        """All `count` rows in tiles."""
        return (slice(row, min(row + self.tile_rows, count)) for row in range(0, count, self.tile_rows))

    def column_tiles(self, rows: slice, count: int) -> Iterator[slice]:
        """All `count` columns in tiles; of a symmetric matrix, those from the diagonal of these rows on."""
        step, first = self.tile_columns, rows.start if self.form == "symmetric" else 0
        return (slice(column, min(column + step, count)) for column in range(first, count, step))

    def is_both(self, rows: slice, columns: slice) -> bool:
        """Whether a tile is reduced both ways; on its diagonal a symmetric matrix needs one."""
        return self.form == "both" or (self.form == "symmetric" and columns.start > rows.start)

    def slope(self, channel: int) -> float:
        """Derivative of a channel's exponent, but for what raises it."""
        found = self.channels[channel]
        return float(found.factor) if found.slope is None else found.slope

    def whole(self, x: Tensor, y: Tensor, scale: Tensor) -> list[Tensor]:
        """The results of `reduce_plain` from the whole matrix, in plain operations."""
        similarity = (scale * x) @ y.T  # (R, M)
        if self.distances:
            similarity = at_least_zero(similarity)
        channels = []
        for channel, exclude in zip(self.channels, self.excluded, strict=True):
            left_out = torch.zeros_like(similarity, requires_grad=False)  # (R, M)
            if exclude is not None:
                exclude(left_out, *(slice(0, size) for size in similarity.shape))
            channels.append(exponents_of(channel, similarity).masked_fill(left_out == -math.inf, -math.inf))
        return [log_sum(channel, dim) for dim in ((1, 0) if self.form == "both" else (1,)) for channel in channels]


def plan_of(
    terms: Sums,
    plain: Plain,
    anchors: Tensor | None,
    *,
    form: Form,
    running: bool,
    keep: bool,
    tile_rows: int,
    tile_columns: int,
    kernel: bool = False,
) -> PlainPlan:
    """The plan of `terms` for the anchors `(R,)` of the rows; None = row i is anchor i.

    Arguments:
        kernel: a kernel is to do it, of one channel.
    """
    kinds = {channel.over for channel in terms.log}
    find = _when_asked if kernel else exclusion
    left_out = {over: find(plain, anchors, over) for over in kinds} if plain.in_batch_negatives else {}
    if form == "symmetric":  # of which the tiles are squares
        tile_rows = tile_columns = min(tile_rows, tile_columns)
    return PlainPlan(
        terms.log,
        tuple(left_out.get(channel.over) for channel in terms.log),
        terms.distances,
        form,
        running,
        keep,
        tile_rows,
        tile_columns,
        numbers_of(plain, anchors, terms.log[0].over) if kernel else None,
    )


def _when_asked(plain: Plain, anchors: Tensor | None, over: str) -> Exclude:
    """`exclusion`, found when somebody wants the whole matrix: to find it may be to wait for a GPU."""

    def exclude(tile: Tensor, rows: slice, columns: slice) -> None:
        found = exclusion(plain, anchors, over)
        if found is not None:
            found(tile, rows, columns)

    return exclude
