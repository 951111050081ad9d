"""DCL as a method: it trains, says how coupled the softmax would have been, and refuses what it cannot do."""

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
from contrapose.methods import DCL
from contrapose.objectives import coupling, dcl
from contrapose.pairing import by_views
from contrapose.training.run_folder import RunFolder

QUICK: dict[str, Any] = {"epochs": 2, "batch_size": 16, "projection_hidden": 16, "log_steps": 1, "quiet": True}


OPTIONS = pytest.mark.parametrize("options", [{}, {"sigma": 0.5}, {"sigma": 0.5, "detach_weight": False}], ids=str)


@both_precisions
@OPTIONS
def test_a_batch_goes_downhill(options: dict[str, Any], precision: str) -> None:
    assert goes_downhill(losses_of_one_batch(DCL(projection_hidden=16, **options), precision)["loss"])


@OPTIONS
def test_a_run_has_finite_losses(options: dict[str, Any], pictures: np.ndarray, tmp_path: Path) -> None:
    run = contrapose.train("dcl", data=pictures[:64], out=str(tmp_path / "run"), **QUICK, **options)
    losses = [row["loss"] for row in RunFolder(run.path).metrics()]
    assert len(losses) == 8
    assert np.isfinite(losses).all()


def test_the_coupling_is_logged_and_rises_with_the_batch(pictures: np.ndarray, tmp_path: Path) -> None:
    means = []
    for size in (2, 32):
        options = {**QUICK, "batch_size": size, "epochs": 1, "temperature": 0.5}
        run = contrapose.train("dcl", data=pictures[:64], out=str(tmp_path / str(size)), **options)
        rows = list(RunFolder(run.path).metrics())
        assert all(0 <= row["coupling_tenth"] <= row["coupling"] <= 1 for row in rows)
        means.append(np.mean([row["coupling"] for row in rows]))
    assert means[0] < means[1]


def test_chance_is_the_log_of_the_negatives(pictures: np.ndarray, tmp_path: Path) -> None:
    run = contrapose.train("dcl", data=pictures[:64], out=str(tmp_path / "run"), **{**QUICK, "epochs": 1})
    assert list(RunFolder(run.path).metrics())[-1]["chance"] == pytest.approx(np.log(30))


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"temperature": 0.0}, "temperature must be above 0"),
        ({"sigma": 0.0}, "sigma must be above 0, or none"),
        ({"batch_size": 1}, "batch_size must be at least 2"),
    ],
)
def test_bad_options_are_refused_at_once(options: dict[str, Any], word: str) -> None:
    with pytest.raises(ArgumentError, match=word):
        DCL(**options)


@pytest.mark.parametrize(
    "options",
    [{"temperature": 0.3}, {"sigma": 0.5}, {"sigma": 0.5, "detach_weight": False}],
    ids=str,
)
def test_options_reach_the_objective(options: dict[str, Any], generator: torch.Generator) -> None:
    learner = DCL(batch_size=4, **options).new_learner(build("small_conv", channels=3, image_size=16))
    z = torch.randn(2, 4, 3, generator=generator, requires_grad=True)
    pairing = by_views(2, 4)
    fewer = dict(list(options.items())[:-1])  # without the last of them
    asked, expected, other = learner.objective(z, pairing, None), dcl(z, **options), dcl(z, **fewer)
    assert torch.equal(asked, expected)
    gradients = [torch.autograd.grad(loss, z)[0] for loss in (asked, expected, other)]
    assert torch.equal(gradients[0], gradients[1])
    assert not torch.equal(gradients[1], gradients[2])
    rows = torch.tensor([0, 3])
    assert torch.equal(learner.objective(z, pairing, rows), dcl(z, **options, rows=rows))
    found = learner.watch(z.detach(), pairing, rows)["coupling"]
    assert torch.equal(found, coupling(z, temperature=options.get("temperature", 0.1), rows=rows).mean())
