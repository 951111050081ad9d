"""Tiles of any pairing and any terms: masks from the pairing, channels from a function, gradients from autograd."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.objectives.engine.second import gradients_of_whole
from contrapose.objectives.engine.terms import TermsOfTile, log_sum
from contrapose.pairing import Pairing, Tile


@dataclass(frozen=True)
class MaskedPlan:
    """All that is not differentiated: what to compute, and in which tiles."""

    terms: TermsOfTile
    pairing: Pairing
    anchors: Tensor
    tile_rows: int
    tile_columns: int
    dtype: torch.dtype

    def row_tiles(self) -> Iterator[slice]:
        return _slices(len(self.anchors), self.tile_rows)

    def column_tiles(self) -> Iterator[slice]:
        return _slices(self.pairing.candidates, self.tile_columns)

    def tile(self, rows: slice, columns: slice) -> Tile:
        tile = self.pairing.tile(self.anchors[rows], columns)
        return tile if tile.weight.dtype == self.dtype else replace(tile, weight=tile.weight.to(self.dtype))


def reduce_masked(plan: MaskedPlan, x: Tensor, y: Tensor, scale: Tensor) -> tuple[Tensor, ...]:
    """All channels, the log ones first, `(R,)` each: x `(R, D)`, y `(M, D)`, scale `()`, of one dtype."""
    outputs: tuple[Tensor, ...] = _ReduceMasked.apply(plan, x, y, scale)
    return outputs


def reduce_whole(plan: MaskedPlan, x: Tensor, y: Tensor, scale: Tensor) -> tuple[Tensor, ...]:
    """The same from the whole matrix, for whoever transforms the call: it keeps R × M numbers several times."""
    with torch.autocast(x.device.type, enabled=False):
        found = plan.terms((scale * x) @ y.T, plan.tile(slice(0, len(x)), slice(0, len(y))))
    return *map(log_sum, found.log), *(channel.sum(dim=1) for channel in found.linear)


class _ReduceMasked(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, plan: MaskedPlan, x: Tensor, y: Tensor, scale: Tensor) -> tuple[Tensor, ...]:
        with torch.autocast(x.device.type, enabled=False):
            blocks = [_reduce_rows(plan, scale * x[rows], y, rows) for rows in plan.row_tiles()]
        log_count = len(blocks[0][0])
        channels = zip(*([*log, *linear] for log, linear in blocks), strict=True)
        outputs = [torch.cat(parts) for parts in channels]  # each (R,)
        ctx.plan = plan
        ctx.save_for_backward(x, y, scale, *outputs[:log_count])
        ctx.set_materialize_grads(False)  # a channel that nobody differentiates costs nothing in the backward
        return tuple(outputs)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:
        x, y, scale, *totals = ctx.saved_tensors
        if torch.is_grad_enabled():
            return None, *gradients_of_whole(partial(reduce_whole, ctx.plan), x, y, scale, gradients)
        plan, (_, x_wanted, y_wanted, scale_wanted) = ctx.plan, ctx.needs_input_grad
        dx = torch.zeros_like(x) if x_wanted or scale_wanted else None
        dy = torch.zeros_like(y) if y_wanted else None
        with torch.autocast(x.device.type, enabled=False):
            for rows in plan.row_tiles():
                own = [None if gradient is None else gradient[rows] for gradient in gradients]
                own_totals = [total[rows] for total in totals]
                block = scale * x[rows]  # (r, D)
                for columns in plan.column_tiles():
                    similarity = block @ y[columns].T  # (r, c)
                    ds = _tile_gradient(plan.terms, similarity, plan.tile(rows, columns), own_totals, own)
                    if ds is not None and dx is not None:
                        dx[rows].addmm_(ds, y[columns])  # (r, c) (c, D) -> (r, D)
                    if ds is not None and dy is not None:
                        dy[columns].addmm_(ds.T, block)  # (c, r) (r, D) -> (c, D)
        # d scale = sum_ij dS_ij x_i·y_j = <dx, x>, as dx still lacks the scale here
        dscale = (dx * x).sum() if scale_wanted and dx is not None else None
        return None, dx.mul_(scale) if x_wanted and dx is not None else None, dy, dscale


def _reduce_rows(plan: MaskedPlan, x: Tensor, y: Tensor, rows: slice) -> tuple[list[Tensor], list[Tensor]]:
    """The channels of one block of (scaled) rows, merged along all column tiles: log, linear, each `(r,)`."""
    log: list[Tensor] = []
    linear: list[Tensor] = []
    for columns in plan.column_tiles():
        similarity = x @ y[columns].T  # (r, c)
        with torch.enable_grad():  # builds no graph, unless `terms` brings a learned tensor of its own
            found = plan.terms(similarity, plan.tile(rows, columns))
        if any(channel.requires_grad for channel in (*found.log, *found.linear)):
            raise ArgumentError(
                "terms uses a tensor that requires a gradient, and would get none through the tiles. "
                "Apply it to what row_reduce returns, or pass it as scale=."
            )
        log_parts = [torch.logsumexp(channel, dim=1) for channel in found.log]  # (r, c) -> (r,)
        linear_parts = [channel.sum(dim=1) for channel in found.linear]  # (r, c) -> (r,)
        if columns.start == 0:
            log, linear = log_parts, linear_parts
        else:
            log = [torch.logaddexp(total, part) for total, part in zip(log, log_parts, strict=True)]
            linear = [total + part for total, part in zip(linear, linear_parts, strict=True)]
    return log, linear


def _tile_gradient(
    terms: TermsOfTile,
    similarity: Tensor,
    tile: Tile,
    totals: Sequence[Tensor],
    gradients: Sequence[Tensor | None],
) -> Tensor | None:
    """d loss / d similarity `(r, c)` of one tile; None where no wanted channel depends on the similarity."""
    with torch.enable_grad():
        similarity = similarity.detach().requires_grad_()
        found = terms(similarity, tile)
    channels, seeds = [], []
    for number, (channel, gradient) in enumerate(zip((*found.log, *found.linear), gradients, strict=True)):
        if gradient is None or not channel.requires_grad:
            continue
        seed = gradient.unsqueeze(1).expand_as(channel)  # (r,) -> (r, c)
        if number < len(totals):
            # a row of nothing but -inf has total -inf, and exp(-inf - -inf) is NaN: its shares are all 0
            total = totals[number].masked_fill(totals[number] == -math.inf, 0.0)
            seed = (channel.detach() - total.unsqueeze(1)).exp_().mul_(seed)  # (r, c)
        channels.append(channel)
        seeds.append(seed.to(channel.dtype))
    if not channels:
        return None
    return torch.autograd.grad(channels, similarity, seeds)[0]


def _slices(length: int, step: int) -> Iterator[slice]:
    return (slice(start, min(start + step, length)) for start in range(0, length, step))
