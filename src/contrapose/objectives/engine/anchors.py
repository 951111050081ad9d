"""Which anchors one call answers for, and the mean over them that stays right when ranks share the work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.objectives.engine.inputs import check_choice
from contrapose.pairing import Pairing
from contrapose.tracing import is_readable

EMPTY = ("drop", "zero", "error")
# Anchors and candidates of a tile in which positives are counted: small, for the counting makes several copies of it.
COUNTED_AT_ONCE = (256, 1024)


@dataclass(frozen=True)
class Anchors:
    """The anchors of this call among those of all calls (ranks) together.

    Shapes:
        own: `(R,)` anchor numbers of this call; None = all N of the pairing, in order.
        everyone: `(N',)` anchor numbers of all calls together; None = this call's own.
    """

    own: Tensor | None = None
    everyone: Tensor | None = None

    def take(self, x: Tensor) -> Tensor:
        """The rows of `x` that are this call's anchors: `(N, D)` -> `(R, D)`."""
        return x if self.own is None else x[self.own]


def choose_anchors(
    views: int, batch: int, rows: Any, device: torch.device, *, anchor_views: Sequence[int] | None = None
) -> Anchors:
    """Anchors of the samples `rows` (all when None) in the views `anchor_views` (all when None), view-major.

    Errors:
        ArgumentError: `rows` or `anchor_views` out of range, repeated or empty.
    """
    samples = None if rows is None else _indices(rows, batch, "rows", "samples").to(device)
    if samples is None and anchor_views is None:
        return Anchors()
    chosen = range(views) if anchor_views is None else _indices(anchor_views, views, "anchor_views", "views").tolist()
    offsets = torch.tensor([view * batch for view in chosen], device=device).unsqueeze(1)  # (V', 1)
    everyone = (offsets + torch.arange(batch, device=device)).flatten()  # (V'·B,)
    if samples is None:
        return Anchors(own=everyone)
    return Anchors(own=(offsets + samples).flatten(), everyone=everyone)  # (V'·R,), (V'·B,)


def reduce_anchors(
    losses: Tensor, kept: Tensor, anchors: Anchors, pairing: Pairing, *, empty: str, reduction: str
) -> Tensor:
    """The mean of the anchors' losses (or the losses), where some anchors may have no positive.

        drop:  sum_i l_i / #{i: P(i) not empty}      zero:  sum_i l_i / #{i}, empty ones adding 0

    Shapes:
        losses: `(R,)`, 0 where not kept; kept: `(R,)` true where the anchor has a positive; returns `()` or
            `(R,)`.

    Errors:
        ArgumentError: `empty="error"` and an anchor (of any rank) without a positive.
    """
    counted = empty == "error" or (empty == "drop" and reduction == "mean")
    kept_of_all = kept
    if counted and anchors.everyone is not None:
        # the pairing knows the anchors of all ranks
        kept_of_all = count_candidates(pairing, anchors.everyone)[0] > 0  # (N',)
    if empty == "error" and is_readable(kept_of_all) and not bool(kept_of_all.all()):
        number = int((~kept_of_all).sum())
        raise ArgumentError(
            f"{number} of {len(kept_of_all)} anchors have no positive. "
            'Sample at least two rows of every class, or choose empty="drop" or empty="zero".'
        )
    if reduction == "none":
        return losses
    if empty == "zero":
        return losses.mean()
    # Ranks average their losses with equal weights (DistributedDataParallel does), but may keep different
    # numbers of anchors. So each divides by the number kept by all, times its own share of the anchors: the
    # average over ranks is then the sum over everyone divided by everyone's count, which is the loss of one process.
    share = len(losses) / len(kept_of_all)
    count = kept_of_all.sum().to(losses.dtype) * share
    return losses.sum() / count.masked_fill(count == 0, 1.0)  # no anchor anywhere has a positive: 0


def count_candidates(pairing: Pairing, anchors: Tensor) -> tuple[Tensor, Tensor]:
    """Positives and negatives of each anchor, two `(N,)`, counted in small tiles."""
    rows, columns = COUNTED_AT_ONCE
    positives, negatives = zip(*(pairing.counts(block, columns=columns) for block in anchors.split(rows)), strict=True)
    return torch.cat(positives), torch.cat(negatives)  # (N,) each


def check_empty(empty: str) -> None:
    """`empty` is one of the policies for anchors without positives."""
    check_choice(empty, EMPTY, "empty")


def _indices(values: Any, size: int, name: str, what: str) -> Tensor:
    indices = torch.as_tensor(values)
    if indices.ndim != 1 or len(indices) == 0 or indices.is_floating_point() or indices.dtype == torch.bool:
        raise ArgumentError(
            f"{name} must be a non-empty list of integers, the numbers of {what}; "
            f"got shape {tuple(indices.shape)} of {str(indices.dtype).removeprefix('torch.')}."
        )
    if not is_readable(indices):
        return indices.long()
    low, high = int(indices.min()), int(indices.max())
    if low < 0 or high >= size:
        raise ArgumentError(f"{name} names {low if low < 0 else high}, but there are {size} {what} (0 to {size - 1}).")
    if len(indices.unique()) != len(indices):
        raise ArgumentError(f"{name} names one of the {what} twice, which would count it twice; name each once.")
    return indices.long()
