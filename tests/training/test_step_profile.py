"""The clock of a step, and that nobody waits for a device: what is read, when, and what a profile says."""

from __future__ import annotations

import json
import traceback
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode, _disable_current_modes

import contrapose
from contrapose.errors import RunError
from contrapose.training import finite, loop, reporter
from contrapose.training.checkpoint import load_newest
from contrapose.training.clock import PHASES, HostMarks, StepClock
from contrapose.training.reading import Reading

QUICK: dict[str, Any] = {"batch_size": 16, "projection_hidden": 16, "projection_dimension": 8, "quiet": True}


class Ticks(HostMarks):
    """A clock of a device that is `behind` by so many marks; each mark is a second after the one before."""

    def __init__(self, behind: int = 0) -> None:
        self.count, self.behind = 0, behind

    def now(self) -> int:
        self.count += 1
        return self.count

    def passed(self, moment: int) -> bool:
        return moment <= self.count - self.behind


@pytest.mark.parametrize("behind", [0, 4])
def test_one_phase_counts_at_a_time_and_the_first_steps_are_left_out(behind: int) -> None:
    clock = StepClock(torch.device("cpu"))
    clock._marks = ticks = Ticks(behind)
    network, head = nn.Linear(2, 2), nn.Sequential(nn.Linear(2, 2), nn.ReLU())
    around = nn.Module()
    around.forward = lambda x: head(network(x)).sum()  # type: ignore[method-assign]
    for _ in range(5):
        clock.start_step()
        with clock.phase("data"), clock.phase("views"):
            pass
        with clock.networks(around):
            around(torch.ones(1, 2))
        clock.end_step()
    ticks.behind = 0
    found = clock.profile()
    assert (found.steps, found.left_out) == (2, 3)
    # data, views, data, optimizer, objective, forward, objective, forward, objective, optimizer, other: a second each
    per_step = {"data": 2, "views": 1, "optimizer": 3, "forward": 2, "objective": 3, "backward": 0}
    assert {name: found.seconds[name] / 2 for name in per_step} == per_step
    assert found.seconds["other"] == 1  # between the two steps
    told = found.to_json()
    assert sum(phase["share"] for phase in told["phases"].values()) == pytest.approx(1, abs=1e-3)
    assert told["milliseconds"] == pytest.approx(1000 * 23 / 2)
    assert clock.line() == "time: data 17 %, views 9 %, forward 17 %, objective 26 %, optimizer 26 %, other 4 %"


def test_an_error_in_a_network_leaves_no_hook() -> None:
    clock, network = StepClock(torch.device("cpu")), nn.Linear(2, 2)
    hooks = nn.modules.module._global_forward_hooks
    with pytest.raises(RuntimeError), clock.networks():
        network(torch.ones(1, 3))
    assert not hooks
    with clock.networks():
        network(torch.ones(1, 2))
    assert clock.seconds["forward"] > 0


def test_a_run_tells_where_its_time_went(pictures: np.ndarray, tmp_path: Path, capsys: Any) -> None:
    options = {**QUICK, "encoder": "micro_conv", "epochs": 2, "quiet": False}
    run = contrapose.train("simclr", data=pictures[:64], out=str(tmp_path / "run"), profile=True, **options)
    found = json.loads((run.path / "profile.json").read_text())["stages"]["train"]
    assert (found["steps"], found["left_out"]) == (5, 3)
    phases = found["phases"]
    assert tuple(phases) == PHASES
    assert all(phases[name]["milliseconds"] > 0 for name in PHASES)
    assert sum(phase["milliseconds"] for phase in phases.values()) == pytest.approx(found["milliseconds"], rel=0.01)
    said = capsys.readouterr().err
    assert "ms a step, the mean of 5, the first 3 left out" in said
    assert "\n  objective " in said
    plain = contrapose.train("simclr", data=pictures[:64], out=str(tmp_path / "plain"), **options)
    assert not (plain.path / "profile.json").exists()
    assert plain.outcome.loss == run.outcome.loss


class Read(TorchDispatchMode):
    """Counts what a GPU would be waited for: numbers read on the host, and sizes that depend on numbers."""

    WAITED_FOR = ("_local_scalar_dense", "nonzero", "masked_select", "equal", "is_nonzero")

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func.overloadpacket._qualified_op_name.removeprefix("aten::")
        if name in self.WAITED_FOR:
            own = [frame for frame in traceback.extract_stack() if "/contrapose/" in frame.filename]
            self.seen.append(f"{name} in {own[-1].filename}:{own[-1].lineno}")
        return func(*args, **(kwargs or {}))


class Arrived(Reading):
    """One whose number is on the host already."""

    def number(self) -> float:
        with _disable_current_modes():
            return super().number()


@pytest.fixture
def as_on_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """Numbers are read late, although the device is the processor."""
    for room in (finite, loop, reporter):
        monkeypatch.setattr(room, "is_read_late", lambda device: True)
    monkeypatch.setattr(finite, "Reading", Arrived)


@pytest.mark.parametrize("name", ["simclr", "moco", "supcon", "supervised"])
def test_between_two_logged_steps_nothing_is_read(
    name: str, pictures: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, as_on_a_gpu: None
) -> None:
    seen: dict[int, list[str]] = {}
    step = loop.Trainer.step

    def counted(self: loop.Trainer, number: int) -> Any:
        self.source = Given(self.source.batch(0, 0, generator=torch.Generator().manual_seed(0)), self.epoch_steps)
        with Read() as mode:
            report = step(self, number)
        seen[number + 1] = mode.seen
        return report

    monkeypatch.setattr(loop.Trainer, "step", counted)
    own = {"queue": 16} if name == "moco" else {}
    data = {"image": pictures[:64], "label": np.arange(64) % 4}
    options = {"encoder": "vit_micro", "epochs": 2, "log_steps": 4, **own, **QUICK}
    contrapose.train(name, data=data, out=str(tmp_path / "run"), **options)
    assert not {number: seen[number] for number in (2, 3, 5, 6, 7) if seen[number]}
    assert seen[4]  # a logged one is read


class Given:
    """A source of the one batch."""

    fingerprint = "one"

    def __init__(self, batch: Any, steps: int) -> None:
        self.given, self.steps_per_epoch = batch, steps

    def batch(self, step: int, part: int, **how: Any) -> Any:
        return self.given


def test_what_is_read_late_stops_the_run_before_it_is_kept(
    pictures: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, as_on_a_gpu: None
) -> None:
    forward, seen = loop.Trainer._forward, []

    def spoiled(self: loop.Trainer, batch: Any) -> Any:
        seen.append(self.number)
        step = forward(self, batch)
        return replace(step, loss=step.loss * torch.nan) if self.number == 2 else step

    monkeypatch.setattr(loop.Trainer, "_forward", spoiled)
    options = {**QUICK, "encoder": "micro_conv", "epochs": 2, "checkpoint_steps": 4}
    with pytest.raises(RunError, match=r"The loss became nan at step 2; the batch that did it is saved"):
        contrapose.train("simclr", data=pictures[:64], out=str(tmp_path / "late"), **options)
    assert seen == [0, 1, 2, 3]  # the step after it was begun, and nothing later
    with pytest.raises(RunError, match="The loss became nan at step 2"):
        contrapose.train("simclr", data=pictures[:64], out=str(tmp_path / "kept"), **{**options, "checkpoint_steps": 1})
    state, _ = load_newest(tmp_path / "kept" / "checkpoints")
    assert state["step"] == 2
    assert all(value.isfinite().all() for value in state["learner"].values())
