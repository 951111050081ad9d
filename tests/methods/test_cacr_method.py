"""CACR as a method: it trains on several views, with and without a queue, and refuses what it cannot do."""

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
from contrapose.methods import CACR
from contrapose.objectives import cacr, cacr_predicted, cacr_queue
from contrapose.pairing import by_towers
from contrapose.training.checkpoint import load_newest
from contrapose.training.run_folder import RunFolder

QUICK: dict[str, Any] = {
    "epochs": 2,
    "batch_size": 16,
    "projection_hidden": 16,
    "log_steps": 1,
    "quiet": True,
    "views": {"count": 3},
}


OPTIONS = pytest.mark.parametrize(
    "options", [{}, {"debias": 0.1}, {"repulsion_sharpness": 0.0}, {"cost": "rbf"}], ids=str
)


@both_precisions
@pytest.mark.parametrize(
    "options", [{}, {"debias": 0.1}, {"cost": "rbf"}, {"predictor": True, "predictor_hidden": 16}], ids=str
)
def test_a_batch_goes_downhill(options: dict[str, Any], precision: str) -> None:
    assert goes_downhill(losses_of_one_batch(CACR(projection_hidden=16, **options), precision, views=3)["loss"])


@OPTIONS
def test_a_run_knows_its_chance(options: dict[str, Any], pictures: np.ndarray, tmp_path: Path) -> None:
    run = contrapose.train("cacr", data=pictures[:64], out=str(tmp_path / "run"), **QUICK, **options)
    rows = list(RunFolder(run.path).metrics())
    losses = [row["loss"] for row in rows]
    assert len(losses) == 8
    assert np.isfinite(losses).all()
    assert rows[-1]["chance"] == 0


def test_with_a_queue_the_last_keys_are_kept_and_a_run_resumes_bit_for_bit(
    pictures: np.ndarray, tmp_path: Path
) -> None:
    options = {**QUICK, "queue": 48, "in_batch_negatives": True, "checkpoint_steps": 3}
    run = contrapose.train("cacr", data=pictures[:64], out=str(tmp_path / "run"), **options)
    folder = RunFolder(run.path).checkpoints
    whole, _ = load_newest(folder)
    assert whole["learner"]["queue.rows"].shape == (48, 128)
    assert int(whole["learner"]["queue.position"]) == 8 * 16 % 48
    max(folder.glob("*"), key=lambda path: path.name).unlink()  # back to step 6 of 8
    contrapose.resume(run.path, data=pictures[:64], quiet=True)
    resumed, _ = load_newest(folder)
    assert resumed["step"] == whole["step"] == 8
    assert all((resumed["learner"][key] == value).all() for key, value in whole["learner"].items())


def test_with_a_predictor_a_run_resumes_bit_for_bit(pictures: np.ndarray, tmp_path: Path) -> None:
    options = {**QUICK, "predictor": True, "predictor_hidden": 16, "checkpoint_steps": 3}
    run = contrapose.train("cacr", data=pictures[:64], out=str(tmp_path / "run"), **options)
    rows = list(RunFolder(run.path).metrics())
    losses = [row["loss"] for row in rows]
    assert np.isfinite(losses).all()
    assert rows[-1]["chance"] == pytest.approx(2 * 0.2 * np.log(16))
    folder = RunFolder(run.path).checkpoints
    whole, _ = load_newest(folder)
    assert int(whole["learner"]["steps"]) == 8
    max(folder.glob("*"), key=lambda path: path.name).unlink()  # back to step 6 of 8
    contrapose.resume(run.path, data=pictures[:64], quiet=True)
    resumed, _ = load_newest(folder)
    assert resumed["step"] == whole["step"] == 8
    assert any(key.startswith("predictor.") for key in whole["learner"])
    assert all((resumed["learner"][key] == value).all() for key, value in whole["learner"].items())


