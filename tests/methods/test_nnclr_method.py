"""NNCLR as a method: it trains, plain and decoupled, and its support set is in the checkpoint."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from downhill import both_precisions, goes_downhill, losses_of_one_batch

import contrapose
from contrapose.encoders import build
from contrapose.errors import ArgumentError
from contrapose.methods import NNCLR
from contrapose.objectives import info_nce
from contrapose.training.checkpoint import load_newest
from contrapose.training.run_folder import RunFolder

QUICK: dict[str, Any] = {
    "epochs": 2,
    "batch_size": 16,
    "projection_hidden": 16,
    "predictor_hidden": 16,
    "queue": 48,
    "log_steps": 1,
    "quiet": True,
}


@both_precisions
@pytest.mark.parametrize("decoupled", [False, True])
def test_a_batch_goes_downhill(decoupled: bool, precision: str) -> None:
    method = NNCLR(projection_hidden=16, predictor_hidden=16, queue=48, batch_size=16, decoupled=decoupled)
    assert goes_downhill(losses_of_one_batch(method, precision)["loss"])


@pytest.mark.parametrize(("decoupled", "terms"), [(False, 16), (True, 15)])
def test_training_fills_the_set(decoupled: bool, terms: int, pictures: np.ndarray, tmp_path: Path) -> None:
    run = contrapose.train("nnclr", data=pictures[:64], out=str(tmp_path / "run"), decoupled=decoupled, **QUICK)
    rows = list(RunFolder(run.path).metrics())
    losses = [row["loss"] for row in rows]
    assert np.isfinite(losses).all()
    assert rows[-1]["chance"] == pytest.approx(np.log(terms))
    assert rows[-1]["neighbour_cosine"] > rows[0]["neighbour_cosine"]  # strangers at first, past embeddings then
    state = load_newest(run.path / "checkpoints")[0]["learner"]
    assert state["support.rows"].shape == (48, 256)
    assert int(state["support.position"]) == 8 * 16 % 48
    torch.testing.assert_close(state["support.rows"].norm(dim=1), torch.ones(48))


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"temperature": -1.0}, "temperature must be above 0"),
        ({"queue": 0}, "queue must be above 0"),
        ({"predictor_hidden": 0}, "predictor_hidden must be above 0"),
        ({"batch_size": 1, "decoupled": True}, "batch_size must be at least 2"),
    ],
)
def test_bad_options_are_refused_at_once(options: dict[str, Any], word: str) -> None:
    with pytest.raises(ArgumentError, match=word):
        NNCLR(**options)


def test_a_set_that_the_batch_does_not_divide_is_refused(pictures: np.ndarray, tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="take --queue 48"):
        contrapose.train("nnclr", data=pictures, out=str(tmp_path / "run"), **{**QUICK, "queue": 50})


@pytest.mark.parametrize("options", [{"temperature": 0.3}, {"decoupled": True}], ids=str)
def test_options_reach_the_objective(options: dict[str, Any], generator: torch.Generator) -> None:
    learner = NNCLR(batch_size=4, queue=8, **options).new_learner(build("small_conv", channels=3, image_size=16))
    neighbours, predictions = torch.randn(2, 4, 3, generator=generator)
    rows = torch.tensor([0, 3])
    default = {"temperature": 0.1, "rows": rows}
    expected = info_nce(neighbours, predictions, **{**default, **options})
    assert torch.equal(learner.objective(neighbours, predictions, rows), expected)
    assert not torch.equal(info_nce(neighbours, predictions, **default), expected)
