"""Debiasing by relative difficulty, from biased data to a trained encoder."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from downhill import both_precisions, goes_downhill, losses_of_one_batch

import contrapose
from contrapose.data import Batch, Images
from contrapose.data.images.biased import colour_biased
from contrapose.encoders import build
from contrapose.errors import ArgumentError
from contrapose.methods import METHODS, BiasDebias
from contrapose.objectives import debiased_triplet, difficulty_weighted
from contrapose.training.checkpoint import load_newest
from contrapose.training.run_folder import RunFolder

QUICK: dict[str, Any] = {
    "epochs": 2,
    "batch_size": 16,
    "projection_hidden": 16,
    "projection_dimension": 8,
    "log_steps": 1,
    "quiet": True,
}


def test_two_epochs_on_biased_pictures(pictures: np.ndarray, tmp_path: Path) -> None:
    images = Images(pictures, np.repeat([0, 1, 2], 32))
    biased = colour_biased(images, correlation=0.9, generator=torch.Generator().manual_seed(0))
    blind = {"colour_probability": 0.0, "grey_probability": 0.0}
    run = contrapose.train("bias-debias", data=biased.images, views=blind, out=str(tmp_path / "run"), **QUICK)
    rows = [json.loads(line) for line in (run.path / "metrics.jsonl").read_text().splitlines()]
    for name in ("encoder_loss", "reference_loss"):
        losses = [row[name] for row in rows]
        assert all(map(math.isfinite, losses))
    assert rows[0]["loss"] == pytest.approx(rows[0]["encoder_loss"] + rows[0]["reference_loss"], rel=1e-5)
    state, _ = load_newest(RunFolder(run.path).checkpoints)
    learner = state["learner"]
    assert any(key.startswith("reference.backbone") for key in learner)
    rates = [group["lr"] / group["learning_rate_factor"] for group in state["optimizers"]["all"]["param_groups"]]
    assert {group["learning_rate_factor"] for group in state["optimizers"]["all"]["param_groups"]} == {1.0, 10.0}
    assert rates == pytest.approx([rates[0]] * 4)  # one schedule
    exported = contrapose.load(run.path).encoder.state_dict()  # never the biased one
    assert all(torch.equal(value, learner[f"encoder.{name}"]) for name, value in exported.items())


@both_precisions
def test_a_batch_goes_downhill(precision: str) -> None:
    names = ("encoder_loss", "reference_loss")
    found = losses_of_one_batch(
        BiasDebias(projection_hidden=16, projection_dimension=8), precision, watch=names, steps=60
    )
    assert all(goes_downhill(found[name]) for name in names)


@pytest.mark.parametrize("weighted", [True, False])
def test_options_reach_the_objectives(weighted: bool) -> None:
    encoder = build("small_conv", channels=1, image_size=8, seed=0, widths=[8, 8])
    options: dict[str, Any] = {"temperature": 0.2, "prior": 0.3}
    method = BiasDebias(projection_hidden=8, projection_dimension=4, weighted=weighted, **options)
    learner = method.new_learner(encoder).train()
    views = tuple(torch.rand(2, 6, 1, 8, 8, generator=torch.Generator().manual_seed(0)))
    step = learner(Batch(views=views, indices=torch.arange(6)))
    with torch.no_grad():
        r = learner.reference_head(learner.reference(torch.cat(views))).view(2, 6, 4)
    z = step.embeddings.view(2, 6, 4)
    torch.testing.assert_close(step.log["encoder_loss"], difficulty_weighted(z, r if weighted else None, **options))
    torch.testing.assert_close(step.log["reference_loss"], debiased_triplet(r, prior=0.3))
    assert learner.chance is not None
    equal = torch.ones(2, 6, 4, dtype=torch.float64)
    expected = difficulty_weighted(equal, equal if weighted else None, **options)
    assert learner.chance(step.pairing) == pytest.approx(float(expected))


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"temperature": 0.0}, "temperature must be above 0"),
        ({"prior": 1.0}, r"prior must be in \[0, 1\)"),
        ({"prior": -0.1}, r"prior must be in \[0, 1\)"),
        ({"reference_rate": 0.0}, "reference_rate must be above 0"),
        ({"batch_size": 1}, "batch_size must be at least 2"),
    ],
)
def test_bad_options_are_refused_before_anything_starts(options: dict, word: str) -> None:
    with pytest.raises(ArgumentError, match=word):
        BiasDebias(**options)


def test_it_answers_what_to_do_about_bias() -> None:
    assert METHODS["bias-debias"] is BiasDebias
    assert BiasDebias.about.question == "what if the data are unbalanced or biased?"
