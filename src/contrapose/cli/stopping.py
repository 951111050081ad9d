"""Ctrl-C and termination requests: answered at once; what is under way is tidied up, and the status says why.

A scheduler's SIGTERM would else end Python on the spot. While a run trains, `training.interrupts` takes both over.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType


class Terminated(KeyboardInterrupt):
    """SIGTERM came. A KeyboardInterrupt to all who tidy up after one."""


@contextmanager
def signals_stop() -> Iterator[None]:
    """Say that a SIGINT or SIGTERM has come, and raise it, while the block runs (in the main thread)."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, _stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def status_of(interrupt: KeyboardInterrupt) -> int:
    """The exit status that shells give a program which a signal has ended: 130 for Ctrl-C, 143 for SIGTERM."""
    return 128 + (signal.SIGTERM if isinstance(interrupt, Terminated) else signal.SIGINT)


def _stop(number: int, frame: FrameType | None) -> None:
    with suppress(OSError):  # threads may have to finish a picture first, so that the end may take a moment
        os.write(2, f"\n{'Ctrl-C' if number == signal.SIGINT else 'SIGTERM'}: stopping.\n".encode())
    raise KeyboardInterrupt if number == signal.SIGINT else Terminated
