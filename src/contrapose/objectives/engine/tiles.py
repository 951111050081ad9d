"""The engine: reduce every row of a similarity matrix, tile by tile, without ever keeping the matrix.

A loss says what it wants of a tile (`terms`); the engine computes the tiles, merges them along the columns and, in the
backward, computes each tile a second time. Extra memory is linear in the number of rows, forward and backward.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from contrapose.errors import ArgumentError, RunError
from contrapose.pairing import Pairing, Tile
from contrapose.tracing import is_compiling, is_transformed, outside_of_the_graph

# Rows and columns of a tile, measured by benchmarks/tiled_softmax.py --sweep on cores with 2 MiB of second-level cache.
# The optimum is flat: 256 to 1024 rows by 512 to 2048 columns differ by less than a tenth.
CPU_TILE = (512, 1024)
# An accelerator wants few, large calls: a tile of 64 MiB. Reasoned, not measured.
ACCELERATOR_TILE = (2048, 8192)
# Similarities in a compiled graph, 256 MiB in float32; a larger call leaves the graph for the tiles.
LARGEST_IN_GRAPH = 2**26


@dataclass(frozen=True)
class Terms:
    """What a loss wants of one tile: channels to be reduced along the columns.

    Shapes:
        log: each `(r, c)`, reduced by log-sum-exp; -inf where a candidate is left out.
        linear: each `(r, c)`, reduced by a sum.
    """

    log: Sequence[Tensor] = ()
    linear: Sequence[Tensor] = ()


TermsOfTile = Callable[[Tensor, Tile], Terms]


def row_reduce(
    x: Tensor,
    y: Tensor,
    terms: TermsOfTile,
    pairing: Pairing,
    *,
    row_indices: Tensor | None = None,
    scale: float | Tensor = 1.0,
    tile_rows: int | None = None,
    tile_columns: int | None = None,
) -> tuple[Tensor, ...]:
    """Reduce each row of `scale · x yᵀ` along its columns; differentiable in `x`, `y` and `scale`.

        log channel u:     l_i = log sum_j exp(u_ij)      dl_i / du_ij = exp(u_ij - l_i)
        linear channel v:  a_i = sum_j v_ij               da_i / dv_ij = 1

    with u, v elementwise functions of the similarity that `terms(similarity, tile)` returns. Partial log-sum-exps of
    column tiles are merged by l <- log(exp(l) + exp(l_J)), starting from l = -inf (Cheng et al. 2024,
    https://arxiv.org/abs/2410.17243, and the online softmax of https://arxiv.org/abs/1805.02867). Work is 8 R M D
    operations against 6 R M D with a stored matrix; memory is R + M rows and a few tiles against several times R × M.

    Shapes:
        x: `(R, D)` anchors, y: `(M, D)` candidates; returns one `(R,)` per channel, the log channels first.

    Arguments:
        terms: gets the scaled similarity `(r, c)` and the pairing's answer for the tile; may use no learned
            tensor.
        row_indices: `(R,)` the anchor of the pairing that each row of `x` is; None = anchor i is row i.
        scale: factor on x·y (1 / temperature), a float or a learned 0-d tensor.
        tile_rows, tile_columns: size of a tile; None = 512 × 1024 on a CPU, 2048 × 8192 elsewhere.

    Accumulates in float32 (float64 stays), also under autocast. A row without any candidate has l = -inf and a zero
    gradient, never NaN.

    Under torch.func (grad, vmap, jacrev, hessian, ...) and torch.compile the whole matrix is computed instead, from
    plain operations that torch can transform; with compile up to 2^26 similarities, beyond which the graph breaks here
    (and `fullgraph=True` is refused).

    Errors:
        ArgumentError: sizes that do not fit, tile sizes below 1, learned tensors inside `terms`.
        RunError: a second derivative is asked for, outside of torch.func.
    """
    usual = CPU_TILE if x.device.type == "cpu" else ACCELERATOR_TILE
    tile_rows = usual[0] if tile_rows is None else tile_rows
    tile_columns = usual[1] if tile_columns is None else tile_columns
    _check_sizes(x, y, pairing, row_indices, tile_rows, tile_columns)
    anchors = torch.arange(len(x), device=x.device) if row_indices is None else row_indices
    dtype = torch.promote_types(torch.promote_types(x.dtype, y.dtype), torch.float32)
    plan = _Plan(terms, pairing.to(x.device), anchors, tile_rows, tile_columns, dtype)
    factor = torch.as_tensor(scale, dtype=dtype, device=x.device)  # ()
    if factor.ndim != 0:
        raise ArgumentError(f"scale must be a number or a 0-d tensor, got shape {tuple(factor.shape)}.")
    x, y = x.to(dtype), y.to(dtype)
    if is_transformed():
        if is_compiling() and len(x) * len(y) > LARGEST_IN_GRAPH:
            return _outside_of_the_graph(plan, x, y, factor)
        return _whole(plan, x, y, factor)
    return _tiled(plan, x, y, factor)


@dataclass(frozen=True)
class _Plan:
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


def _tiled(plan: _Plan, x: Tensor, y: Tensor, scale: Tensor) -> tuple[Tensor, ...]:
    outputs: tuple[Tensor, ...] = _RowReduce.apply(plan, x, y, scale)
    return outputs


_outside_of_the_graph = outside_of_the_graph(_tiled)


def _whole(plan: _Plan, x: Tensor, y: Tensor, scale: Tensor) -> tuple[Tensor, ...]:
    """The same from the whole matrix, for whoever transforms the call: it keeps R × M numbers several times."""
    with torch.autocast(x.device.type, enabled=False):
        found = plan.terms((scale * x) @ y.T, plan.tile(slice(0, len(x)), slice(0, len(y))))
    return *map(_log_sum, found.log), *(channel.sum(dim=1) for channel in found.linear)


def _log_sum(channel: Tensor) -> Tensor:
    """Log-sum-exp of each row; -inf without a derivative, where torch's is NaN, of a row of nothing but -inf."""
    empty = (channel == -math.inf).all(dim=1)  # (R,)
    return channel.masked_fill(empty.unsqueeze(1), 0.0).logsumexp(dim=1).masked_fill(empty, -math.inf)


class _RowReduce(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, plan: _Plan, x: Tensor, y: Tensor, scale: Tensor) -> tuple[Tensor, ...]:
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
        if torch.is_grad_enabled():
            raise RunError(
                "The tiled objectives have no second derivative (create_graph=True was asked for); under torch.func, "
                "which computes with the full similarity matrix, they do: torch.func.hessian(loss)(z)."
            )
        x, y, scale, *totals = ctx.saved_tensors
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


def _reduce_rows(plan: _Plan, x: Tensor, y: Tensor, rows: slice) -> tuple[list[Tensor], list[Tensor]]:
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


def _check_sizes(
    x: Tensor, y: Tensor, pairing: Pairing, row_indices: Tensor | None, tile_rows: int, tile_columns: int
) -> None:
    if x.ndim != 2 or y.ndim != 2 or x.shape[1] != y.shape[1] or len(x) == 0 or len(y) == 0:
        raise ArgumentError(f"x and y must be non-empty (R, D) and (M, D), got {tuple(x.shape)} and {tuple(y.shape)}.")
    if not (x.is_floating_point() and y.is_floating_point()):
        raise ArgumentError(f"x and y must be floating point, got {x.dtype} and {y.dtype}.")
    if pairing.candidates != len(y):
        raise ArgumentError(f"The pairing speaks of {pairing.candidates} candidates, but y has {len(y)} rows.")
    named = len(x) if row_indices is None else len(row_indices)
    if named != len(x) or (row_indices is None and pairing.anchors != len(x)):
        raise ArgumentError(
            f"x has {len(x)} rows, the pairing {pairing.anchors} anchors and row_indices names {named}; "
            "give row_indices=, one anchor number for each row of x."
        )
    if tile_rows < 1 or tile_columns < 1:
        raise ArgumentError(f"tile_rows and tile_columns must be at least 1, got {tile_rows} and {tile_columns}.")
