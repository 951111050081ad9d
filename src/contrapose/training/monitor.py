"""What a person sees while a run trains: a progress bar with loss, throughput and time left, and one health line.

After 20 steps the time that the whole will take is said; of several stages, that of the stage, for nobody knows before
what a step of another one costs. The bar is that of all stages, and it moves while a stage is made ready too. Where
there is no terminal (a log file), a line now and then stands for the bar: about twenty in a run, and one in ten minutes
at least.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

from contrapose.evaluation.health import Health
from contrapose.training.pace import Pace, in_words
from contrapose.training.verdicts import Change
from contrapose.words import counted

EXPECTED_AFTER = 20  # steps after which the time that is left can be told
LINE_SECONDS, LONGEST_SECONDS, LINES = 20.0, 600.0, 20  # between two lines where there is no bar; lines of a run


class Monitor:
    """Draws on the console.

    Arguments:
        console: where to draw; None = standard error, so that results on standard output can be piped.
        quiet: draw nothing.
    """

    def __init__(self, console: Console | None = None, *, quiet: bool = False) -> None:
        self.console = console or Console(stderr=True, highlight=False, soft_wrap=True)
        self.quiet = quiet
        self._progress: Progress | None = None
        self._pace: Pace | None = None
        self._steps = self._at = 0
        self._stage = ""
        self._spoken, self._silence = 0.0, LINE_SECONDS
        self._health: Health | None = None
        self._standing: str | None = None

    def say(self, text: str) -> None:
        """Print a line above the bar."""
        if not self.quiet:
            (self._progress.console if self._progress else self.console).print(text, markup=False)

    @contextmanager
    def live(self, total: int, completed: int) -> Iterator[None]:
        """Show the bar while the block runs, then the last health line and the verdict that still stands.

        Arguments:
            total: steps of all stages.
            completed: those that are done already.
        """
        self._pace, self._steps, self._at, self._stage = Pace(total), 0, completed, ""
        self._spoken, self._silence = time.monotonic(), LINE_SECONDS
        if self.quiet or not self.console.is_terminal:
            yield
        else:
            percent, said = TextColumn("{task.percentage:>3.0f} %"), TextColumn("{task.fields[said]}", markup=False)
            columns = (SpinnerColumn(), BarColumn(bar_width=None), percent, said)
            with Progress(*columns, console=self.console) as self._progress:
                self._progress.add_task("train", total=total, completed=completed, said="first step ...")
                try:
                    yield
                finally:
                    self._progress.refresh()
            self._progress = None
        self._conclude()
        self._pace = None

    def stage(self, name: str, *, number: int, of: int, end: int) -> None:
        """Turn to a stage, after what is to be said of the one before.

        Arguments:
            number, of: which it is, from 1, and of how many.
            end: steps that are done, of all stages, when it is.
        """
        self._conclude()
        self._stage = f"{name} ({number} of {of})"
        self._pace, self._steps, self._silence = Pace(end), 0, LINE_SECONDS
        self.say(f"stage {self._stage}: {counted(end - self._at, 'step')} to go")

    def doing(self, what: str) -> None:
        """Say what is done beside the steps, where the bar stands still: `embedding 512 of 60,000 pictures`."""
        if self._pace is not None:  # before the bar is there, a header says enough
            self._tell(f"{what} ...")

    def counting(self, what: str, of: int, things: str) -> Callable[[int], None]:
        """What says `embedding 512 of 60,000 pictures` when it is called with 512."""
        return lambda done: self.doing(f"{what} {done:,} of {of:,} {things}")

    def advance(self, step: int, *, said: str, rate: float, unit: str) -> None:
        """Move the bar to `step`.

        Arguments:
            said: how it stands.
            rate: how much was done a second, of a unit such as "views".
        """
        now = time.monotonic()
        left = self._time_left(step, now)
        said += f"  {rate:,.0f} {unit}/s" if rate >= 10 else f"  {rate:.2g} {unit}/s"
        said += f"  {in_words(left)} left{' in it' if self._stage else ''}" if left else ""
        self._at = step
        self._tell(said)

    def _tell(self, said: str) -> None:
        """Put it beside the bar, or, where there is none, on a line if the last one was long ago."""
        said, now = f"{self._stage}  {said}" if self._stage else said, time.monotonic()
        if self._progress is not None:
            self._progress.update(self._progress.task_ids[0], completed=self._at, said=said)
        elif not self.quiet and now - self._spoken > self._silence:
            self._spoken = now
            self.say(f"step {self._at}  {said}")

    def _conclude(self) -> None:
        """The last health line, and the verdict that still stands."""
        if self._health is not None:
            self.say(self._health.line())
        if self._standing is not None:
            self.say(f"{f'{self._stage} ' if self._stage else ''}ended with: {self._standing}")
        self._health = self._standing = None

    def _time_left(self, step: int, now: float) -> float | None:
        """Seconds to the end, where they can be told; said once."""
        if self._pace is None:
            return None
        self._pace.note(step, now)
        self._steps += 1
        left = self._pace.seconds_left()
        if not left or self._steps > EXPECTED_AFTER:
            return left
        self._silence = min(max(LINE_SECONDS, left / LINES), LONGEST_SECONDS)
        if self._steps == EXPECTED_AFTER:
            of = f" of {self._stage}" if self._stage else ""
            self.say(f"about {in_words(left)} to go for {self._pace.total - step:,} steps{of}; Ctrl-C saves and stops")
        return left

    def health(self, health: Health, *, standing: str | None = None, change: Change | None = None) -> None:
        """Remember the newest health and the verdict that stands, and say a change of it."""
        self._health, self._standing = health, standing
        if change is not None:
            self.say(change.line)
