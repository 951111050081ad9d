"""MoCo with the positive in the denominator, and without."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import contrapose
from contrapose.training.run_folder import RunFolder

QUICK = {"epochs": 1, "batch_size": 16, "projection_hidden": 16, "queue": 64, "log_steps": 1, "quiet": True}


def test_the_decoupled_loss_is_smaller_and_its_chance_is_log_of_the_queue(pictures: np.ndarray, tmp_path: Path) -> None:
    rows = {}
    for decoupled in (False, True):
        out = str(tmp_path / str(decoupled))
        run = contrapose.train("moco", data=pictures[:64], out=out, decoupled=decoupled, **QUICK)
        rows[decoupled] = next(RunFolder(run.path).metrics())
    # Of the same first step: exp(coupled) = 1 + exp(decoupled) for each anchor.
    assert rows[True]["loss"] < rows[False]["loss"]
    assert np.isclose(rows[True]["chance"], np.log(64))
    assert np.isclose(rows[False]["chance"], np.log(65))
