"""How alike each anchor and its positives are, from sums over the groups: no tile is looked at."""

from __future__ import annotations

from typing import Any, Protocol

import torch
from torch import Tensor

from contrapose.pairing import NOBODY, Plain
from contrapose.tracing import is_readable


class Positives(Protocol):
    """The matrix W of anchors × candidates, 1 where the candidate is a positive, never made."""

    def of_anchors(self, y: Tensor) -> Tensor:
        """W y, what an anchor's positives add up to: `(M, D)` -> `(R, D)`."""

    def of_candidates(self, x: Tensor) -> Tensor:
        """Wᵀ x, what the anchors add up to that have the candidate as a positive: `(R, D)` -> `(M, D)`."""


def attraction(positives: Positives, x: Tensor, y: Tensor, scale: Tensor) -> Tensor:
    """The sum of each anchor's similarities with its positives, scale · x·(W y): `(R, D)`, `(M, D)`, `()` -> `(R,)`."""
    with torch.autocast(x.device.type, enabled=False):
        found: Tensor = _Attraction.apply(positives, x, None if y is x else y, scale)
    return found


class _Attraction(torch.autograd.Function):
    """As autograd has it, without the rows that it would keep; its backward can be differentiated again."""

    @staticmethod
    def forward(ctx: Any, positives: Positives, x: Tensor, y: Tensor | None, scale: Tensor) -> Tensor:
        ctx.positives = positives
        ctx.save_for_backward(x, y, scale)
        return (x * positives.of_anchors(x if y is None else y)).sum(dim=1) * scale  # (R,)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, y, scale = ctx.saved_tensors
        _, x_wanted, y_wanted, scale_wanted = ctx.needs_input_grad
        dx = dscale = None
        with torch.autocast(x.device.type, enabled=False):
            weight = (scale * gradient).unsqueeze(1)  # (R, 1)
            wanted = y_wanted or (y is None and x_wanted)
            dy = ctx.positives.of_candidates(weight * x) if wanted else None  # (M, D)
            if x_wanted or scale_wanted:
                pulled = ctx.positives.of_anchors(x if y is None else y)  # (R, D)
                dscale = (gradient * (x * pulled).sum(dim=1)).sum() if scale_wanted else None
                if y is not None or dy is None:
                    dx = weight * pulled
                else:  # in place where nobody differentiates again: of many rows each such piece is much
                    dx = (dy.addcmul if torch.is_grad_enabled() else dy.addcmul_)(weight, pulled)
        return None, dx if x_wanted else None, None if y is None else dy, dscale


def positives_of(plain: Plain, anchors: Tensor | None) -> Positives:
    """W for the anchors `(R,)` of the rows; None = row i is anchor i."""
    if plain.period is not None and anchors is None:
        return _Periodic(len(plain.anchor_groups), len(plain.candidate_groups), plain.period, plain.same_rows)
    return _Grouped(plain, anchors)


class _Periodic:
    """Row i is of group i modulo the period: views of a batch, two towers."""

    def __init__(self, anchors: int, candidates: int, period: int, same_rows: bool) -> None:
        self.anchors, self.candidates, self.period, self.same_rows = anchors, candidates, period, same_rows

    def of_anchors(self, y: Tensor) -> Tensor:
        return self._sum(y, self.anchors)

    def of_candidates(self, x: Tensor) -> Tensor:
        return self._sum(x, self.candidates)

    def _sum(self, rows: Tensor, count: int) -> Tensor:
        if self.same_rows and count == 2 * self.period:
            return rows.roll(self.period, 0)  # the other view
        folded = rows.unflatten(0, (-1, self.period))  # (V·B, D) -> (V, B, D)
        total = folded[0] if len(folded) == 1 else folded.sum(0)  # (B, D)
        if self.same_rows:
            return (total - folded).flatten(0, 1)  # (V·B, D)
        return total if count == self.period else total.repeat(count // self.period, 1)  # (count, D)


class _Grouped:
    """Groups by number."""

    def __init__(self, plain: Plain, anchors: Tensor | None) -> None:
        groups, candidates = plain.anchor_groups, plain.candidate_groups
        if anchors is not None:
            groups = groups[anchors]  # (R,)
        if is_readable(candidates):
            values, self.of_candidate = candidates.unique(return_inverse=True)  # (G,), (M,)
        else:  # M groups, most of them empty: to count those that are not would be to wait for a GPU
            values = candidates.sort().values  # (M,)
            self.of_candidate = torch.searchsorted(values, candidates)  # (M,) where its group begins
        self.count = len(values)
        self.of_anchor = torch.searchsorted(values, groups).clamp(max=self.count - 1)  # (R,)
        self.some = ((values[self.of_anchor] == groups) & (groups != NOBODY)).unsqueeze(1)  # (R, 1)
        self.itself: Tensor | None = None
        if plain.same_rows:
            self.itself = torch.arange(len(groups), device=groups.device) if anchors is None else anchors  # (R,)

    def of_anchors(self, y: Tensor) -> Tensor:
        sums = y.new_zeros(self.count, y.shape[1]).index_add(0, self.of_candidate, y)  # (G, D)
        found = sums[self.of_anchor]  # (R, D)
        if self.itself is not None:
            found = found - y[self.itself]
        return found.masked_fill(~self.some, 0.0)

    def of_candidates(self, x: Tensor) -> Tensor:
        x = x.masked_fill(~self.some, 0.0)  # (R, D)
        sums = x.new_zeros(self.count, x.shape[1]).index_add(0, self.of_anchor, x)  # (G, D)
        found = sums[self.of_candidate]  # (M, D)
        return found if self.itself is None else found.index_add(0, self.itself, x, alpha=-1)
