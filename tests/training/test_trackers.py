"""Metrics reach a tracker of accelerate's, besides metrics.jsonl."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import contrapose


def test_tensorboard_gets_the_numbers(tmp_path: Path, pictures: np.ndarray) -> None:
    events = pytest.importorskip(
        "tensorboard.backend.event_processing.event_accumulator", reason="the track extra is not installed"
    )
    run = contrapose.train(
        "simclr",
        data=pictures,
        out=str(tmp_path / "run"),
        tracker="tensorboard",
        epochs=1,
        batch_size=16,
        log_steps=1,
        quiet=True,
    )
    files = sorted(run.path.rglob("events.out.tfevents.*"), key=lambda path: len(path.parts))
    accumulator = events.EventAccumulator(str(files[0].parent))  # the options have a deeper folder of their own
    accumulator.Reload()
    assert {"loss", "learning_rate", "spread"} <= set(accumulator.Tags()["scalars"])
    assert [event.step for event in accumulator.Scalars("loss")] == [1, 2, 3, 4, 5, 6]
