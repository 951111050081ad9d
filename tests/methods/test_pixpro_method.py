"""`pixpro` and `pixcontrast` from their options to a run folder that is a dense backbone."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import contrapose
from contrapose.data import Images
from contrapose.data.source import PlainSource
from contrapose.encoders import load_encoder
from contrapose.errors import ArgumentError, OptionError
from contrapose.methods import PixContrast, PixPro
from contrapose.methods.assemble import assemble
from contrapose.objectives import pix_contrast, pix_pro
from contrapose.report.facts.pairing import pairing_of
from contrapose.training.run_folder import RunFolder
from contrapose.views import ImageViews, ViewGenerator

SMALL: dict[str, Any] = {"batch_size": 16, "projection_hidden": 16, "projection_dimension": 8}
BOTH = pytest.mark.parametrize("name", ["pixpro", "pixcontrast"])


@BOTH
def test_a_run_is_a_dense_backbone(name: str, pictures: np.ndarray, tmp_path: Path) -> None:
    options = {**SMALL, "epochs": 2, "log_steps": 1, "quiet": True}
    run = contrapose.train(name, data=pictures[:32], out=str(tmp_path / "run"), **options)
    rows = list(RunFolder(run.path).metrics())
    assert all(math.isfinite(row["loss"]) for row in rows)
    assert rows[0]["momentum"] == pytest.approx(0.99)
    assert rows[3]["momentum"] == pytest.approx(1 - 0.01 * (math.cos(math.pi * 3 / 4) + 1) / 2)  # of 4 steps
    encoder: Any = load_encoder(run.path / "encoder").eval()
    maps = encoder.feature_maps(torch.from_numpy(pictures[:2]))
    assert maps[-1].shape == (2, 64, 4, 4)
    assert np.array_equal(run.load().maps(pictures[:2]), maps[-1].detach().numpy())
    torch.testing.assert_close(encoder(torch.from_numpy(pictures[:2])), maps[-1].mean(dim=(2, 3)))
    slow: Any = load_encoder(run.path / "teacher")
    assert not torch.equal(slow.backbone.stages[0][0].weight, encoder.backbone.stages[0][0].weight)


@pytest.mark.parametrize(
    "config",
    [
        PixPro(**SMALL),
        PixPro(propagated=False, **SMALL),
        PixPro(value_layers=2, instance_weight=0.5, **SMALL),
        PixPro(pixel_weight=0, instance_weight=1, **SMALL),
        PixPro(encoder="small_conv", **SMALL),
        PixPro(encoder="resnet18", **SMALL),
        PixContrast(**SMALL),
    ],
    ids=["pixpro", "unpropagated", "with instances", "instances alone", "small_conv", "resnet18", "pixcontrast"],
)
def test_everything_that_is_trained_gets_a_gradient(config: Any, pictures: np.ndarray) -> None:
    """Or processes that share one would wait for it for ever."""
    images = Images(pictures)
    learner, views = assemble(config, images)
    source = PlainSource.shuffled(images, views, batch_size=16, seed=0)
    batch = source.batch(0, 0, generator=torch.Generator().manual_seed(0))
    assert batch.boxes is not None
    assert bool((batch.boxes[0] != batch.boxes[1]).any())
    learner.train().before_step()
    learner(batch).loss.backward()
    named = dict(learner.named_parameters())
    missing = [name for name, weight in named.items() if weight.requires_grad and weight.grad is None]
    assert missing == []
    assert any(name.startswith("encoder.") and weight.grad is not None for name, weight in named.items())


def test_the_objective_is_that_of_the_options(pictures: np.ndarray) -> None:
    generator = torch.Generator().manual_seed(0)
    x, k = torch.randn(2, 2, 3, 5, 4, 4, generator=generator).unbind(0)  # (2, 3, 5, 4, 4) each
    boxes = torch.tensor([[0.0, 0.0, 0.8, 0.9], [1.0, 0.2, 0.1, 1.0]])[:, None].expand(2, 3, 4)
    assert torch.equal(PixPro(threshold=1.1).objective()(x, k, boxes), pix_pro(x, k, boxes, threshold=1.1))
    sharp = PixContrast(temperature=0.1, threshold=0.9).objective()(x, k, boxes)
    assert torch.equal(sharp, pix_contrast(x, k, boxes, temperature=0.1, threshold=0.9))
    learner: Any = assemble(PixPro(sharpness=3.0, value_layers=2, momentum=0.9, **SMALL), Images(pictures))[0]
    assert learner.propagation.sharpness == 3.0
    assert sum(isinstance(part, nn.Conv2d) for part in learner.propagation.transform) == 2
    assert learner.momentum == 0.9
    assert assemble(PixPro(propagated=False, **SMALL), Images(pictures))[0].propagation is None


@BOTH
def test_views_that_have_no_place_are_refused_before_there_is_a_folder(
    name: str, pictures: np.ndarray, tmp_path: Path
) -> None:
    def train(**options: Any) -> None:
        contrapose.train(name, data=pictures, out=str(tmp_path / "run"), epochs=1, quiet=True, **SMALL, **options)

    with pytest.raises(ArgumentError, match=f"{name} must know where .* a transform of your own does not say"):
        train(views=lambda picture: picture)
    with pytest.raises(
        OptionError, match=r"views\.rotation_degrees \(15\), views\.shear_degrees .*views\.recipe natural"
    ):
        train(views={"recipe": "strokes"})
    with pytest.raises(ArgumentError, match=r"views must be 2 of each sample \(--views.count 2\), got 3"):
        train(views={"count": 3})
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("config", [PixPro(**SMALL), PixContrast(**SMALL)], ids=["pixpro", "pixcontrast"])
def test_the_report_says_that_cells_are_paired(config: Any, pictures: np.ndarray) -> None:
    encoder = assemble(config, Images(pictures))[0].encoder
    with pytest.raises(ArgumentError, match="Cells of two crops of a picture are paired, by where they lie"):
        pairing_of(config, encoder, labelled=False)  # type: ignore[arg-type]


def test_a_generator_of_ones_own_says_where_its_views_lie(pictures: np.ndarray) -> None:
    own = ViewGenerator(ImageViews(recipe="natural", crop_scale_min=0.5), channels=3, image_size=16)
    _, views = assemble(PixPro(**SMALL), Images(pictures), own)
    assert views(torch.from_numpy(pictures[:4])).boxes.shape == (2, 4, 4)


def test_grey_pictures_are_cropped_too(pictures: np.ndarray) -> None:
    """Their usual views turn and bend, and have no place."""
    _, views = assemble(PixPro(**SMALL), Images(pictures[:, :1].copy()))
    assert views.options.recipe == "natural"


def test_an_encoder_without_maps_is_refused(pictures: np.ndarray, tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="no feature maps: take a convolutional one"):
        contrapose.train("pixpro", data=pictures, out=str(tmp_path / "run"), encoder="vit_micro", quiet=True, **SMALL)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"threshold": 0.0}, "threshold must be above 0"),
        ({"sharpness": -1.0}, "sharpness must be 0 or more"),
        ({"value_layers": -1}, "value_layers must be 0 or more"),
        ({"momentum": 1.1}, r"momentum must be in \[0, 1\]"),
        ({"instance_weight": -1.0}, "instance_weight must be 0 or more"),
        ({"pixel_weight": 0.0}, "both 0, so there is nothing to learn"),
    ],
)
def test_bad_options_are_refused_at_once(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        PixPro(**options)
    with pytest.raises(ArgumentError, match="temperature must be above 0"):
        PixContrast(temperature=0.0)
