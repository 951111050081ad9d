"""Which attacks the accuracy of a classifier is measured under."""

from __future__ import annotations

from dataclasses import dataclass

from contrapose.errors import ArgumentError
from contrapose.robustness import Steps

NORMS = {"l2": "L2", "linf": "Linf"}
"""What people call the norms."""


@dataclass(frozen=True)
class Attacks:
    """Which attacks a classifier has to bear.

    Arguments:
        radii: of each norm; white is 1.
        steps: of each attack. A step's length is 2.5 radius / steps (Madry et al., of their attacks on CIFAR-10).
        restarts: starts of each; the first is the picture itself.

    Errors:
        ArgumentError: a radius, steps or restarts that are not above 0.
    """

    radii: tuple[tuple[str, float], ...] = (("l2", 0.5), ("linf", 8 / 255))
    steps: int = 20
    restarts: int = 3

    def __post_init__(self) -> None:
        for name, value in (*self.radii, ("attack_steps", self.steps), ("restarts", self.restarts)):
            if not value > 0:
                option = f"--eps-{name}" if name in NORMS else f"--{name.replace('_', '-')}"
                raise ArgumentError(f"{option} must be above 0, got {value:g}.")

    def of(self, norm: str, radius: float) -> Steps:
        """The steps of one attack."""
        return Steps(self.steps, 2.5 * radius / self.steps, norm, radius)
