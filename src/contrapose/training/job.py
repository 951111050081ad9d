"""A job: what a run does step by step. Training is one; rounds of k-means or the episodes of a bandit are others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from contrapose.training.clock import Profile
from contrapose.training.run_folder import RunFolder


@dataclass(frozen=True)
class Report:
    """What a job says of a step.

    Arguments:
        amount: what was done in it, in the job's unit, by all processes together.
        said: what stands beside the bar.
        numbers: what its line of metrics.jsonl holds before the rate: numbers, words, tensors of one number.
        details: what the line holds behind the rate.
        due: whether there has to be a line, whatever the cadence.
    """

    amount: float = 1.0
    said: str = ""
    numbers: Mapping[str, Any] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)
    due: bool = False


class Job:
    """Steps whose results depend on nothing but the job's arguments, their number, and the state before them.

    A runner (`training.runner`) does the rest: interrupts, checkpoints, metrics, progress. So a step draws from
    generators derived from a seed and its number, and what it leaves for the next one is in `state()`. On several
    processes each of them does every step; the main one writes.

    Attributes:
        total_steps: how many there are.
        unit: what progress is counted in, as many of them are called: "views", "episodes".
        epoch_steps: steps of a round, after which a checkpoint is welcome; 0: there are no rounds.
    """

    total_steps: int
    unit: str = "steps"
    epoch_steps: int = 0

    def begin(self, run: RunFolder, history: Iterable[Mapping[str, Any]]) -> None:
        """Called once before the first step that is done now, after `restore` where there is something to restore.

        Arguments:
            run: the folder of the run, for evidence of what went wrong.
            history: the lines of metrics.jsonl on the steps done before, which they number from 1.
        """

    def step(self, number: int) -> Report:
        """Do the step of this number, from 0."""
        raise NotImplementedError(f"{type(self).__name__} must implement step(number) -> Report.")

    def collect(self) -> None:
        """Called on every process before the main one is asked for `state` and `export`: the place to gather what is
        spread over processes."""

    def state(self) -> dict[str, Any]:
        """All that the next step depends on: tensors, numbers, text, and lists and dictionaries of them."""
        raise NotImplementedError(f"{type(self).__name__} must implement state() -> dictionary.")

    def restore(self, state: dict[str, Any]) -> None:
        """Put a state back.

        Errors:
            RunError: it is that of another job.
        """
        raise NotImplementedError(f"{type(self).__name__} must implement restore(state).")

    def export(self, folder: Path, *, step: int) -> None:
        """Write into the folder what was made so far, after so many steps. The main process alone is asked.

        What a person should see goes there too: `write_pictures(folder, [(pixels, title, caption), ...])`.
        """

    def profile(self) -> Profile | None:
        """Where the time of a step went, at the end; None where nobody asked."""
        return None

    def closing(self) -> str | None:
        """A last line for people; None without."""
        return None
