"""Row reductions whose candidates come by in blocks, from wherever they lie: the engine's `row_reduce`, block by block.

An objective knows no process. Whoever has its candidates spread over several hands it an `Exchange`, which shows them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor

from contrapose.errors import RunError
from contrapose.objectives.engine.anchors import Anchors
from contrapose.objectives.engine.tiles import TermsOfTile, row_reduce
from contrapose.pairing import Pairing, Tile

LOG_CHANNELS = 1
"""Log channels of the reductions that are merged here; all others are sums."""


@runtime_checkable
class Exchange(Protocol):
    """Equally long blocks of candidates, one of which is at hand and the others come by.

    Attributes:
        number: of the block at hand.
        blocks: how many there are.
    """

    number: int
    blocks: int

    def tour(self, block: Tensor, visit: Callable[[int, Tensor], Tensor | None]) -> Tensor | None:
        """Call `visit(number, block)` once for each block; the sum of what all visits to the own block gave."""
        ...

    def mean(self, block: Tensor) -> Tensor:
        """The mean over the places of the blocks."""
        ...

    def check(self, block: Tensor) -> None:
        """Pass blocks that are equally long.

        Errors:
            RunError: they differ.
        """
        ...


def visiting_reduce(
    x: Tensor,
    y: Tensor,
    terms: TermsOfTile,
    pairing: Pairing,
    exchange: Exchange,
    *,
    row_indices: Tensor,
    scale: float | Tensor = 1.0,
    tile_rows: int | None = None,
    tile_columns: int | None = None,
) -> tuple[Tensor, ...]:
    """`row_reduce(x, all blocks joined, terms, pairing, ...)`, where only one block of the candidates is at hand.

        forward:   l_i <- log(exp(l_i) + exp(l_i of the block)), from l_i = -inf;   a_i <- a_i + a_i of the block
        backward:  the blocks come by once more, d l_i of a block = exp(l_i of the block - l_i) d l_i; what a block's
                   rows get travels with the block, what x and the scale get stays here

    So each process has the gradient of its own loss by the scale and by its anchors, and of everybody's loss by its
    candidates, as behind `distributed.gather`. Work is 10 R M D operations, where row_reduce takes 8.

    Shapes:
        x: `(R, D)` anchors, y: `(m, D)` the candidates at hand; the pairing's candidates are blocks · m. Returns one
            `(R,)` per channel: one log channel, and the linear ones.

    Arguments:
        row_indices: `(R,)` the anchor of the pairing that each row of `x` is.

    Errors:
        RunError: blocks of different lengths, or a second derivative is asked for.
    """
    exchange.check(y)
    dtype = torch.promote_types(torch.promote_types(x.dtype, y.dtype), torch.float32)
    factor = torch.as_tensor(scale, dtype=dtype, device=x.device)  # ()
    options = {"row_indices": row_indices, "tile_rows": tile_rows, "tile_columns": tile_columns}
    plan = _Plan(terms, pairing.to(x.device), exchange, options)
    outputs: tuple[Tensor, ...] = _VisitingReduce.apply(plan, x.to(dtype), y.to(dtype), factor)
    return outputs


@dataclass(frozen=True)
class _Plan:
    terms: TermsOfTile
    pairing: Pairing
    exchange: Exchange
    options: dict[str, Any] = field(default_factory=dict)

    def reduce(self, number: int, x: Tensor, block: Tensor, scale: Tensor) -> tuple[Tensor, ...]:
        """The channels of one block, `(R,)` each."""
        pairing = Columns(self.pairing, number * len(block), len(block))
        return row_reduce(x, block, self.terms, pairing, scale=scale, **self.options)


class _VisitingReduce(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, plan: _Plan, x: Tensor, y: Tensor, scale: Tensor) -> tuple[Tensor, ...]:
        found: list[Tensor] = []

        def visit(number: int, block: Tensor) -> None:
            parts = plan.reduce(number, x, block, scale)
            if not found:
                found.extend(parts)
                return
            for place, part in enumerate(parts):
                merge = torch.logaddexp if place < LOG_CHANNELS else torch.add
                found[place] = merge(found[place], part)

        plan.exchange.tour(y, visit)
        ctx.plan = plan
        ctx.save_for_backward(x, y, scale, *found[:LOG_CHANNELS])
        ctx.set_materialize_grads(False)  # a channel that nobody differentiates costs nothing in the backward
        return tuple(found)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:
        if torch.is_grad_enabled():
            raise RunError("Losses whose candidates come by in blocks have no second derivative; gather them instead.")
        x, y, scale, *totals = ctx.saved_tensors
        plan, (_, *wanted) = ctx.plan, ctx.needs_input_grad
        wanted_leaves = [number for number, want in enumerate(wanted) if want]
        sums: dict[int, Tensor] = {}  # what the anchors (0) and the scale (2) get

        def visit(number: int, block: Tensor) -> Tensor | None:
            leaves = [leaf.detach().requires_grad_(want) for leaf, want in zip((x, block, scale), wanted, strict=True)]
            with torch.enable_grad():
                parts = plan.reduce(number, *leaves)
            shares = [
                (part.detach() - _finite(total)).exp() for part, total in zip(parts, totals, strict=False)
            ]  # (R,)
            seeds = [None if of is None else of * share for of, share in zip_longest(gradients, shares, fillvalue=1.0)]
            kept = [(part, seed) for part, seed in zip(parts, seeds, strict=True) if seed is not None]
            outputs, weights = zip(*kept, strict=True)
            given = torch.autograd.grad(outputs, [leaves[place] for place in wanted_leaves], weights)
            found = dict(zip(wanted_leaves, given, strict=True))
            for place in (0, 2):
                if place in found:
                    sums[place] = found[place] if place not in sums else sums[place].add_(found[place])
            return found.get(1)

        dy = plan.exchange.tour(y, visit)
        return None, sums.get(0), dy, sums.get(2)


def own_anchors(x: Tensor, exchange: Exchange) -> Anchors:
    """The anchors of this place, `(R, D)`, among as many of every other."""
    count, device = len(x), x.device
    first = exchange.number * count
    own = torch.arange(first, first + count, device=device)  # (R,)
    return Anchors(own=own, everyone=torch.arange(exchange.blocks * count, device=device))


def visiting_candidates(x: Tensor, normalized: bool, exchange: Exchange) -> Tensor:
    """`as_candidates`, about the mean of the rows of all places. `(m, D)` -> same."""
    return x if normalized else x - exchange.mean(x.mean(0))


class Columns(Pairing):
    """So many neighbouring candidates of a pairing, from `first` on."""

    def __init__(self, original: Pairing, first: int, count: int) -> None:
        self.original, self.first = original, first
        self.anchors, self.candidates = original.anchors, count

    def tile(self, rows: Tensor, columns: slice) -> Tile:
        return self.original.tile(rows, slice(columns.start + self.first, columns.stop + self.first))

    def to(self, device: torch.device | str) -> Columns:
        return Columns(self.original.to(device), self.first, self.candidates)

    def candidate_names(self) -> list[str]:
        return self.original.candidate_names()[self.first : self.first + self.candidates]


def _finite(total: Tensor) -> Tensor:
    """Without -inf, of rows that have no candidate anywhere: exp(-inf - -inf) is NaN, and their shares are all 0."""
    return total.masked_fill(total == -math.inf, 0.0)
