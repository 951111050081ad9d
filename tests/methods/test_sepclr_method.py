"""`sepclr` from its options to a run folder with two encoders."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from downhill import goes_downhill

import contrapose
from contrapose.data import Batch, Images
from contrapose.encoders import build
from contrapose.errors import ArgumentError, DataError
from contrapose.methods import SepCLR
from contrapose.methods.fit_to_data import fit_to_data
from contrapose.objectives import sepclr
from contrapose.training.run_folder import RunFolder
from contrapose.views import ImageViews

SMALL: dict[str, Any] = {"projection_hidden": 16, "projection_dimension": 8, "salient_dimension": 4}
QUICK: dict[str, Any] = {"epochs": 2, "batch_size": 16, "log_steps": 1, "quiet": True, **SMALL}
TERMS = ("common_term", "salient_term", "null_term", "independence_term")


def of_two(pictures: np.ndarray, names: tuple[str, str] = ("background", "target")) -> Images:
    return Images(pictures, np.arange(96) % 2, class_names=names)


def test_it_trains_two_narrow_encoders(pictures: np.ndarray, tmp_path: Path) -> None:
    run = contrapose.train("sepclr", data=of_two(pictures), out=str(tmp_path / "run"), **QUICK)
    rows = list(RunFolder(run.path).metrics())
    for row in rows:
        assert all(math.isfinite(row[name]) for name in TERMS)
        weighted = row["common_term"] + 1000 * (row["salient_term"] + row["null_term"]) + 10 * row["independence_term"]
        assert row["loss"] == pytest.approx(weighted, rel=1e-4, abs=1e-2)
        assert -math.log(16) <= row["independence_term"] <= 0
    common, salient = contrapose.load(run.path), contrapose.load(run.path / "salient")
    assert (common.dimension, salient.dimension) == (8, 4)
    assert common.embed(pictures[:5]).shape == (5, 8)
    assert salient.embed(pictures[:5]).shape == (5, 4)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_batch_goes_downhill(precision: str) -> None:
    encoder = build("small_conv", channels=3, image_size=8, seed=0, widths=[8, 8])
    learner: Any = SepCLR(**SMALL).new_learner(encoder).train()
    generator = torch.Generator().manual_seed(0)
    pictures = torch.rand(16, 3, 8, 8, generator=generator)
    views = tuple((pictures + 0.1 * torch.randn(16, 3, 8, 8, generator=generator)).clamp(0, 1) for _ in range(2))
    batch = Batch(views, torch.arange(16), torch.arange(16) % 2)
    optimizer = torch.optim.Adam(learner.parameters(), lr=1e-3)
    seen: dict[str, list[float]] = {"loss": [], "common_term": []}
    for _ in range(40):
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=precision == "bfloat16"):
            step = learner(batch)
        optimizer.zero_grad()
        step.loss.backward()
        optimizer.step()
        seen["loss"].append(float(step.loss.detach()))
        seen["common_term"].append(float(step.log["common_term"]))
    assert all(goes_downhill(values) for values in seen.values())


def test_options_reach_the_objective() -> None:
    encoder = build("small_conv", channels=3, image_size=8, seed=0, widths=[8, 8])
    weights = {"salient_weight": 3.0, "null_weight": 5.0, "independence_weight": 7.0}
    options: dict[str, Any] = {"temperature": 0.3, "uniformity_weight": 1.5, "null_zeroed": False, **weights}
    learner: Any = SepCLR(target="0", **SMALL, **options).new_learner(encoder).train()
    assert learner.salient.dimension == 4
    views = tuple(torch.rand(2, 6, 3, 8, 8, generator=torch.Generator().manual_seed(0)))
    labels = torch.tensor([0, 1, 2, 0, 1, 0])
    step = learner(Batch(views, torch.arange(6), labels))
    c = step.embeddings.view(2, 6, 8)
    with torch.no_grad():
        s = learner.salient_head(learner.salient(torch.cat(views))).view(2, 6, 4)
    torch.testing.assert_close(step.loss.detach(), sepclr(c, s, labels == 0, **options))


def test_other_encoders_keep_their_width() -> None:
    encoder = build("mlp", channels=1, image_size=8, seed=0, widths=[6, 5])
    learner: Any = SepCLR(encoder="mlp", **SMALL).new_learner(encoder)
    assert SepCLR(encoder="mlp").encoder_arguments == {}
    assert learner.salient.dimension == 5
    assert learner.salient_head.output_dimension == 4


def test_the_target_is_the_second_class_or_the_one_that_is_named() -> None:
    def number(target: str | None, names: list[str]) -> str | None:
        return fit_to_data(SepCLR(target=target), samples=500, classes=names)[0].target  # type: ignore[attr-defined]

    assert number(None, ["healthy", "patient"]) is None
    assert number("adhd", ["adhd", "healthy"]) == "0"
    assert number("1", ["adhd", "healthy"]) == "1"
    assert number("cat", ["ape", "bee", "cat"]) == "2"
    _, notes = fit_to_data(SepCLR(target="adhd"), samples=500, classes=["adhd", "healthy"])
    assert notes == ["target is 0 instead of adhd: the labels name 2 classes"]
    with pytest.raises(ArgumentError, match=r"two classes.* has 3 \(ape, bee, cat\).*--target NAME"):
        number(None, ["ape", "bee", "cat"])
    with pytest.raises(ArgumentError, match="Did you mean 'healthy'"):
        number("helthy", ["adhd", "healthy"])
    with pytest.raises(ArgumentError, match="give its number"):
        SepCLR(target="adhd").new_learner(build("small_conv", channels=3, image_size=8, seed=0, widths=[8, 8]))


def test_from_trained_weights_both_begin_with_these() -> None:
    encoder = build("small_conv", channels=3, image_size=8, seed=0, widths=[8, 8])
    learner: Any = SepCLR(init="somewhere", **SMALL).new_learner(encoder)
    assert learner.salient is not encoder
    own, other = encoder.state_dict(), learner.salient.state_dict()
    assert all(torch.equal(own[name], other[name]) for name in own)
    begun: Any = SepCLR(**SMALL).new_learner(encoder)
    assert not torch.equal(begun.salient.backbone.stages[0][0].weight, encoder.backbone.stages[0][0].weight)


def test_a_name_trains(pictures: np.ndarray, tmp_path: Path) -> None:
    images = of_two(pictures, ("adhd", "healthy"))
    options = {**QUICK, "epochs": 1}
    named = contrapose.train("sepclr", data=images, target="adhd", out=str(tmp_path / "named"), **options)
    assert RunFolder(named.path).read_record()["config"]["target"] == "0"
    other = contrapose.train("sepclr", data=images, out=str(tmp_path / "other"), **options)
    losses = [[row["loss"] for row in RunFolder(run.path).metrics()] for run in (named, other)]
    assert losses[0] != losses[1]


def test_data_without_two_sets_do_not_start(pictures: np.ndarray, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="learns from labels"):
        contrapose.train("sepclr", data=pictures, out=str(tmp_path / "run"), **QUICK)
    three = Images(pictures, np.arange(96) % 3)
    with pytest.raises(ArgumentError, match="--target NAME"):
        contrapose.train("sepclr", data=three, out=str(tmp_path / "run"), **QUICK)
    some = Images(pictures, np.arange(96) % 3 - 1, class_names=("background", "target"))
    with pytest.raises(ArgumentError, match="32 of 96 samples have no label"):
        contrapose.train("sepclr", data=some, out=str(tmp_path / "run"), **QUICK)
    one = Images(pictures, np.zeros(96, dtype=np.int64), class_names=("background", "target"))
    with pytest.raises(DataError, match="name 1 of them"):
        contrapose.train("sepclr", data=one, out=str(tmp_path / "run"), **QUICK)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"salient_dimension": 0}, "salient_dimension must be above 0"),
        ({"temperature": 0.0}, "temperature must be above 0"),
        ({"null_weight": -1.0}, "null_weight must be 0 or more"),
        ({"views": ImageViews(count=3)}, "--views.count 2"),
    ],
)
def test_bad_options_are_refused_at_once(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        SepCLR(**options)
