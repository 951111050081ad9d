"""Ctrl-C and termination requests: say so at once, finish the step, save, leave."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

ECHO_SECONDS = 2.0
"""`torchrun` passes on a Ctrl-C that its processes have had from the terminal already: a second one so soon is none."""


class Interrupt:
    """Whether somebody asked the run to stop. A second Ctrl-C stops at once.

    Arguments:
        quiet: say nothing of it.
        echoes: whether a launcher may repeat the first request.

    Attributes:
        signal: the number of the first signal that came; None before.
    """

    def __init__(self, *, quiet: bool = False, echoes: bool = False) -> None:
        self.signal: int | None = None
        self.quiet, self.echoes = quiet, echoes
        self._at = 0.0

    @property
    def requested(self) -> bool:
        return self.signal is not None

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if self.signal is None:
            self.signal, self._at = number, time.monotonic()
            self._say(number)
        elif number == signal.SIGINT and not (self.echoes and time.monotonic() - self._at < ECHO_SECONDS):
            raise KeyboardInterrupt

    def _say(self, number: int) -> None:
        if self.quiet:
            return
        name = "Ctrl-C" if number == signal.SIGINT else signal.Signals(number).name
        text = f"\n{name}: finishing this step and saving a checkpoint, then stopping. Ctrl-C stops at once.\n"
        # Not through the console: whoever was interrupted may hold its lock, or be in the middle of a line.
        with suppress(OSError):
            os.write(2, text.encode())


@contextmanager
def catch_interrupts(*, quiet: bool = False, echoes: bool = False) -> Iterator[Interrupt]:
    """Turn SIGINT and SIGTERM into a flag while the block runs (in the main thread; elsewhere the flag stays down)."""
    interrupt = Interrupt(quiet=quiet, echoes=echoes)
    if threading.current_thread() is not threading.main_thread():
        yield interrupt
        return
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, interrupt) for number in numbers}
    try:
        yield interrupt
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
