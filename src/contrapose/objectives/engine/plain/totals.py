"""The forward: sums of exponentials, tile after tile."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import torch
from torch import Tensor

from contrapose.objectives.engine.plain.exponentials import Exponentials
from contrapose.objectives.engine.plain.plan import PlainPlan


@dataclass(frozen=True)
class Totals:
    """The log channels, and what the backward wants to know of how they were found.

    Shapes:
        logs: `(R,)` of each channel, then, where columns are reduced too, `(M,)` of each.
        shifts: `(R,)` what each channel's exponents were less, row by row; None = nothing.
        kept: the exponentials of each tile, channel by channel, if the plan keeps them.
    """

    logs: list[Tensor]
    shifts: list[Tensor] | None = None
    kept: list[list[Tensor]] = field(default_factory=list)


def totals_of(plan: PlainPlan, x: Tensor, y: Tensor, scale: Tensor) -> Totals:
    """Exponentials as they are: for exponents that are known to be small.

    Shapes:
        x: `(R, D)`, y: `(M, D)`, scale: `()`.
    """
    made = Exponentials(plan, x, y, fresh=plan.keep)
    rows_of = [x.new_zeros(len(x)) for _ in plan.channels]
    columns_of = rows_of if plan.form == "symmetric" else [x.new_zeros(len(y)) for _ in plan.channels]
    kept = []
    for rows in plan.row_tiles(len(x)):
        block = scale * x[rows]  # (r, D)
        for columns in plan.column_tiles(rows, len(y)):
            tiles = made.tiles(block, rows, columns)  # (r, c) each
            for number, tile in enumerate(tiles):
                rows_of[number][rows] += tile.sum(dim=1)
                if plan.is_both(rows, columns):
                    columns_of[number][columns] += tile.sum(dim=0)
            if plan.keep:
                kept.append(tiles)
    totals = rows_of + columns_of if plan.form == "both" else rows_of
    return Totals([total.log() for total in totals], kept=kept)


def running_totals(plan: PlainPlan, x: Tensor, y: Tensor, scale: Tensor) -> Totals:
    """Exponentials over the largest one of their row so far: for exponents of any size; of rows only."""
    made = Exponentials(plan, x, y)
    logs: list[list[Tensor]] = [[] for _ in plan.channels]
    shifts: list[list[Tensor]] = [[] for _ in plan.channels]
    for rows in plan.row_tiles(len(x)):
        block = scale * x[rows]  # (r, D)
        largest = [block.new_full((len(block),), -math.inf) for _ in plan.channels]  # (r,) each
        total = [block.new_zeros(len(block)) for _ in plan.channels]
        for columns in plan.column_tiles(rows, len(y)):
            similarity = made.similarity(block, columns)  # (r, c)
            tile = shrink = similarity
            for number, channel in enumerate(plan.channels):
                if channel.raised:
                    tile, largest[number] = made.raised(number, similarity, tile), largest[number - 1]
                else:
                    exponents = made.exponents(number, similarity, rows, columns)  # (r, c)
                    before, largest[number] = largest[number], largest[number].maximum(exponents.amax(dim=1))  # (r,)
                    shift = _finite(largest[number])  # (r,)
                    tile, shrink = exponents.sub_(shift.unsqueeze(1)).exp_(), (before - shift).exp()
                total[number] = total[number] * shrink + tile.sum(dim=1)  # (r,)
        for number in range(len(plan.channels)):
            shifts[number].append(_finite(largest[number]))
            logs[number].append(total[number].log() + shifts[number][-1])
    return Totals([torch.cat(log) for log in logs], [torch.cat(shift) for shift in shifts])


def _finite(largest: Tensor) -> Tensor:
    """The largest exponent of each row; 0 of a row without any."""
    return largest.masked_fill(largest == -math.inf, 0.0)
