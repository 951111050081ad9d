"""How far apart the targets of anchors and candidates are: what every loss over numbers is made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.pairing import Pairing, TargetPairing
from contrapose.pairing.targets import as_targets


@dataclass(frozen=True)
class Gaps:
    """Anchors against all N rows.

    Shapes:
        signed: `(r, N)`, y_i - y_k.
        itself: `(r, N)` true where the candidate is the anchor.
        positive, negative: `(r, N)` true where the targets are the same, and where they are not; never both, and
            neither at the anchor itself.
    """

    signed: Tensor
    itself: Tensor
    positive: Tensor
    negative: Tensor

    @classmethod
    def of(cls, targets: Tensor, anchors: Tensor, tolerance: float | Tensor, dtype: torch.dtype) -> Gaps:
        """From targets `(N,)` and the row numbers `(r,)` of the anchors.

        Differences are taken before they are brought to the precision of the embeddings: two years around 2000 are
        nearly the same number in float32, and their difference is not.
        """
        signed = targets[anchors].unsqueeze(1) - targets  # (r, N)
        itself = torch.arange(len(targets), device=targets.device) == anchors.unsqueeze(1)  # (r, N)
        near = signed.abs() <= tolerance  # (r, N)
        return cls(signed.to(dtype), itself, near & ~itself, ~(near | itself))


def check_targets(targets: Any, batch: int) -> Tensor:
    """One finite number for each of the samples.  -> `(B,)` float32 or float64

    Errors:
        ArgumentError: another shape or number of them, NaN.
    """
    if not isinstance(targets, Tensor):
        raise ArgumentError(f"targets must be a tensor of shape (B,), got {type(targets).__name__}.")
    numbers = as_targets(targets)
    if len(numbers) != batch:
        raise ArgumentError(
            f"targets has {len(numbers)} entries for {batch} samples; give one a sample, not one a view."
        )
    return numbers


def check_samples(views: int, batch: int) -> None:
    """There is something to compare with: two views of each of two samples.

    Errors:
        ArgumentError: fewer of either.
    """
    if views < 2:
        raise ArgumentError(f"z has {views} view, so that a number that nobody shares has no positive; give two views.")
    if batch < 2:
        raise ArgumentError("z holds 1 sample, and there is no other number to tell its own from; give two or more.")


def of_equal_embeddings(objective: Callable[..., Any], **options: Any) -> Callable[[Pairing], float]:
    """The chance of an objective over targets: its value where all embeddings are equal.

    Unlike a softmax over samples, it depends on the targets of the batch: so it is not a formula but the loss itself,
    of rows that are all alike.
    """

    def chance(pairing: Pairing) -> float:
        assert isinstance(pairing, TargetPairing), "a loss over numbers goes with by_targets"
        equal = torch.ones(pairing.views, len(pairing.targets), 1, dtype=torch.float64, device=pairing.targets.device)
        return float(objective(equal, pairing.targets, **options))

    return chance
