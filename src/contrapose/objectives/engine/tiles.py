"""The engine: reduce every row of a similarity matrix, tile by tile, without ever keeping a large one.

A loss says what it wants of a tile (`terms`); the engine computes the tiles, merges them along the columns and, in the
backward, computes each tile a second time. Extra memory is linear in the number of rows, forward and backward.

Where the pairing is plain and the terms are `Sums`, as they are in most losses, tiles are exponentials written in
place, without a mask (`plain/`), and on a GPU with Triton one log channel is summed by kernels (`plain/kernels/`), of
which no tile is ever in memory. All others go through `masked.py`.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.objectives.engine.masked import MaskedPlan, reduce_masked, reduce_whole
from contrapose.objectives.engine.plain.choice import (
    ACCELERATOR_TILE,
    CPU_TILE,
    Call,
    plain_both_ways,
    plain_rows,
)
from contrapose.objectives.engine.second import LARGEST_IN_GRAPH
from contrapose.objectives.engine.terms import LogSum, Sums, Terms, TermsOfTile
from contrapose.objectives.engine.transposed import Transposed
from contrapose.pairing import Pairing
from contrapose.tracing import is_compiling, is_transformed, outside_of_the_graph

__all__ = [
    "ACCELERATOR_TILE",
    "CPU_TILE",
    "LogSum",
    "Sums",
    "Terms",
    "TermsOfTile",
    "reduce_both_ways",
    "row_reduce",
]


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
    Of plain terms in which x is y, half of the tiles are made: 4 R² D operations. Up to 2^20 exponentials are kept for
    the backward, which then makes none again.

    Shapes:
        x: `(R, D)` anchors, y: `(M, D)` candidates; returns one `(R,)` per channel, the log channels first.

    Arguments:
        terms: gets the scaled similarity `(r, c)` and the pairing's answer for the tile; may use no learned
            tensor. As `Sums`, which say what is to be summed, they need no tile where the pairing is plain.
        row_indices: `(R,)` the anchor of the pairing that each row of `x` is; None = anchor i is row i.
        scale: factor on x·y (1 / temperature), a float or a learned 0-d tensor.
        tile_rows, tile_columns: size of a tile; None = 512 × 1024 on a CPU, 512 × 512 of a symmetric matrix, and 2048 ×
            8192 elsewhere. Kernels have blocks of their own.

    Accumulates in float32 (float64 stays), also under autocast. A row without any candidate has l = -inf and a zero
    gradient, never NaN.

    Under torch.func (grad, vmap, jacrev, hessian, ...) and torch.compile the whole matrix is computed instead, from
    plain operations that torch can transform; with compile up to 2^26 similarities, beyond which the graph breaks here
    (and `fullgraph=True` is refused).

    Errors:
        ArgumentError: sizes that do not fit, tile sizes below 1, learned tensors inside `terms`.
        RunError: a second derivative (`create_graph=True`) of more than 2^26 similarities; up to there it is taken from
            the whole matrix.
    """
    call = _call(x, y, terms, pairing, row_indices, scale, tile_rows, tile_columns)
    if is_transformed():
        if is_compiling() and len(x) * len(y) > LARGEST_IN_GRAPH:
            return _outside_of_the_graph(call)
        return reduce_whole(_masked(call), call.x, call.y, call.scale)
    return _in_tiles(call)


def reduce_both_ways(
    x: Tensor,
    y: Tensor,
    terms: TermsOfTile,
    pairing: Pairing,
    *,
    scale: float | Tensor = 1.0,
    tile_rows: int | None = None,
    tile_columns: int | None = None,
) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
    """`row_reduce` of the rows of `scale · x yᵀ` and, with the pairing seen from the other side, of its columns.

    From one pass over the matrix where that can be, which saves half of the products.

    Shapes:
        x: `(R, D)`, y: `(M, D)`; returns one `(R,)` per channel, and one `(M,)` per channel.
    """
    back = Transposed(pairing)
    there = _call(x, y, terms, pairing, None, scale, tile_rows, tile_columns)
    again = _call(y, x, terms, back, None, scale, tile_rows, tile_columns)
    found = None if is_transformed() else plain_both_ways(there, again)
    if found is not None:
        return found
    sizes: dict[str, Any] = {"scale": scale, "tile_rows": tile_rows, "tile_columns": tile_columns}
    return row_reduce(x, y, terms, pairing, **sizes), row_reduce(y, x, terms, back, **sizes)


def _in_tiles(call: Call) -> tuple[Tensor, ...]:
    found = plain_rows(call)
    return reduce_masked(_masked(call), call.x, call.y, call.scale) if found is None else found


_outside_of_the_graph = outside_of_the_graph(_in_tiles)


def _call(
    x: Tensor,
    y: Tensor,
    terms: TermsOfTile,
    pairing: Pairing,
    row_indices: Tensor | None,
    scale: float | Tensor,
    tile_rows: int | None,
    tile_columns: int | None,
) -> Call:
    _check_sizes(x, y, pairing, row_indices, tile_rows, tile_columns)
    dtype = torch.promote_types(torch.promote_types(x.dtype, y.dtype), torch.float32)
    factor = torch.as_tensor(scale, dtype=dtype, device=x.device)  # ()
    if factor.ndim != 0:
        raise ArgumentError(f"scale must be a number or a 0-d tensor, got shape {tuple(factor.shape)}.")
    wide = x.to(dtype)
    other = wide if y is x else y.to(dtype)
    return Call(wide, other, terms, pairing.to(x.device), row_indices, factor, tile_rows, tile_columns)


def _masked(call: Call) -> MaskedPlan:
    usual = CPU_TILE if call.x.device.type == "cpu" else ACCELERATOR_TILE
    anchors = torch.arange(len(call.x), device=call.x.device) if call.anchors is None else call.anchors
    tile_rows, tile_columns = call.tile_rows or usual[0], call.tile_columns or usual[1]
    return MaskedPlan(call.terms, call.pairing, anchors, tile_rows, tile_columns, call.x.dtype)


def _check_sizes(
    x: Tensor, y: Tensor, pairing: Pairing, row_indices: Tensor | None, tile_rows: int | None, tile_columns: int | None
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
    if any(size is not None and size < 1 for size in (tile_rows, tile_columns)):
        raise ArgumentError(f"tile_rows and tile_columns must be at least 1, got {tile_rows} and {tile_columns}.")
