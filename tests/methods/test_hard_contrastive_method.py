"""Hard contrastive as a method: it trains in all its forms, is SimCLR at alpha 1, and refuses what it cannot do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import contrapose
from contrapose.encoders import build
from contrapose.errors import ArgumentError
from contrapose.learners import Siamese
from contrapose.methods import HardContrastive
from contrapose.objectives import hard_weighted
from contrapose.pairing import by_views
from contrapose.training.run_folder import RunFolder

QUICK: dict[str, Any] = {"epochs": 2, "batch_size": 16, "projection_hidden": 16, "log_steps": 1, "quiet": True}


def rows_of(method: str, data: np.ndarray, out: Path, **options: Any) -> list[dict[str, Any]]:
    run = contrapose.train(method, data=data, out=str(out), **{**QUICK, **options})
    return list(RunFolder(run.path).metrics())


@pytest.mark.parametrize(
    ("options", "chance"),
    [
        ({}, np.log(1 + 3)),  # 3 of the 30 negatives of a batch of 16
        ({"alpha": 0.5, "temperature": 1.0}, np.log(1 + 15)),
        ({"simple": True}, 0.0),
        ({"simple": True, "repulsion": 0.1}, 0.3 - 1),
        ({"simple": True, "alpha": 1.0, "repulsion": 0.1}, 3 - 1),
        ({"alpha": 1.0, "beta": 1.0, "prior": 0.1}, np.log(1 + 30)),
        ({"alpha": 1.0, "prior": 0.1}, np.log(1 + 30)),
    ],
    ids=str,
)
def test_it_trains_and_knows_its_chance(
    options: dict[str, Any], chance: float, pictures: np.ndarray, tmp_path: Path
) -> None:
    rows = rows_of("hard-contrastive", pictures[:64], tmp_path / "run", **options)
    losses = [row["loss"] for row in rows]
    assert len(losses) == 8
    assert np.isfinite(losses).all()
    assert losses[-1] != losses[0]
    assert rows[-1]["chance"] == pytest.approx(chance, abs=1e-9)


def test_at_alpha_one_it_is_simclr(pictures: np.ndarray, tmp_path: Path) -> None:
    options = {"epochs": 1, "temperature": 0.3}
    hard = rows_of("hard-contrastive", pictures[:64], tmp_path / "hard", alpha=1.0, **options)
    plain = rows_of("simclr", pictures[:64], tmp_path / "plain", **options)
    assert [row["loss"] for row in hard] == [row["loss"] for row in plain]


def test_with_beta_it_weighs_and_its_options_arrive() -> None:
    options = {"temperature": 0.3, "beta": 2.0, "prior": 0.05}
    learner = HardContrastive(alpha=1.0, **options).new_learner(build("small_conv", channels=3, image_size=16))
    assert isinstance(learner, Siamese)
    z = torch.randn(2, 8, 4, generator=torch.Generator().manual_seed(0))
    assert learner.objective(z, by_views(2, 8), None) == hard_weighted(z, **options)
    assert learner.objective(z, by_views(2, 8), None) != hard_weighted(z, **{**options, "prior": 0.0})


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"alpha": 0.0}, "alpha must be above 0 and at most 1"),
        ({"alpha": 1.5}, "alpha must be above 0 and at most 1"),
        ({"temperature": 0.0}, "temperature must be above 0"),
        ({"repulsion": -1.0, "simple": True}, "repulsion must be above 0, or none"),
        ({"repulsion": 0.1}, "repulsion must be none unless simple"),
        ({"beta": -1.0, "alpha": 1.0}, "beta must be 0 or more, and finite"),
        ({"prior": 1.0, "alpha": 1.0}, r"prior must be in \[0, 1\)"),
        ({"beta": 1.0}, "alpha must be 1 with beta or prior"),
        ({"prior": 0.1, "alpha": 0.5}, "alpha must be 1 with beta or prior"),
        ({"beta": 1.0, "alpha": 1.0, "simple": True}, "simple must be off with beta or prior"),
        ({"batch_size": 1}, "batch_size must be at least 2"),
    ],
)
def test_bad_options_are_refused_at_once(options: dict[str, Any], word: str) -> None:
    with pytest.raises(ArgumentError, match=word):
        HardContrastive(**options)