def test_five_views_are_the_default() -> None:
    assert CACR().views.count == 5


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"attraction_sharpness": -1.0}, "attraction_sharpness must be 0 or more"),
        ({"repulsion_sharpness": -1.0}, "repulsion_sharpness must be 0 or more"),
        ({"debias": 1.0}, r"debias must be in \[0, 1\)"),
        ({"debias": 0.1, "queue": 64}, "debias must be 0 with a queue"),
        ({"debias_sign": "author"}, "debias_sign must be one of"),
        ({"debias": 0.1, "cost": "rbf"}, "debias must be 0 with the cost rbf"),
        ({"cost": "euclid"}, "cost must be one of squared, rbf"),
        ({"cost": "rbf", "queue": 64}, "cost must be squared with a queue"),
        ({"rbf_sharpness": 0.0}, "rbf_sharpness must be above 0"),
        ({"temperature": 0.0}, "temperature must be above 0"),
        ({"predictor": True, "queue": 64}, "queue must be left at 0 with a predictor"),
        ({"predictor": True, "debias": 0.1}, "debias must be left at 0 with a predictor"),
        ({"predictor": True, "repulsion_weight": 2.0}, "repulsion_weight must be left at 1"),
        ({"predictor": True, "repulsion_sharpness": 1.0}, "repulsion_sharpness must be left at 2 .*--temperature"),
        ({"predictor": True, "key_views": 6}, "key_views must be at most 5"),
        ({"predictor": True, "key_views": 0}, "key_views must be above 0"),
        ({"momentum": 1.1}, "momentum must be in"),
        ({"in_batch_negatives": True}, "in_batch_negatives must be off without a queue"),
        ({"batch_size": 1}, "batch_size must be at least 2"),
    ],
)
def test_bad_options_are_refused_at_once(options: dict[str, Any], word: str) -> None:
    with pytest.raises(ArgumentError, match=word):
        CACR(**options)


def test_one_view_is_refused(pictures: np.ndarray, tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="at least 2"):
        contrapose.train("cacr", data=pictures[:64], out=str(tmp_path / "run"), **{**QUICK, "views": {"count": 1}})


def objective_of(**options: Any) -> Any:
    encoder = build("small_conv", channels=3, image_size=16)
    return CACR(batch_size=4, projection_dimension=3, **options).new_learner(encoder).objective


@pytest.mark.parametrize(
    "options",
    [
        {"attraction_sharpness": 3.0},
        {"repulsion_sharpness": 0.5},
        {"attraction_weight": 0.5},
        {"repulsion_weight": 0.5},
        {"debias": 0.2},
        {"debias": 0.2, "debias_sign": "authors"},
        {"cost": "rbf"},
        {"cost": "rbf", "rbf_sharpness": 1.0},
    ],
    ids=str,
)
def test_options_reach_the_objective(options: dict[str, Any], generator: torch.Generator) -> None:
    z = torch.randn(3, 4, 3, generator=generator)
    expected = cacr(z, **options)
    assert torch.equal(objective_of(**options)(z, None, None), expected)
    assert not torch.equal(cacr(z), expected)


@pytest.mark.parametrize("options", [{"in_batch_negatives": True}, {"repulsion_sharpness": 0.5}], ids=str)
def test_options_reach_the_objective_with_a_queue(options: dict[str, Any], generator: torch.Generator) -> None:
    q, k, queue = (torch.randn(*shape, generator=generator) for shape in ((3, 4, 3), (3, 4, 3), (8, 3)))
    expected = cacr_queue(q, k, queue, **options)
    assert torch.equal(objective_of(queue=8, **options)(q, k, queue), expected)
    assert not torch.equal(cacr_queue(q, k, queue), expected)


@pytest.mark.parametrize("options", [{"cost": "squared"}, {"temperature": 0.5}], ids=str)
def test_options_reach_the_objective_with_a_predictor(options: dict[str, Any], generator: torch.Generator) -> None:
    p, k = (torch.randn(views, 4, 3, generator=generator) for views in (3, 2))
    expected = cacr_predicted(p, k, **options)
    assert torch.equal(objective_of(predictor=True, **options)(p, k, None), expected)
    assert torch.equal(objective_of(predictor=True)(p, k, None), cacr_predicted(p, k))
    assert not torch.equal(cacr_predicted(p, k), expected)


@pytest.mark.parametrize("cost", ["rbf", "squared"])
def test_chance_with_a_predictor_is_the_loss_of_equal_embeddings(cost: Any) -> None:
    encoder = build("small_conv", channels=3, image_size=16)
    learner: Any = CACR(predictor=True, cost=cost, temperature=0.5).new_learner(encoder)
    same = torch.ones(2, 16, 3)
    assert float(learner.objective(same, same, None)) == pytest.approx(learner.chance(by_towers(16)), abs=1e-6)


def test_options_reach_the_learner_with_a_predictor() -> None:
    encoder = build("small_conv", channels=3, image_size=16)
    options: dict[str, Any] = {"predictor": True, "predictor_hidden": 24, "key_views": 3, "momentum": 0.9}
    learner: Any = CACR(projection_dimension=8, **options).new_learner(encoder)
    assert [tuple(p.shape) for p in learner.predictor.parameters() if p.ndim > 1] == [(24, 8), (8, 24)]
    assert learner.key_views == 3
    assert learner.teacher.momentum == 0.9
