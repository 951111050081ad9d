from __future__ import annotations

import sys

import numpy as np
import pytest
import torch

from contrapose.errors import ArgumentError
from contrapose.evaluation import (
    alignment,
    cosines,
    diagnose,
    effective_rank,
    lidar,
    spread,
    tolerance,
    uniformity,
)

ALONE = {
    "spread", "effective rank", "participation ratio", "stable rank", "alpha", "negligible singular values",
    "complete collapse", "dimensional collapse", "uniformity", "mean cosine", "sd of cosines", "anisotropy", "norm",
    "norm variation",
}  # fmt: skip


def test_what_was_not_given_is_absent_and_what_was_is_the_function_of_its_name(generator) -> None:
    z = torch.randn(120, 32, generator=generator)
    labels, views = np.arange(120) % 4, torch.randn(3, 50, 32, generator=generator)
    alone, full = diagnose(z), diagnose(z, views, labels)
    assert set(alone.values) == ALONE
    assert set(full.values) == ALONE | {"alignment", "uniformity of views", "LiDAR", "tolerance", "kNN accuracy"}
    assert full.values.keys() == full.settings.keys()
    assert all(type(value) is float for value in full.values.values())
    assert full.values["spread"] == spread(z)
    assert full.values["effective rank"] == pytest.approx(effective_rank(z))
    assert full.values["uniformity"] == pytest.approx(uniformity(z))
    assert full.values["mean cosine"] == pytest.approx(cosines(z).mean)
    assert full.values["alignment"] == pytest.approx(alignment(views).value)
    assert full.values["uniformity of views"] == pytest.approx(np.mean([uniformity(view) for view in views]))
    assert full.values["LiDAR"] == pytest.approx(lidar(views))
    assert full.values["tolerance"] == pytest.approx(tolerance(z, labels))
    assert "alpha" not in diagnose(z[:, :10]).values


def test_the_text_says_how_each_number_came_about(generator) -> None:
    text = diagnose(torch.randn(120, 32, generator=generator), seed=3).text()
    assert text.splitlines()[0] == "diagnosis of 120 embeddings of 32 dimensions, seed 3"
    assert "scale 2, unit rows, 120 rows; even spread -3.752" in text
    assert "no sign of collapse" in text
    assert "they do not foretell accuracy" in text
    assert "kNN" not in text


def test_collapse_is_found(generator) -> None:
    noise = torch.randn(200, 32, generator=generator)
    complete = diagnose(torch.ones(32) + 1e-6 * noise)
    assert complete.values["complete collapse"] == 1
    assert "! complete collapse" in complete.text()
    dimensional = diagnose(noise[:, :2] @ torch.randn(2, 32, generator=generator))
    assert (dimensional.values["complete collapse"], dimensional.values["dimensional collapse"]) == (0, 1)
    assert "! dimensional collapse" in dimensional.text()


def test_large_banks_are_sampled_for_the_pairs_only(generator, monkeypatch: pytest.MonkeyPatch) -> None:
    z = torch.randn(3000, 8, generator=generator)
    labels = (z[:, 0] > 0).numpy()
    whole = diagnose(z, labels=labels)
    monkeypatch.setattr(sys.modules["contrapose.evaluation.diagnose"], "MOST_ROWS", 1000)
    sampled = diagnose(z, labels=labels)
    assert "1,000 rows" in sampled.settings["uniformity"]
    assert sampled.values["uniformity"] != whole.values["uniformity"]
    assert sampled.values["uniformity"] == pytest.approx(whole.values["uniformity"], abs=0.03)
    assert "bank of 500" in sampled.settings["kNN accuracy"]
    assert sampled.values["effective rank"] == whole.values["effective rank"]
    assert sampled.values["tolerance"] == whole.values["tolerance"]
    assert diagnose(z, labels=labels) == sampled
    assert diagnose(z, labels=labels, seed=1).values["uniformity"] != sampled.values["uniformity"]


def test_digits_are_read_off_pixels_better_than_off_two_of_them() -> None:
    from sklearn.datasets import load_digits

    pixels, labels = load_digits(return_X_y=True)
    random = np.random.default_rng(0).normal(size=(64, 2))
    full, few = diagnose(pixels, labels=labels), diagnose(pixels @ random, labels=labels)
    assert full.values["kNN accuracy"] > 0.95 > 0.5 > few.values["kNN accuracy"]
    assert full.values["tolerance"] > full.values["mean cosine"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"embeddings": np.ones((1, 3))}, "at least 2 row"),
        ({"embeddings": np.full((4, 3), np.inf)}, "embeddings: 4 of 4 rows hold NaN or infinity"),
        ({"embeddings": np.zeros((4, 3))}, "4 of 4 rows are all zeros"),
        ({"views": np.ones((2, 4, 5))}, "got 5 and 3 dimensions"),
        ({"views": np.ones((1, 4, 3))}, r"views must hold at least 2|no scatter within"),
        ({"labels": [0, 1]}, "labels must hold one label for each of the 4 rows"),
    ],
)
def test_bad_input_is_named(change, words: str) -> None:
    good = {"embeddings": np.random.default_rng(0).normal(size=(4, 3))}
    with pytest.raises(ArgumentError, match=words):
        diagnose(**{**good, **change})
