"""What is said of the time: nothing before it is known, the whole after twenty steps, and no flood without a bar."""

from __future__ import annotations

import io
import time

import pytest
from rich.console import Console

from contrapose.evaluation.health import Health
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


def staged(monkeypatch: pytest.MonkeyPatch, *, terminal: bool, completed: int = 0) -> str:
    """What a run of 30 dear, 100 cheap and 5 dear steps says, from so many done steps on."""
    clock = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    screen = io.StringIO()
    monitor = Monitor(Console(file=screen, force_terminal=terminal, width=150, highlight=False))
    monitor.doing("getting ready")  # the bar is not there: nothing is said
    with monitor.live(135, completed):
        begin = 0
        for number, (name, seconds, steps) in enumerate(
            (("train", 60.0, 30), ("cluster", 1.0, 100), ("tell", 60.0, 5)), 1
        ):
            end = begin + steps
            if completed < end:
                monitor.stage(name, number=number, of=3, end=end)
                told = monitor.counting("embedding", 2000, "pictures")
                for done in (512, 1024, 2000):
                    clock[0] += 30
                    told(done)
                    if terminal:
                        monitor._progress.refresh()
            for step in range(max(begin, completed) + 1, end + 1):
                clock[0] += seconds
                monitor.advance(step, said="loss 1.500", rate=100.0, unit="views")
                if terminal:
                    monitor._progress.refresh()
            begin = end
    return screen.getvalue()


def test_of_several_stages_each_is_announced_and_timed_by_its_own_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = staged(monkeypatch, terminal=False).splitlines()
    assert [line for line in lines if line.startswith("stage")] == [
        "stage train (1 of 3): 30 steps to go",
        "stage cluster (2 of 3): 100 steps to go",
        "stage tell (3 of 3): 5 steps to go",
    ]
    assert [line for line in lines if line.startswith("about")] == [
        "about 10 min to go for 10 steps of train (1 of 3); Ctrl-C saves and stops",
        "about 1 min to go for 80 steps of cluster (2 of 3); Ctrl-C saves and stops",  # a second a step, not a minute
    ]
    assert "step 30  cluster (2 of 3)  embedding 512 of 2,000 pictures ..." in lines
    assert any(line.startswith("step 1") and "tell (3 of 3)  loss 1.500" in line for line in lines)


def test_the_bar_is_of_all_stages_and_a_resumed_run_begins_where_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    whole, resumed = (staged(monkeypatch, terminal=True, completed=completed) for completed in (0, 108))
    assert "0 % train (1 of 3)  embedding 512 of 2,000 pictures" in whole
    assert "22 % train (1 of 3)  loss 1.500" in whole  # 30 of 135
    assert "22 % cluster (2 of 3)  embedding 2,000 of 2,000 pictures" in whole
    assert "100 % tell (3 of 3)  loss 1.500" in whole
    assert "getting ready" not in whole
    assert "train (1 of 3)" not in resumed
    assert "stage cluster (2 of 3): 22 steps to go" in resumed
    assert "80 % cluster (2 of 3)  embedding 512 of 2,000 pictures" in resumed  # 108 of 135
    assert " 79 %" not in resumed


def test_what_a_stage_came_to_is_said_at_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = io.StringIO()
    monitor = Monitor(Console(file=screen, width=150, highlight=False))
    health = Health(
        loss=1.0, spread=0.9, effective_rank=4.0, dimension=8, norm=1.0, negatives_per_anchor=None, chance=None
    )
    with monitor.live(4, 0):
        monitor.stage("train", number=1, of=2, end=2)
        monitor.health(health, standing="it has collapsed")
        monitor.stage("cluster", number=2, of=2, end=4)
    lines = screen.getvalue().splitlines()
    assert lines[1].startswith("health:")
    assert lines[2:] == ["train (1 of 2) ended with: it has collapsed", "stage cluster (2 of 2): 4 steps to go"]


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
