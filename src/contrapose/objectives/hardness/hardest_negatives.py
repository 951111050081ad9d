"""The hardest share of each anchor's negatives, block of rows by block of rows: no matrix of all pairs is kept."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from contrapose.errors import ArgumentError, RunError
from contrapose.pairing import Pairing, Tile
from contrapose.tracing import is_readable, is_transformed

# Similarities in a block of whole rows. Which negatives are the hardest is known only when all of them were seen, so a
# block cannot be cut along its columns as the tiles are. On a CPU 2^18 takes as long as 2^20 and less memory; elsewhere
# 64 MiB, reasoned and not measured.
CPU_BLOCK = 2**18
ACCELERATOR_BLOCK = 2**24


@dataclass(frozen=True)
class Block:
    """Some anchors and all their candidates.

    Shapes:
        similarity: `(r, M)`; tile: the pairing's answer for it.
        hardest: `(r, k)` similarities of the negatives kept, the largest first; -inf where an anchor keeps fewer.
        kept: `(r,)` how many an anchor keeps.
    """

    similarity: Tensor
    tile: Tile
    hardest: Tensor
    kept: Tensor


def reduce_blocks(
    x: Tensor,
    y: Tensor,
    reduce: Callable[[Block], tuple[Tensor, ...]],
    pairing: Pairing,
    *,
    row_indices: Tensor,
    alpha: float,
    scale: float | Tensor = 1.0,
    block_size: int | None = None,
) -> tuple[Tensor, ...]:
    """What `reduce` makes of every row of `scale · x yᵀ` and its hardest negatives; differentiable in all three.

    An anchor with n negatives keeps the `hardest_count(n, alpha)` of the largest similarity. Which these are is not
    differentiated; among equals `topk` decides. The backward computes each block a second time, so that memory is one
    block and a few rows.

    Shapes:
        x: `(R, D)`, y: `(M, D)`, row_indices: `(R,)` the anchor of the pairing that each row of x is; returns one
            `(R,)` for each tensor that `reduce` returns.

    Arguments:
        block_size: similarities in a block; None: 2^18 on a CPU, 2^24 elsewhere. A block has one row at least.
    """
    usual = CPU_BLOCK if x.device.type == "cpu" else ACCELERATOR_BLOCK
    step = max(1, (block_size or usual) // len(y))
    factor = torch.as_tensor(scale, dtype=x.dtype, device=x.device)  # ()

    def block(rows: Tensor, columns: Tensor, factor: Tensor, numbers: Tensor) -> tuple[Tensor, ...]:
        tile = pairing.tile(numbers, slice(0, len(columns)))
        tile = replace(tile, weight=tile.weight.to(rows.dtype))
        similarity = (factor * rows) @ columns.T  # (r, D) (D, M) -> (r, M)
        kept = hardest_count(tile.negative.sum(dim=1), alpha)  # (r,)
        return reduce(Block(similarity, tile, _hardest(similarity, tile.negative, kept, alpha), kept))

    if is_transformed():  # torch is to see plain operations: all rows are one block
        with torch.autocast(x.device.type, enabled=False):
            return block(x, y, factor, row_indices)

    outputs: tuple[Tensor, ...] = _ReduceBlocks.apply(block, step, x, y, factor, row_indices)
    return outputs


class _ReduceBlocks(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, block: Any, step: int, x: Tensor, y: Tensor, scale: Tensor, numbers: Tensor) -> Any:
        ctx.block, ctx.step = block, step
        ctx.save_for_backward(x, y, scale, numbers)
        ctx.set_materialize_grads(False)
        outputs: list[Tensor] = []  # made once: small results between large blocks would keep malloc from reusing them
        with torch.autocast(x.device.type, enabled=False):
            for start in range(0, len(x), step):
                own = slice(start, start + step)
                found = block(x[own], y, scale, numbers[own])
                outputs = outputs or [channel.new_empty(len(x)) for channel in found]  # each (R,)
                for output, channel in zip(outputs, found, strict=True):
                    output[own] = channel
        return tuple(outputs)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:
        if torch.is_grad_enabled():
            raise RunError(
                "The objectives over hardest negatives have no second derivative (create_graph=True was asked for). "
                "torch.func computes with the full similarity matrix and has one: torch.func.hessian(loss)(z)."
            )
        x, y, scale, numbers = ctx.saved_tensors
        sums = [torch.zeros_like(x), torch.zeros_like(y), torch.zeros_like(scale)]
        for start in range(0, len(x), ctx.step):
            own = slice(start, start + ctx.step)
            with torch.enable_grad(), torch.autocast(x.device.type, enabled=False):
                leaves = [tensor.detach().requires_grad_() for tensor in (x[own], y, scale)]
                found = ctx.block(*leaves, numbers[own])
            wanted = [
                (channel, gradient[own])
                for channel, gradient in zip(found, gradients, strict=True)
                if gradient is not None and channel.requires_grad
            ]
            if not wanted:  # nobody asks for any of them
                return (None,) * 6
            channels, seeds = zip(*wanted, strict=True)
            parts = torch.autograd.grad(channels, leaves, seeds)
            for total, part in zip((sums[0][own], *sums[1:]), parts, strict=True):
                total += part
        return None, None, *sums, None


def hardest_count(negatives: Tensor, alpha: float) -> Tensor:
    """max(1, ceil(alpha · negatives)), and 0 where there are none: how many count as the hardest.

    Shapes:
        negatives: `(R,)` counts; returns `(R,)`.
    """
    exact = alpha * negatives.double()
    # 0.07 · 100 is a little above 7 in binary, and means 7
    return (exact - 1e-9).ceil().long().clamp(min=1).minimum(negatives)


def check_selection(alpha: Any, block_size: int | None) -> None:
    """A share above 0 and at most 1, of similarities that come one at a time at least."""
    if not 0 < float(alpha) <= 1:
        raise ArgumentError(
            f"alpha, the share of negatives that are kept, must be above 0 and at most 1, got {alpha}; 0.1 is usual."
        )
    if block_size is not None and block_size < 1:
        raise ArgumentError(
            f"block_size, the similarities in memory at a time, must be at least 1, got {block_size}; None chooses it."
        )


def check_negatives(kept: Tensor, has_positive: Tensor) -> None:
    """Every anchor with a positive keeps a negative.

    Errors:
        ArgumentError: one keeps none.
    """
    if is_readable(kept) and bool((kept[has_positive] == 0).any()):
        raise ArgumentError("An anchor has a positive and no negative to choose from; give at least two samples.")


def _hardest(similarity: Tensor, negative: Tensor, kept: Tensor, alpha: float) -> Tensor:
    """The `kept` largest similarities of each row, padded with -inf: `(r, M)` -> `(r, k)`."""
    negatives = similarity.masked_fill(~negative, -math.inf)  # (r, M)
    at_most = max(1, math.ceil(alpha * negative.shape[1] - 1e-9))  # if all were negatives
    width = int(kept.max()) if is_readable(kept) else at_most
    places = torch.arange(width, device=kept.device)  # (k,)
    return negatives.topk(width, dim=1).values.masked_fill(places >= kept.unsqueeze(1), -math.inf)
