"""A run that is stopped before its end leaves the average of its last weights; one at its end, the weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import contrapose
from contrapose.encoders import architecture_of
from contrapose.training.average import ETA, WeightAverage
from contrapose.training.checkpoint import load_newest

QUICK: dict[str, Any] = {"batch_size": 16, "projection_hidden": 16, "projection_dimension": 8, "quiet": True}


def test_later_steps_count_for_more() -> None:
    """Weights 1, 2, ..., T average to the closed form sum_t w_t t, w_t growing as t^ETA; the start is forgotten."""
    line = nn.Linear(1, 1, bias=False).double()
    average, steps = WeightAverage(line), 40
    weights = torch.zeros(steps, dtype=torch.float64)  # what each step counts for
    for step in range(1, steps + 1):
        nn.init.constant_(line.weight, float(step))
        average.update(line, step)
        share = (ETA + 1) / (step + ETA + 1)
        weights *= 1 - share
        weights[step - 1] = share
    assert weights.sum() == pytest.approx(1, abs=1e-6)
    expected = (weights * torch.arange(1, steps + 1)).sum()
    torch.testing.assert_close(average.encoder.weight.squeeze(), expected)
    assert weights[-steps // 4 :].sum() > 0.85
    assert not average.encoder.weight.requires_grad


def test_counts_are_copied_and_running_statistics_averaged() -> None:
    norm = nn.BatchNorm1d(2)
    average = WeightAverage(norm)
    norm(torch.full((4, 2), 10.0))
    average.update(norm, 1)
    assert average.encoder.num_batches_tracked == 1
    torch.testing.assert_close(average.encoder.running_mean, torch.full((2,), 0.9))  # 1 x 9/10


def test_what_is_exported(pictures: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from contrapose.training.runner import Runner

    monkeypatch.setattr(Runner, "_anyone", lambda self, flag: flag or self.step == 4)  # as if stopped then
    path = contrapose.train("simclr", data=pictures, out=str(tmp_path / "run"), epochs=2, **QUICK).path
    state = load_newest(path / "checkpoints")[0]
    exported = contrapose.load(path).encoder.state_dict()
    assert all(torch.equal(exported[name], state["average"][name]) for name in exported)
    assert any(not torch.equal(exported[name], state["learner"][f"encoder.{name}"]) for name in exported)
    assert "averaged" in architecture_of(path / "encoder").extra["weights"]
    monkeypatch.undo()
    contrapose.resume(path, data=pictures, quiet=True)
    state = load_newest(path / "checkpoints")[0]
    exported = contrapose.load(path).encoder.state_dict()
    assert all(torch.equal(exported[name], state["learner"][f"encoder.{name}"]) for name in exported)
    assert "weights" not in architecture_of(path / "encoder").extra


def test_a_checkpoint_without_an_average_begins_one(pictures: np.ndarray, tmp_path: Path) -> None:
    from contrapose.training.checkpoint import save_checkpoint

    path = contrapose.train("simclr", data=pictures, out=str(tmp_path / "run"), epochs=1, **QUICK).path
    state = load_newest(path / "checkpoints")[0]
    old = {key: value for key, value in state.items() if key not in ("average", "format", "step")}
    for file in (path / "checkpoints").iterdir():
        file.unlink()
    save_checkpoint(path / "checkpoints", state["step"], old)
    assert contrapose.resume(path, data=pictures, epochs=2, quiet=True).outcome.finished
