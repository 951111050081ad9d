"""Which attacks the accuracy of a classifier is measured under."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from contrapose.errors import ArgumentError
from contrapose.robustness import Steps

TABLE = "robustness-table"
"""The task that `--robust` means where no classifier is measured."""
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

    def check_unasked(self) -> None:
        """Refuse what was asked of attacks where none are made.

        Errors:
            ArgumentError: a radius, steps or restarts that are not the usual ones.
        """
        if self != Attacks():
            raise ArgumentError(
                "--eps-l2, --eps-linf, --attack-steps and --restarts are of attacks on a classifier, or the two in the "
                "middle of a robustness table: ask for them with --robust (robust=True), or leave these out."
            )


def check_one_task(task: str | None, *, robust: bool, outliers: Any) -> None:
    """Refuse options that name two tasks: one of them would be measured, and the other one passed over.

    Errors:
        ArgumentError: two of `--robust`, `--ood` and `--task`, unless they mean the same.
    """
    asked = {
        **({"robust": "--robust"} if robust else {}),
        **({"out-of-distribution": "--ood"} if outliers is not None else {}),
    }
    if task is not None and not (robust and task == TABLE):
        asked.setdefault(task, f"--task {task}")
    if len(asked) > 1:
        raise ArgumentError(
            f"{' and '.join(asked.values())} are different tasks, and one is measured at a time: give one of them, and "
            "the other in a second call."
        )
