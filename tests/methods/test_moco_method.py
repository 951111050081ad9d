"""MoCo with the positive in the denominator, and without."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import contrapose
from contrapose.encoders import build
from contrapose.methods import MoCo
from contrapose.objectives import info_nce
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


@pytest.mark.parametrize("options", [{"temperature": 0.5}, {"decoupled": True}], ids=str)
def test_options_reach_the_objective(options: dict[str, Any], generator: torch.Generator) -> None:
    learner = MoCo(queue=16, **options).new_learner(build("small_conv", channels=3, image_size=16))
    q, k = torch.randn(2, 4, 3, generator=generator)
    queue = torch.randn(16, 3, generator=generator)
    default = {"queue": queue, "in_batch_negatives": False, "temperature": 0.2}
    expected = info_nce(q, k, **{**default, **options})
    assert torch.equal(learner.objective(q, k, queue), expected)
    assert not torch.equal(info_nce(q, k, **default), expected)
