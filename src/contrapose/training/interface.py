"""How training ended."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Outcome:
    """How a call of `fit` ended.

    Arguments:
        loss: the last that a job told of a step; nan where none did.
        rate: how much was done a second, in the last stage, of its unit ("views").
        signal: the number of the signal that stopped it; None when it ran to its end.
    """

    steps: int
    total_steps: int
    loss: float
    seconds: float
    rate: float
    unit: str = "views"
    signal: int | None = None

    @property
    def finished(self) -> bool:
        """False when the run was interrupted."""
        return self.steps >= self.total_steps
