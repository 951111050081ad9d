"""A classifier of pictures in memory: what it answers, and of what."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from contrapose import load_classifier
from contrapose.classifier import Classifier
from contrapose.encoders import build
from contrapose.encoders.classifier_folder import TrainedHeads, save_classifier
from contrapose.encoders.heads import Heads, Question
from contrapose.errors import RunError


def made() -> Classifier:
    encoder = build("small_conv", channels=3, image_size=16, seed=0, widths=[4, 8])
    heads = Heads(encoder.dimension, [2])
    heads.biases[0].data[1] = 1.0  # always the second, with a probability of 0.73
    return Classifier(encoder, TrainedHeads(heads, (Question("cell", ("red", "white"), (3, 4)),)))


def test_it_answers_each_picture_in_order_and_comes_back_from_disk(tmp_path: Path) -> None:
    pictures = np.random.default_rng(0).integers(0, 256, (5, 16, 16, 3), dtype=np.uint8)
    classifier = made()
    assert classifier.predict(pictures).tolist() == ["white"] * 5
    p = classifier.predict_proba(pictures)
    assert p == pytest.approx(np.tile([1 / (1 + np.e), np.e / (1 + np.e)], (5, 1)))
    assert classifier.embed(pictures).shape == (5, classifier.dimension)
    save_classifier(classifier.encoder, classifier.trained.heads, classifier.questions, tmp_path / "share")
    assert load_classifier(tmp_path / "share").predict_proba(pictures) == pytest.approx(p)


def test_where_there_is_none_it_says_how_to_train_one(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"holds no classifier\. Train one on it: contrapose train classifier --base"):
        load_classifier(tmp_path)
