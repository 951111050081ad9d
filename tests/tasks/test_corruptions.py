"""The task corruptions: the same heads on pictures that lost quality, beside the pictures as they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from contrapose.data import Images
from contrapose.data.images.pixels.corruption import CORRUPTIONS, Corruption, corrupted
from contrapose.embedder import Embedder
from contrapose.encoders import Encoder, build
from contrapose.encoders.classifier_folder import TrainedHeads
from contrapose.encoders.heads import Heads, Question
from contrapose.errors import ArgumentError, DataError
from contrapose.tasks import TASKS, Given, OfClassifier


@pytest.fixture(scope="module")
def checkered() -> Images:
    """Grey pictures, every other one with a fine checkerboard that blur and resizing take away."""
    random = np.random.default_rng(0)
    labels = np.arange(60) % 2
    board = 40 * (np.indices((16, 16)).sum(axis=0) % 2 * 2 - 1)
    pixels = 128 + labels[:, None, None] * board + 10 * random.standard_normal((60, 16, 16))
    return Images(pixels[:, None].clip(0, 255).astype(np.uint8), labels, class_names=("plain", "board"))


@pytest.fixture
def of_grey() -> Encoder:
    return build("no_down_conv", channels=1, image_size=16, seed=0, widths=[8, 8, 8, 8])


def heads_on(encoder: Encoder, images: Images) -> TrainedHeads:
    """A regression on some of them."""
    from sklearn.linear_model import LogisticRegression

    z = Embedder(encoder).embed(images)
    heads = Heads(encoder.dimension, [2])
    heads.standardise(torch.from_numpy(z))
    model = LogisticRegression().fit((z - heads.mean.numpy()) / heads.scale.numpy(), images.labels)
    with torch.no_grad():
        heads.weights[0][1] = torch.from_numpy(model.coef_[0]).float()
        heads.biases[0][1] = float(model.intercept_[0])
    return TrainedHeads(heads, (Question("label", ("plain", "board"), (30, 30)),))


def test_what_blur_takes_away_is_not_found_any_more(
    given: Callable[..., Given], of_grey: Encoder, checkered: Images
) -> None:
    classifier = OfClassifier(heads_on(of_grey, checkered))
    measurement = TASKS["corruptions"].prepare(given(of_grey, checkered, classifier=classifier))
    metrics, z = measurement(Embedder(of_grey).embed)
    assert z.shape == (60, 8)
    assert metrics["accuracy, balanced"].value == 1
    assert metrics["accuracy, balanced; blur of 2 px"].value < 0.7
    assert metrics["AUC; JPEG 90"].value > 0.95
    for corruption in CORRUPTIONS:
        for name in ("accuracy, balanced", "AUC"):
            found = metrics[f"{name}; {corruption}"]
            assert found.name == f"{name}; {corruption}"
            assert found.low < found.high
    assert not any(name.startswith("macro-F1;") for name in metrics)
    assert "macro-F1" in metrics
    assert any("at the size that the encoder takes" in note for note in measurement.notes)


def test_it_is_taken_by_its_name_alone_and_of_pictures_alone(
    given: Callable[..., Given], of_grey: Encoder, of_rows: Encoder, rows: Any, checkered: Images
) -> None:
    classifier = OfClassifier(heads_on(of_grey, checkered))
    task = TASKS["corruptions"]
    assert not task.fits(given(of_grey, checkered, classifier=classifier))
    assert task.possible(given(of_grey, checkered, classifier=classifier))
    assert not task.possible(given(of_rows, rows, classifier=classifier))
    assert not task.possible(given(of_grey, checkered))
    four = Images(np.zeros((4, 4, 16, 16), np.uint8), np.arange(4) % 2, class_names=("plain", "board"))
    encoder = build("no_down_conv", channels=4, image_size=16, seed=0, widths=[8, 8, 8, 8])
    with pytest.raises(DataError, match=r"hold 1 or 3 channels.*--task classification"):
        task.prepare(given(encoder, four, classifier=classifier))


def test_a_corruption_does_what_it_says_and_keeps_the_rest(checkered: Images) -> None:
    wavy = checkered.with_classes("other", np.arange(60) % 3, ("a", "b", "c"))
    for corruption in CORRUPTIONS:
        found = corrupted(wavy, corruption)
        assert found.pixels.shape == wavy.pixels.shape
        assert (found.labels == wavy.labels).all()  # type: ignore[union-attr]
        assert found.names_of == wavy.names_of
        assert found.identifiers == wavy.identifiers
        assert (found.pixels != wavy.pixels).any()
    change = [np.abs(corrupted(wavy, one).pixels.astype(int) - wavy.pixels).mean() for one in CORRUPTIONS]
    by_way = {
        way: [c for one, c in zip(CORRUPTIONS, change, strict=True) if one.way == way] for way in ("jpeg", "blur")
    }
    assert by_way["jpeg"] == sorted(by_way["jpeg"])
    assert by_way["blur"] == sorted(by_way["blur"])
    flat = Images(np.full((2, 3, 12, 12), 100, np.uint8))
    for way, level in (("resize", 0.5), ("blur", 1.5)):
        assert (corrupted(flat, Corruption(way, level)).pixels == 100).all()  # type: ignore[arg-type]
    for way, level, words in (("resize", 1.0, "below 1"), ("blur", 0, "above 0"), ("sharpen", 1, "Known: jpeg")):
        with pytest.raises(ArgumentError, match=words):
            corrupted(flat, Corruption(way, level))  # type: ignore[arg-type]
