"""What a person sees while a run trains: a progress bar with loss, throughput and time left, and one health line."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from contrapose.evaluation.health import Health
from contrapose.training.verdicts import Change

LINE_SECONDS = 20.0  # where there is no terminal (a log file), a line now and then stands for the bar


class Monitor:
    """Draws on the console. Where the output is not a terminal it prints a plain line every 20 seconds instead.

    Arguments:
        console: where to draw; None = standard error, so that results on standard output can be piped.
        quiet: draw nothing.
    """

    def __init__(self, console: Console | None = None, *, quiet: bool = False) -> None:
        self.console = console or Console(stderr=True, highlight=False, soft_wrap=True)
        self.quiet = quiet
        self._progress: Progress | None = None
        self._spoken = 0.0
        self._health: Health | None = None
        self._standing: str | None = None

    def say(self, text: str) -> None:
        """Print a line above the bar."""
        if not self.quiet:
            (self._progress.console if self._progress else self.console).print(text, markup=False)

    @contextmanager
    def live(self, total: int, completed: int) -> Iterator[None]:
        """Show the bar while the block runs, then the last health line and the verdict that still stands."""
        if self.quiet or not self.console.is_terminal:
            self._spoken = time.monotonic()
            yield
        else:
            columns = (
                TextColumn("epoch {task.fields[epoch]}"),
                BarColumn(bar_width=None),
                TextColumn("{task.percentage:>3.0f} %"),
                TextColumn("loss {task.fields[loss]:.3f}"),
                TextColumn("{task.fields[rate]:,.0f} views/s"),
                TimeRemainingColumn(),
                TextColumn("left"),
            )
            with Progress(*columns, console=self.console) as self._progress:
                self._progress.add_task("train", total=total, completed=completed, epoch="-", loss=float("nan"), rate=0)
                try:
                    yield
                finally:
                    self._progress.refresh()
            self._progress = None
        if self._health is not None:
            self.say(self._health.line())
        if self._standing is not None:
            self.say(f"ended with: {self._standing}")

    def advance(self, step: int, *, epoch: float, epochs: int, loss: float, views_per_second: float) -> None:
        """Move the bar to `step`."""
        where = f"{epoch:.1f}/{epochs}"
        if self._progress is not None:
            task = self._progress.task_ids[0]
            self._progress.update(task, completed=step, epoch=where, loss=loss, rate=views_per_second)
        elif not self.quiet and time.monotonic() - self._spoken > LINE_SECONDS:
            self._spoken = time.monotonic()
            self.say(f"epoch {where}  step {step}  loss {loss:.3f}  {views_per_second:,.0f} views/s")

    def health(self, health: Health, *, standing: str | None = None, change: Change | None = None) -> None:
        """Remember the newest health and the verdict that stands, and say a change of it."""
        self._health, self._standing = health, standing
        if change is not None:
            self.say(change.line)
