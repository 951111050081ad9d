"""`isd` from its options to a run folder."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import contrapose
from contrapose.data import Batch, Images
from contrapose.encoders import build
from contrapose.errors import ArgumentError
from contrapose.methods import ISD
from contrapose.methods.assemble import assemble
from contrapose.training.checkpoint import load_newest
from contrapose.training.run_folder import RunFolder
from contrapose.views import ImageViews

QUICK: dict[str, Any] = {"epochs": 2, "batch_size": 16, "queue": 64, "log_steps": 1, "quiet": True}
PLUS: dict[str, Any] = {
    "projection_layers": 2,
    "projection_hidden": 32,
    "projection_dimension": 8,
    "predictor_hidden": 24,
    "temperature": 0.1,
    "teacher_temperature": 0.01,
    "views": ImageViews(weak_count=1),
}


@pytest.mark.parametrize("options", [{}, PLUS], ids=["isd", "isd plus"])
def test_it_trains_and_keeps_its_memory(options: dict[str, Any], pictures: np.ndarray, tmp_path: Path) -> None:
    run = contrapose.train("isd", data=pictures[:64], out=str(tmp_path / "run"), **QUICK, **options)
    assert run.outcome.steps == 8
    rows = list(RunFolder(run.path).metrics())
    assert all(math.isfinite(row["loss"]) and row["loss"] > 0 for row in rows)
    assert len({row["loss"] for row in rows}) == 8
    assert all(0 <= row["teacher_entropy"] <= math.log(64) for row in rows)
    assert rows[-1]["chance"] is None
    learner = load_newest(run.path / "checkpoints")[0]["learner"]
    assert any(name.startswith("predictor.") for name in learner)
    assert not any(name.startswith("teacher.") and "predictor" in name for name in learner)
    dimension = options.get("projection_dimension", 256)
    assert learner["queue.rows"].shape == (64, dimension)
    torch.testing.assert_close(learner["queue.rows"].norm(dim=1), torch.ones(64))


def test_the_view_of_the_teacher_is_the_weak_one(pictures: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    images = Images(pictures)
    weak = ImageViews(weak_count=1, crop_scale_min=1.0, crop_ratio_min=1.0, crop_ratio_max=1.0, flip_probability=0.0)
    learner, views = assemble(ISD(queue=64, views=weak), images)
    indices = torch.arange(16)
    made = views(images.batch(indices), generator=torch.Generator().manual_seed(0))
    untouched = torch.from_numpy(pictures[:16]) / 255  # all that a weak view may do was turned off
    torch.testing.assert_close(made[1], untouched)
    assert (made[0] - untouched).abs().mean() > 0.05
    seen: list[torch.Tensor] = []
    monkeypatch.setattr(learner.teacher, "forward", lambda x: seen.append(x) or torch.randn(len(x), 256))
    learner(Batch(views=made, indices=indices))
    assert len(seen) == 1
    assert seen[0] is made[1]


def test_the_published_heads() -> None:
    encoder = build("small_conv", channels=3, image_size=16, mean=(0.5,) * 3, std=(0.5,) * 3, seed=0)
    width = encoder.dimension
    generator = torch.Generator().manual_seed(0)
    plain = ISD(queue=64).learner(encoder, generator=generator)
    assert [tuple(p.shape) for p in plain.head.parameters()] == []
    assert [tuple(p.shape) for p in plain.predictor.parameters() if p.ndim > 1] == [(width, width), (width, width)]
    plus = ISD(queue=64, projection_layers=2, projection_dimension=64, predictor_hidden=512).learner(
        encoder, generator=generator
    )
    assert [tuple(p.shape) for p in plus.head.parameters() if p.ndim > 1] == [(512, width), (64, 512)]
    assert [tuple(p.shape) for p in plus.predictor.parameters() if p.ndim > 1] == [(512, 64), (64, 512)]


def test_the_teacher_is_as_sharp_as_the_student_unless_told(pictures: np.ndarray, tmp_path: Path) -> None:
    def first_entropy(name: str, **options: float) -> float:
        run = contrapose.train("isd", data=pictures[:64], out=str(tmp_path / name), **{**QUICK, "epochs": 1}, **options)
        return float(next(iter(RunFolder(run.path).metrics()))["teacher_entropy"])

    default, warm, cold = (
        first_entropy("default"),
        first_entropy("warm", temperature=0.2),
        first_entropy("cold", temperature=0.2, teacher_temperature=0.02),
    )
    assert default == pytest.approx(cold)
    assert warm > default + 0.1


def test_the_teachers_normalisation_goes_its_own_way(pictures: np.ndarray, tmp_path: Path) -> None:
    run = contrapose.train("isd", data=pictures[:64], out=str(tmp_path / "run"), **QUICK)
    learner = load_newest(run.path / "checkpoints")[0]["learner"]
    own = {name: value for name, value in learner.items() if name.startswith("teacher.") and "running_mean" in name}
    assert own
    for name, value in own.items():  # of its own batches: neither an average of the student's nor a copy
        assert not torch.equal(value, learner[name.replace("teacher.model.0.", "encoder.")])
        assert value.abs().max() > 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"temperature": 0.0}, "temperature must be above 0"),
        ({"teacher_temperature": -1.0}, "teacher_temperature must be above 0"),
        ({"momentum": 1.1}, r"momentum must be in \[0, 1\]"),
        ({"queue": 0}, "queue must be above 0"),
        ({"predictor_hidden": 0}, "predictor_hidden must be above 0"),
        ({"batch_size": 1}, "batch_size must be at least 2"),
    ],
)
def test_bad_options_are_refused_at_once(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        ISD(**options)


def test_a_batch_that_does_not_divide_the_queue_is_refused(pictures: np.ndarray, tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="take --queue 64"):
        contrapose.train("isd", data=pictures[:64], out=str(tmp_path / "run"), **{**QUICK, "queue": 56})
