"""Where the time of a step goes: data, views, forward, backward."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import torch

PHASES = ("data", "views", "forward", "backward", "update")


class StepClock:
    """Seconds spent in each phase of training, so that nobody has to guess what is slow.

    On a GPU the phases are only told apart when it is waited for after each; that is done every 20th time, and those
    times stand for the rest.
    """

    SAMPLE = 20

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.seconds = dict.fromkeys(PHASES, 0.0)
        self._calls = 0
        self._sampled = True

    def start_step(self) -> None:
        """Decide whether this step is timed."""
        self._sampled = self.device.type != "cuda" or self._calls % self.SAMPLE == 0
        self._calls += 1

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Time a block as `name`, but for phases within it, which count for themselves."""
        self._wait()
        start, counted = time.perf_counter(), sum(self.seconds.values())
        yield
        self._wait()
        if self._sampled:
            within = sum(self.seconds.values()) - counted
            self.seconds[name] += time.perf_counter() - start - within

    def line(self) -> str:
        """Shares of the time, e.g. `time: views 21 %, forward 40 %, backward 39 %`."""
        total = sum(self.seconds.values()) or 1.0
        shares = [f"{name} {100 * s / total:.0f} %" for name, s in self.seconds.items() if s / total >= 0.005]
        return "time: " + ", ".join(shares)

    def _wait(self) -> None:
        if self._sampled and self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
