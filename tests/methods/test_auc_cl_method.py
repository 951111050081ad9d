"""AUC-CL as a method: it trains in every form, its scalars move and are kept, bad options are refused."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from downhill import both_precisions, goes_downhill, losses_of_one_batch

import contrapose
from contrapose.encoders import build
from contrapose.errors import ArgumentError
from contrapose.methods import AUCCL
from contrapose.training.checkpoint import load_newest
from contrapose.training.run_folder import RunFolder

QUICK: dict[str, Any] = {"epochs": 2, "batch_size": 16, "projection_hidden": 16, "log_steps": 1, "quiet": True}


FORMS = pytest.mark.parametrize(
    ("form", "scalars"), [("unbiased", "learned"), ("unbiased", "batch"), ("authors", "learned"), ("authors", "zero")]
)


@both_precisions
@FORMS
def test_a_batch_goes_downhill(form: Any, scalars: Any, precision: str) -> None:
    method = AUCCL(projection_hidden=16, form=form, scalars=scalars)
    assert goes_downhill(losses_of_one_batch(method, precision)["loss"])


@FORMS
def test_training_moves_b(form: str, scalars: str, pictures: np.ndarray, tmp_path: Path) -> None:
    run = contrapose.train("auc-cl", data=pictures[:64], out=str(tmp_path / "run"), form=form, scalars=scalars, **QUICK)
    rows = list(RunFolder(run.path).metrics())
    losses = [row["loss"] for row in rows]
    assert np.isfinite(losses).all()
    assert losses[0] < rows[-1]["chance"]
    state = load_newest(run.path / "checkpoints")[0]["learner"]
    if scalars == "learned":
        assert float(state["objective.b"]) > 0
        assert [row["b"] for row in rows] == sorted(row["b"] for row in rows)
    else:
        assert "objective.b" not in state


def test_the_saddles_scalars_climb_and_descend(pictures: np.ndarray, tmp_path: Path) -> None:
    run = contrapose.train("auc-cl", data=pictures[:64], out=str(tmp_path / "run"), form="saddle", ascent=10.0, **QUICK)
    rows = list(RunFolder(run.path).metrics())
    assert np.isfinite([row["loss"] for row in rows]).all()
    assert rows[-1]["chance"] is None
    state = load_newest(run.path / "checkpoints")[0]["learner"]
    assert all(float(state[f"objective.{name}"]) > 0 for name in ("a", "b", "ascending"))
    assert rows[-1]["alpha"] > rows[0]["alpha"] >= 0


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"margin": 1.5}, r"margin must be in \[0, 1\]"),
        ({"form": "authors", "negative_weight": 1.0}, "negative_weight must be left out"),
        ({"negative_weight": -1.0}, "negative_weight must be 0 or more"),
        ({"form": "saddle", "scalars": "zero"}, "scalars must be learned or batch"),
        ({"form": "saddle", "target": 3.0}, "target must be left out in the saddle form"),
        ({"form": "saddle", "alpha": 0.5}, "alpha must be left out in the saddle form"),
        ({"ascent": 5.0}, "ascent must be left out"),
        ({"form": "saddle", "scalars": "batch", "ascent": 5.0}, "ascent must be left out"),
        ({"target": math.nan}, "target must be a finite number"),
        ({"alpha": math.inf}, "alpha must be a finite number"),
        ({"form": "author"}, "form must be one of"),
        ({"scalars": "learn"}, "scalars must be one of"),
        ({"ascent": 0.0}, "ascent must be above 0"),
        ({"batch_size": 1}, "batch_size must be at least 2"),
    ],
)
def test_bad_options_are_refused_at_once(options: dict[str, Any], word: str) -> None:
    with pytest.raises(ArgumentError, match=word):
        AUCCL(**options)


@pytest.mark.parametrize(
    "options",
    [
        {"form": "saddle", "ascent": 3.0, "margin": 0.7},
        {"form": "authors", "scalars": "batch", "target": 5.0, "alpha": 0.5},
        {"scalars": "zero", "negative_weight": 8.0, "margin": 0.4},
    ],
    ids=str,
)
def test_options_reach_the_objective(options: dict[str, Any]) -> None:
    learner = AUCCL(**options).new_learner(build("small_conv", channels=3, image_size=16))
    for name, value in options.items():
        assert getattr(learner.objective, name) == value
