"""What is said of the time: nothing before it is known, the whole after twenty steps, and no flood without a bar."""

from __future__ import annotations

import io
import time

import pytest
from rich.console import Console

from contrapose.training.monitor import Monitor
from contrapose.training.pace import Pace, in_words


def train(steps: int, seconds: float, *, terminal: bool, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What a run of so many steps of so many seconds says."""
    clock = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    screen = io.StringIO()
    monitor = Monitor(Console(file=screen, force_terminal=terminal, width=120, highlight=False))
    with monitor.live(steps, 0):
        for step in range(1, steps + 1):
            clock[0] += 10 * seconds if step == 1 else seconds  # the first step takes longer than the others
            monitor.advance(step, said=f"epoch {step / 10:.1f}/{steps // 10}  loss 1.500", rate=100.0, unit="views")
    return screen.getvalue().splitlines()


def test_the_whole_time_is_said_after_twenty_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    said = train(620, 1.0, terminal=False, monkeypatch=monkeypatch)
    assert [line for line in said if "to go" in line] == ["about 10 min to go for 600 steps; Ctrl-C saves and stops"]
    assert "step 620  epoch 62.0/62  loss 1.500  100 views/s" not in said[0]
    assert all("left" in line for line in said if line.startswith("step"))
    assert "nan" not in "".join(said)


@pytest.mark.parametrize(("steps", "seconds"), [(600, 0.01), (600, 1.0), (3000, 20.0), (4000, 90.0)])
def test_a_log_file_is_not_flooded(steps: int, seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = len([line for line in train(steps, seconds, terminal=False, monkeypatch=monkeypatch) if "loss" in line])
    hours = steps * seconds / 3600
    assert lines <= max(40, 6 * hours + 6)
    assert lines >= min(10, 0.9 * hours * 6) if hours > 0.1 else True


def test_the_bar_begins_without_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    said = "".join(train(30, 1.0, terminal=True, monkeypatch=monkeypatch))
    assert "first step" in said
    assert "nan" not in said
    assert " 0 views" not in said
    assert "about 10 s to go for 10 steps" in said


def test_the_pace_is_that_of_the_last_steps() -> None:
    """Another program starts after 1,000 steps: the time left follows it."""
    pace, now = Pace(2000), 0.0
    assert pace.seconds_left() is None
    for step in range(1, 1401):
        now += 0.1 if step <= 1000 else 0.5
        pace.note(step, now)
    assert pace.seconds_left() == pytest.approx(300)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.2, "1 s"),
        (59.4, "59 s"),
        (59.6, "1 min"),
        (3580, "1 h 00 min"),
        (7500, "2 h 05 min"),
        (277_200, "3 days 5 h"),
    ],
)
def test_durations_as_one_says_them(seconds: float, words: str) -> None:
    assert in_words(seconds) == words
