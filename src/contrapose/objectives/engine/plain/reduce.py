"""The reduction of plain tiles, and its backward, which makes each tile a second time unless all are kept."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from contrapose.objectives.engine.plain.exponentials import Exponentials
from contrapose.objectives.engine.plain.kernels.plan import by_kernels, logs_by_kernels
from contrapose.objectives.engine.plain.plan import PlainPlan
from contrapose.objectives.engine.plain.totals import Totals, running_totals, totals_of
from contrapose.objectives.engine.second import gradients_of_whole

Factors = list[Tensor | None]
"""Of each channel what its exponentials are multiplied by in the gradient, `(R,)` or `(M,)`; None = nothing."""


def reduce_plain(plan: PlainPlan, x: Tensor, y: Tensor, scale: Tensor) -> list[Tensor]:
    """The log channels of the rows; then, of the form "both", those of the columns.

    Shapes:
        x: `(R, D)`, y: `(M, D)`, x itself where symmetric, scale: `()`; returns `(R,)` each, then `(M,)` each.
    """
    return list(_ReducePlain.apply(plan, x, None if plan.form == "symmetric" else y, scale))


class _ReducePlain(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, plan: PlainPlan, x: Tensor, y: Tensor | None, scale: Tensor) -> tuple[Tensor, ...]:
        with torch.autocast(x.device.type, enabled=False):
            found = _totals(plan, x, x if y is None else y, scale)
        ctx.plan, ctx.shifts, ctx.kept = plan, found.shifts, found.kept
        ctx.save_for_backward(x, y, scale, *found.logs)
        ctx.set_materialize_grads(False)  # a channel that nobody differentiates costs nothing in the backward
        return tuple(found.logs)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:
        plan: PlainPlan = ctx.plan
        x, y, scale, *logs = ctx.saved_tensors
        if torch.is_grad_enabled():
            dx, dy, dscale = gradients_of_whole(plan.whole, x, x if y is None else y, scale, gradients)
            if y is None and dx is not None and dy is not None:
                dx, dy = dx + dy, None
            return None, dx, dy, dscale
        _, x_wanted, y_wanted, scale_wanted = ctx.needs_input_grad
        wanted = x_wanted or scale_wanted, y is not None and y_wanted
        with torch.autocast(x.device.type, enabled=False):
            if plan.numbers is not None:
                dx, dy = by_kernels(plan, x, y, scale, gradients, logs, wanted)
            else:
                dx, dy = _by_tiles(ctx, x, y, scale, gradients, logs, wanted)
        dscale = None
        if scale_wanted and dx is not None:
            # d scale = sum_ij dS_ij x_i·y_j = <dx, x>, as dx still lacks the scale here; twice that where symmetric
            dscale = (dx * x).sum() / (2 if y is None else 1)
        return (
            None,
            dx.mul_(scale) if x_wanted and dx is not None else None,
            dy.mul_(scale) if y is not None and dy is not None else None,
            dscale,
        )


def _totals(plan: PlainPlan, x: Tensor, y: Tensor, scale: Tensor) -> Totals:
    if plan.numbers is not None:
        return Totals(logs_by_kernels(plan, x, y, scale))
    return (running_totals if plan.running else totals_of)(plan, x, y, scale)


def _by_tiles(
    ctx: Any,
    x: Tensor,
    y: Tensor | None,
    scale: Tensor,
    gradients: Sequence[Tensor | None],
    logs: Sequence[Tensor],
    wanted: tuple[bool, bool],
) -> tuple[Tensor | None, Tensor | None]:
    """dx `(R, D)` and dy `(M, D)`, less the scale, of the two those that are wanted."""
    plan: PlainPlan = ctx.plan
    dx = torch.zeros_like(x) if wanted[0] else None
    dy = dx if y is None else torch.zeros_like(y) if wanted[1] else None
    count = len(plan.channels)
    of_rows = _factors(plan, gradients[:count], logs[:count], ctx.shifts)
    of_columns = of_rows if y is None else _factors(plan, gradients[count:], logs[count:], None)
    if any(factor is not None for factor in (*of_rows, *of_columns)):
        _gather(plan, x, x if y is None else y, scale, of_rows, of_columns, ctx.shifts, ctx.kept, dx, dy)
    return dx, dy


def _factors(
    plan: PlainPlan, gradients: Sequence[Tensor | None], logs: Sequence[Tensor], shifts: Sequence[Tensor] | None
) -> Factors:
    """d loss / d exponent of a candidate is its exponential times g · slope / total, a number a row and channel."""
    factors: Factors = [None] * len(plan.channels)
    for number, (gradient, log) in enumerate(zip(gradients, logs, strict=True)):
        if gradient is None:
            continue
        share = gradient * ((0.0 if shifts is None else shifts[number]) - log).exp()  # (R,)
        share = share.masked_fill(log == -math.inf, 0.0)  # in a row of nothing nobody has a share
        if plan.slope(number):
            factors[number] = _plus(factors[number], plan.slope(number) * share)
        if plan.channels[number].raised:  # the derivative of (1 + s) e is (1 + s) times that of e, and e
            factors[number - 1] = _plus(factors[number - 1], share)
    return factors


def _plus(one: Tensor | None, other: Tensor) -> Tensor:
    return other if one is None else one + other


def _gather(
    plan: PlainPlan,
    x: Tensor,
    y: Tensor,
    scale: Tensor,
    of_rows: Factors,
    of_columns: Factors,
    shifts: Sequence[Tensor] | None,
    kept: Sequence[list[Tensor]],
    dx: Tensor | None,
    dy: Tensor | None,
) -> None:
    """Adds to dx `(R, D)` and dy `(M, D)`, the same where symmetric, their part of each tile, less the scale."""
    made = Exponentials(plan, x, y)
    stored = iter(kept)
    for rows in plan.row_tiles(len(x)):
        block = scale * x[rows]  # (r, D)
        for columns in plan.column_tiles(rows, len(y)):
            tiles = next(stored) if kept else made.tiles(block, rows, columns, shifts)  # (r, c) each
            weights = _weighted(made, tiles, rows, columns, of_rows, of_columns)  # (r, c)
            if dx is not None:
                dx[rows].addmm_(weights, y[columns])  # (r, c) (c, D) -> (r, D)
            if dy is not None and (plan.form == "rows" or plan.is_both(rows, columns)):
                dy[columns].addmm_(weights.T, x[rows])  # (c, r) (r, D) -> (c, D)


def _weighted(
    made: Exponentials, tiles: list[Tensor], rows: slice, columns: slice, of_rows: Factors, of_columns: Factors
) -> Tensor:
    """d loss / d similarity `(r, c)`: all channels' exponentials times their factors."""
    shape = tiles[0].shape
    weights: Tensor | None = None
    for tile, row, column in zip(tiles, of_rows, of_columns, strict=True):
        if row is None and column is None:
            continue
        memory = made.memory(-1 if weights is None else -2, shape)  # (r, c)
        if row is not None and column is not None:
            factor = torch.add(row[rows].unsqueeze(1), column[columns], out=memory)  # (r, c)
        else:
            factor = row[rows].unsqueeze(1) if row is not None else column[columns]  # type: ignore[index]
        weights = torch.mul(tile, factor, out=memory) if weights is None else weights.addcmul_(tile, factor)
    assert weights is not None
    return weights
