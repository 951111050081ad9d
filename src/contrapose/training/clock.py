"""Where the time of a step goes: data, views, forward, objective, backward, optimiser, and all that is beside it."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import nn
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook

from contrapose.training.pace import WARM_UP

PHASES = ("data", "views", "forward", "objective", "backward", "optimizer", "other")
"""`optimizer` is all of a step that is in no other phase (slow copies, clipping, averages, memory), `other` what is
between steps (metrics, checkpoints)."""


class Marks(Protocol):
    """Moments, and the seconds between two of them."""

    def now(self) -> Any: ...

    def passed(self, moment: Any) -> bool: ...

    def seconds(self, start: Any, end: Any) -> float: ...


class HostMarks:
    """Moments of this process."""

    def now(self) -> float:
        return time.perf_counter()

    def passed(self, moment: float) -> bool:
        return True

    def seconds(self, start: float, end: float) -> float:
        return end - start


class StreamMarks:
    """Moments at which a GPU comes to them: events between its kernels. Nobody waits for it to learn what took long."""

    def now(self) -> Any:
        event = torch.cuda.Event(enable_timing=True)
        event.record()
        return event

    def passed(self, moment: Any) -> bool:
        return bool(moment.query())

    def seconds(self, start: Any, end: Any) -> float:
        return float(start.elapsed_time(end)) / 1000  # of milliseconds


@dataclass(frozen=True)
class Profile:
    """The mean step.

    Arguments:
        steps: that were measured.
        left_out: the first ones, which pay for what is done once.
        seconds: of all of them, by phase.
    """

    steps: int
    left_out: int
    seconds: Mapping[str, float]

    def to_json(self) -> dict[str, Any]:
        """Milliseconds a step and share of each phase."""
        total = sum(self.seconds.values()) or 1.0
        return {
            "steps": self.steps,
            "left_out": self.left_out,
            "milliseconds": round(1000 * sum(self.seconds.values()) / max(1, self.steps), 3),
            "phases": {
                name: {
                    "milliseconds": round(1000 * seconds / max(1, self.steps), 3),
                    "share": round(seconds / total, 4),
                }
                for name, seconds in self.seconds.items()
            },
        }

    def lines(self) -> list[str]:
        """For people."""
        found = self.to_json()
        first = f", the first {self.left_out} left out" if self.left_out else ""
        return [
            f"profile: {found['milliseconds']:,.1f} ms a step, the mean of {self.steps:,}{first}",
            *(
                f"  {name:<9} {phase['milliseconds']:>9,.1f} ms  {phase['share']:>6.1%}"
                for name, phase in found["phases"].items()
            ),
        ]


class StepClock:
    """Seconds spent in each phase of training, so that nobody has to guess what is slow.

    At any moment one phase counts, from one mark to the next. What the first steps took is forgotten, once there are
    more.
    """

    def __init__(self, device: torch.device) -> None:
        self._marks: Marks = StreamMarks() if device.type == "cuda" else HostMarks()
        self.seconds = dict.fromkeys(PHASES, 0.0)
        self.steps = self.left_out = 0
        self._at = "other"
        self._open: deque[tuple[Any, str]] = deque()  # marks whose time is not counted yet, with the phase behind each

    def start_step(self) -> None:
        """A step begins; what was since the one before is `other`."""
        if self.steps == WARM_UP and not self.left_out:
            self.seconds = dict.fromkeys(PHASES, 0.0)
            self._open.clear()
            self.steps, self.left_out = 0, WARM_UP
        self.steps += 1
        self.turn_to("optimizer")

    def end_step(self) -> None:
        """What comes now is `other`."""
        self.turn_to("other")

    def turn_to(self, name: str) -> None:
        """From now on this phase counts."""
        self._at = name
        self._open.append((self._marks.now(), name))
        self._count()

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Time a block as `name`, but for phases within it, which count for themselves."""
        before = self._at
        self.turn_to(name)
        try:
            yield
        finally:
            self.turn_to(before)

    @contextmanager
    def networks(self, *around: nn.Module) -> Iterator[None]:
        """Within it, modules count as `forward`, and what is between their calls as `objective`.

        Arguments:
            around: modules that are called, and only hold what is told apart.
        """
        depth = 0

        def enter(module: nn.Module, given: Any) -> None:
            nonlocal depth
            if any(module is one for one in around):
                return
            depth += 1
            if depth == 1:
                self.turn_to("forward")

        def leave(module: nn.Module, given: Any, found: Any) -> None:
            nonlocal depth
            if any(module is one for one in around):
                return
            depth -= 1
            if depth == 0:
                self.turn_to("objective")

        hooks = [register_module_forward_pre_hook(enter), register_module_forward_hook(leave, always_call=True)]
        try:
            with self.phase("objective"):
                yield
        finally:
            for hook in hooks:
                hook.remove()

    def profile(self) -> Profile:
        """What was counted so far."""
        self._count()
        return Profile(self.steps, self.left_out, dict(self.seconds))

    def line(self) -> str:
        """Shares of the time, e.g. `time: views 21 %, forward 40 %, backward 39 %`."""
        self._count()
        total = sum(self.seconds.values()) or 1.0
        shares = [f"{name} {100 * s / total:.0f} %" for name, s in self.seconds.items() if s / total >= 0.005]
        return "time: " + ", ".join(shares)

    def _count(self) -> None:
        """Count what is between marks that have passed; on a GPU that is some steps behind."""
        while len(self._open) > 1 and self._marks.passed(self._open[1][0]):
            start, name = self._open.popleft()
            self.seconds[name] += self._marks.seconds(start, self._open[0][0])
