from __future__ import annotations

import numpy as np
import pytest
import torch

from contrapose.errors import ArgumentError
from contrapose.evaluation import few_label, paired_difference


def _blobs(generator: torch.Generator, noise: float, count: int = 60) -> tuple[torch.Tensor, np.ndarray]:
    labels = np.arange(count) % 3
    return torch.eye(3, 6)[labels] + noise * torch.randn(count, 6, generator=generator), labels


def test_separated_classes_need_one_label(generator) -> None:
    found = few_label(*_blobs(generator, 0.01), *_blobs(generator, 0.01), draws=3)
    assert list(found) == [1, 5, 10]
    assert all(result.metric.value == 1 for result in found.values())
    assert "5 labelled rows a class" in found[5].metric.protocol


def test_more_labels_help_and_the_draws_are_the_items(generator) -> None:
    found = few_label(*_blobs(generator, 0.7, 90), *_blobs(generator, 0.7, 300), draws=8)
    assert found[1].metric.value < found[10].metric.value
    assert found[1].metric.value == pytest.approx(found[1].per_draw.mean())
    assert found[1].per_draw.std() > 0
    assert found[1].metric.count == 8


def test_constant_features_score_chance(generator) -> None:
    z, labels = _blobs(generator, 0.0)
    found = few_label(0 * z + 1, labels, 0 * z + 1, labels, shots=(2,), draws=2)
    assert found[2].metric.value == pytest.approx(1 / 3)


def test_every_arm_gets_the_same_rows_and_more_shots_keep_them(monkeypatch: pytest.MonkeyPatch, generator) -> None:
    import sys

    module, seen = sys.modules["contrapose.evaluation.few_label"], []
    answers = module._answers

    def noted(rows, classes, queries, chosen):
        seen.append(chosen.reshape(-1).tolist())
        return answers(rows, classes, queries, chosen)

    monkeypatch.setattr(module, "_answers", noted)
    z, labels = _blobs(generator, 0.7)
    first = few_label(z, labels, z, labels, shots=(1, 4), draws=2)
    second = few_label(z[:, :4].double(), labels, z[:, :4], labels, shots=(1, 4), draws=2)
    assert seen[:4] == seen[4:]  # draws 1 and 2 with one shot, then with four
    assert set(seen[0]) < set(seen[2])
    assert seen[0] != seen[1]
    assert sorted(labels[seen[2]]) == [0] * 4 + [1] * 4 + [2] * 4
    assert paired_difference(first[1].per_draw, second[1].per_draw).low > -1
    few_label(z, labels, z, labels, shots=(1,), draws=2, seed=1)
    assert seen[8] != seen[0]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"shots": (3,)}, "Class b has 2 training rows, fewer than the 3 shots"),
        ({"shots": ()}, "one number of shots"),
        ({"shots": (0,)}, "shots must be a whole number of at least 1"),
        ({"draws": 1}, "2 draws at least"),
        ({"train_labels": ["a"] * 5}, "one class only"),
    ],
)
def test_bad_input_is_named(change, words: str) -> None:
    good = {"train": np.eye(5), "train_labels": list("aabab"), "test": np.eye(5), "test_labels": list("aabab")}
    with pytest.raises(ArgumentError, match=words):
        few_label(**{**good, "shots": (1,), "draws": 2, **change})
