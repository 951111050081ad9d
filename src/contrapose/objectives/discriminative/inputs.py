"""What the discriminative losses ask of scores, and by what they divide a sum of them."""

from __future__ import annotations

import torch
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.objectives.engine.inputs import check_embeddings, number_of


def as_scores(x: Tensor, name: str, letters: str) -> Tensor:
    """Finite scores in at least float32; `letters` are the dimensions that they must have."""
    check_embeddings(x, name, letters)
    return x.to(torch.promote_types(x.dtype, torch.float32))


def counted(count: float | Tensor | None, own: int | Tensor) -> float | Tensor:
    """What a sum is divided by: what was given, or the terms of this call, one at least.

    Errors:
        ArgumentError: a count that is not above 0.
    """
    if count is None:
        return max(own, 1) if isinstance(own, int) else own.clamp(min=1)
    value = number_of(count, "count")
    if not isinstance(value, Tensor) and not value > 0:
        raise ArgumentError(f"count must be above 0, got {value:g}: it is what the sum over terms is divided by.")
    return count
