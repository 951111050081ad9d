"""GroCo from the configuration to a trained encoder."""

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
from contrapose.data import Batch
from contrapose.encoders import build
from contrapose.errors import ArgumentError
from contrapose.methods import METHODS, GroCo
from contrapose.objectives import groco
from contrapose.objectives.ranking.groco import groco_chance
from contrapose.training.checkpoint import load_newest
from contrapose.training.run_folder import RunFolder
from contrapose.views.images.options import ImageViews

QUICK: dict[str, Any] = {
    "epochs": 2,
    "batch_size": 16,
    "projection_hidden": 16,
    "projection_dimension": 8,
    "log_steps": 1,
    "quiet": True,
}


def test_two_epochs_on_an_array(pictures: np.ndarray, tmp_path: Path) -> None:
    run = contrapose.train("groco", data=pictures[:64], out=str(tmp_path / "run"), **QUICK, negatives=5)
    rows = [json.loads(line) for line in (run.path / "metrics.jsonl").read_text().splitlines()]
    losses = [row["loss"] for row in rows]
    assert all(map(math.isfinite, losses))
    state, _ = load_newest(RunFolder(run.path).checkpoints)
    assert {"head.0.layers.0.weight", "head.1.running_mean"} <= state["learner"].keys()
    assert contrapose.load(run.path).embed(pictures).shape == (96, 256)


@both_precisions
def test_a_batch_goes_downhill(precision: str) -> None:
    method = GroCo(projection_hidden=16, projection_dimension=8, negatives=5)
    assert goes_downhill(losses_of_one_batch(method, precision)["loss"])


def test_options_reach_the_objective_and_the_head_ends_without_scale_or_shift() -> None:
    encoder = build("small_conv", channels=1, image_size=8, seed=0, widths=[8, 8])
    options: dict[str, Any] = {
        "negatives": 3,
        "steepness": 2.0,
        "network": "bitonic",
        "distribution": "logistic",
        "stop_gradient": False,
    }
    method = GroCo(projection_hidden=8, projection_dimension=4, batch_size=6, **options)
    learner = method.new_learner(encoder).train()
    views = tuple(torch.rand(2, 6, 1, 8, 8, generator=torch.Generator().manual_seed(0)))
    step = learner(Batch(views=views, indices=torch.arange(6)))
    z = step.embeddings.view(2, 6, 4)
    torch.testing.assert_close(step.loss.detach(), groco(z, **options))
    torch.testing.assert_close(step.embeddings.mean(0), torch.zeros(4), atol=1e-5, rtol=0)
    assert learner.chance is not None
    torch.testing.assert_close(
        torch.tensor(learner.chance(step.pairing)), groco(torch.ones(2, 6, 4), negatives=3, network="bitonic")
    )


def test_small_crops_are_anchors_but_pull_nobody() -> None:
    encoder = build("small_conv", channels=3, image_size=16, seed=0, widths=[8, 8])
    few = ImageViews(count=2, small_count=2)
    method = GroCo(projection_hidden=8, projection_dimension=4, negatives=3, views=few)
    learner = method.new_learner(encoder).train()
    random = torch.Generator().manual_seed(0)
    views = (*torch.rand(2, 6, 3, 16, 16, generator=random), *torch.rand(2, 6, 3, 12, 12, generator=random))
    step = learner(Batch(views=views, indices=torch.arange(6)))
    z = step.embeddings.view(4, 6, 4)
    torch.testing.assert_close(step.loss.detach(), groco(z, negatives=3, positive_views=2))
    assert learner.chance is not None
    expected = groco(torch.ones(4, 6, 4), negatives=3, positive_views=2)
    torch.testing.assert_close(torch.tensor(learner.chance(step.pairing)), expected)


def test_all_views_of_a_view_maker_of_ones_own_pull() -> None:
    encoder = build("small_conv", channels=1, image_size=8, seed=0, widths=[8, 8])
    method = GroCo(projection_hidden=8, projection_dimension=4, negatives=3)  # says two views, and gets four
    learner = method.new_learner(encoder).train()
    views = tuple(torch.rand(4, 6, 1, 8, 8, generator=torch.Generator().manual_seed(0)))
    step = learner(Batch(views=views, indices=torch.arange(6)))
    z = step.embeddings.view(4, 6, 4)
    torch.testing.assert_close(step.loss.detach(), groco(z, negatives=3))
    assert learner.chance is not None
    assert learner.chance(step.pairing) == groco_chance(4, negatives=3)


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"views": ImageViews(count=1, small_count=6)}, "views.count is 1; a sample needs at least 2 full views"),
        ({"negatives": 0}, "negatives must be above 0"),
        ({"steepness": 0.0}, "steepness must be above 0"),
        ({"network": "odd"}, "network must be"),
        ({"distribution": "gauss"}, "distribution must be one of cauchy"),
    ],
)
def test_bad_options_are_refused_before_anything_starts(options: dict, word: str) -> None:
    with pytest.raises(ArgumentError, match=word):
        GroCo(**options)


def test_it_answers_how_hard_a_negative_should_push() -> None:
    assert METHODS["groco"] is GroCo
    assert GroCo.about.question == "how hard should each negative push?"
