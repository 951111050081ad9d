"""How long the jobs of a run took, wherever it was killed: counted with each step, and kept in the checkpoints."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from contrapose.atomic import write_atomically
from contrapose.training.job import Job, Report
from contrapose.training.run_folder import RunFolder
from contrapose.training.stages import Context, Stage

_KEY = "spent"  # in checkpoints, and of the file beside what a job has made


@dataclass(frozen=True)
class Spent:
    """Seconds: by the clock, and of the processor, in which other work on the machine does not count."""

    clock: float = 0.0
    processor: float = 0.0

    def __add__(self, other: Spent) -> Spent:
        return Spent(self.clock + other.clock, self.processor + other.processor)

    @classmethod
    def beside(cls, folder: Path) -> Spent:
        """What it took to make what lies in this folder of a stage."""
        return cls(**json.loads((folder / f"{_KEY}.json").read_bytes()))


class Timed(Job):
    """A job that is timed.

    Arguments:
        make: makes the job, which may be a part of the work already.

    Attributes:
        spent: since its beginning, without what a kill has undone.
        before: the part of that which an earlier process has spent.
    """

    def __init__(self, make: Callable[[], Job]) -> None:
        self.spent = self.before = Spent()
        with self._counted():
            self.job = make()
        self.total_steps, self.unit, self.epoch_steps = self.job.total_steps, self.job.unit, self.job.epoch_steps

    def begin(self, run: RunFolder, history: Iterable[Mapping[str, Any]]) -> None:
        self.job.begin(run, history)

    def step(self, number: int) -> Report:
        with self._counted():
            return self.job.step(number)

    def state(self) -> dict[str, Any]:
        return {**self.job.state(), _KEY: vars(self.spent)}

    def restore(self, state: dict[str, Any]) -> None:
        self.job.restore(state)
        self.spent = self.before = Spent(**state[_KEY])

    def export(self, folder: Path, *, step: int) -> None:
        self.job.export(folder, step=step)
        write_atomically(folder / f"{_KEY}.json", (json.dumps(vars(self.spent)) + "\n").encode())

    def closing(self) -> str | None:
        return self.job.closing()

    @contextmanager
    def _counted(self) -> Iterator[None]:
        clock, processor = time.perf_counter(), time.process_time()
        yield
        self.spent += Spent(time.perf_counter() - clock, time.process_time() - processor)


def timed(stage: Stage) -> Stage:
    """The same stage with its job timed."""

    def job(context: Context) -> Job:
        return Timed(lambda: stage.job(context))

    return replace(stage, job=job)
