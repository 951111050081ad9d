"""Somebody stops a training: it answers at once, keeps what it has, and leaves with the status of the signal."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import contrapose
from contrapose import cli
from contrapose.cli.stopping import Terminated, signals_stop, status_of
from contrapose.training.interrupts import Interrupt, catch_interrupts

QUICK: dict[str, Any] = {"epochs": 3, "batch_size": 16, "projection_hidden": 16, "projection_dimension": 8}


@pytest.mark.parametrize(("number", "name"), [(signal.SIGTERM, "SIGTERM"), (signal.SIGINT, "Ctrl-C")])
def test_a_request_is_answered_before_the_step_is_done(
    number: int, name: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with catch_interrupts() as interrupt:
        os.kill(os.getpid(), number)
        assert f"{name}: finishing this step and saving a checkpoint" in capfd.readouterr().err
        assert interrupt.requested
        assert interrupt.signal == number
        os.kill(os.getpid(), signal.SIGTERM)  # schedulers may repeat it: the step is still finished
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    with catch_interrupts(quiet=True):
        os.kill(os.getpid(), number)
    assert not capfd.readouterr().err


def test_a_launcher_that_repeats_ctrl_c_is_no_second_one(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    interrupt = Interrupt(quiet=True, echoes=True)
    interrupt(signal.SIGINT, None)
    clock[0] = 0.5
    interrupt(signal.SIGINT, None)
    clock[0] = 5.0
    with pytest.raises(KeyboardInterrupt):
        interrupt(signal.SIGINT, None)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_the_command_leaves_with_the_status_of_the_signal(
    number: int,
    status: int,
    pictures: np.ndarray,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """In the first step: the checkpoint holds one, and the run goes on from there."""
    from contrapose.training.loop import Trainer

    np.save(tmp_path / "pictures.npy", pictures)
    step = Trainer._train_step
    monkeypatch.setattr(Trainer, "_train_step", lambda self: (os.kill(os.getpid(), number), step(self))[1])
    monkeypatch.chdir(tmp_path)
    words = ["train", "simclr", "--data", "pictures.npy", "--batch-size", "16", "--epochs", "1", "--device", "cpu"]
    with pytest.raises(SystemExit) as left:
        cli.main([*words, "--out", "my run"])
    assert left.value.code == status
    assert "Stopped at step 1 of 6. Continue: contrapose train --resume 'my run'" in capsys.readouterr().out
    monkeypatch.setattr(Trainer, "_train_step", step)
    assert contrapose.resume("my run", quiet=True).outcome.finished


def test_outside_of_training_a_command_stops_at_once(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    for number, status in ((signal.SIGTERM, 143), (signal.SIGINT, 130)):
        before = signal.getsignal(number)
        monkeypatch.setitem(cli.COMMANDS, "methods", lambda words, n=number: os.kill(os.getpid(), n))
        with pytest.raises(SystemExit) as left:
            cli.main(["methods"])
        assert left.value.code == status
        assert ": stopping." in capfd.readouterr().err
        assert signal.getsignal(number) is before
    with signals_stop(), pytest.raises(Terminated) as caught:
        os.kill(os.getpid(), signal.SIGTERM)
    assert status_of(caught.value) == 143
