"""How fast a run goes, and how long it still takes."""

from __future__ import annotations

from collections import deque

WARM_UP = 3  # steps that pay for what is done once: kernels are chosen, memory is taken
WINDOW = 200  # steps looked back on: another program may have come or gone since the start


class Pace:
    """Seconds a step, over the last steps.

    Arguments:
        total: steps of the whole run.
    """

    def __init__(self, total: int) -> None:
        self.total = total
        self._seen: deque[tuple[int, float]] = deque(maxlen=WINDOW)
        self._steps = 0

    def note(self, step: int, now: float) -> None:
        """That `step` (from 1) was done at `now`, in seconds of any clock."""
        self._steps += 1
        if self._steps >= WARM_UP:
            self._seen.append((step, now))

    def seconds_left(self) -> float | None:
        """Seconds to the end of the run; None before two steps can be compared."""
        if len(self._seen) < 2:
            return None
        (first, start), (last, now) = self._seen[0], self._seen[-1]
        return (now - start) / (last - first) * (self.total - last)


def in_words(seconds: float) -> str:
    """A duration as one says it: `40 s`, `7 min`, `2 h 05 min`, `3 days 4 h`."""
    if seconds < 59.5:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes:02d} min"
    days, hours = divmod(hours, 24)
    return f"{days} days {hours} h"
