"""What the loop asks of data and views, and what it answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from torch import Tensor

MakeViews = Callable[..., tuple[Tensor, ...]]  # (pictures, generator=...) -> views


class TrainingData(Protocol):
    """What training asks of a data set (every `contrapose.data.Samples` answers)."""

    @property
    def targets(self) -> Mapping[str, Any]: ...

    def __len__(self) -> int: ...

    def batch(self, indices: Tensor) -> Any: ...

    @property
    def fingerprint(self) -> str: ...

    def recorded_as(self, fingerprint: str) -> bool: ...


@dataclass(frozen=True)
class Outcome:
    """How a call of `fit` ended.

    Arguments:
        signal: the number of the signal that stopped it; None when it ran to its end.
    """

    steps: int
    total_steps: int
    loss: float
    seconds: float
    views_per_second: float
    signal: int | None = None

    @property
    def finished(self) -> bool:
        """False when the run was interrupted."""
        return self.steps >= self.total_steps
