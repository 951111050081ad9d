"""Mean intersection over union, against a count pixel by pixel."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from contrapose.errors import ArgumentError
from contrapose.evaluation import mean_iou, metric_difference

CLASSES = ("sky", "road", "car")


def some_maps(count: int = 12, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Answers that are right at two of three pixels, and a truth with void."""
    random = np.random.default_rng(seed)
    truth = random.integers(-1, 3, (count, 4, 5))
    answers = np.where(random.random(truth.shape) < 0.67, truth, random.integers(0, 3, truth.shape))
    return np.where(answers < 0, 0, answers), truth


def test_it_is_what_counting_gives() -> None:
    answers, truth = some_maps()
    found = mean_iou(answers, truth, classes=CLASSES, each=True)
    ious = []
    for k, name in enumerate(CLASSES):
        hits = sum(a == k == t for a, t in zip(answers.flat, truth.flat, strict=True))
        union = sum(t >= 0 and k in (a, t) for a, t in zip(answers.flat, truth.flat, strict=True))
        ious.append(hits / union)
        assert found[f"IoU of {name}"].value == pytest.approx(hits / union)
    assert found["mIoU"].value == pytest.approx(np.mean(ious))
    right = (answers == truth)[truth >= 0].mean()
    assert found["pixel accuracy"].value == pytest.approx(right)
    for metric in found.values():
        assert metric.low < metric.value < metric.high
        assert metric.count == 12


def test_right_answers_are_one_and_one_class_is_its_share() -> None:
    truth = np.zeros((4, 2, 5), dtype=int)
    truth[:, :, 4] = 1  # a fifth
    assert mean_iou(truth, truth, classes=CLASSES)["mIoU"].value == 1
    always = mean_iou(np.zeros_like(truth), truth, classes=CLASSES)  # the third class does not occur
    assert always["mIoU"].value == pytest.approx(0.8 / 2)


def test_void_is_not_asked() -> None:
    answers, truth = some_maps()
    before = mean_iou(answers, truth, classes=CLASSES)["mIoU"]
    answers[truth < 0] = 2
    assert mean_iou(answers, truth, classes=CLASSES)["mIoU"] == before


def test_two_arms_are_paired_by_pictures() -> None:
    answers, truth = some_maps()
    first = mean_iou(answers, truth, classes=CLASSES, generator=torch.Generator().manual_seed(3))["mIoU"]
    other = mean_iou(np.where(truth >= 0, truth, 0), truth, classes=CLASSES, generator=torch.Generator().manual_seed(3))
    gap = metric_difference(other["mIoU"], first)
    assert gap is not None
    assert 0 < gap.low < gap.value == pytest.approx(1 - first.value)
    same = metric_difference(first, first)
    assert same is not None
    assert (same.low, same.high) == (0, 0)


def test_the_interval_widens_with_fewer_pictures() -> None:
    def width(count: int) -> float:
        found = mean_iou(*some_maps(count), classes=CLASSES)["mIoU"]
        return found.high - found.low

    assert width(6) > 1.4 * width(60)


def test_what_cannot_be_scored_is_refused() -> None:
    answers, truth = some_maps()
    for bad, words in (
        ((answers[:1], truth[:1]), "two pictures or more"),
        ((answers[:, :2], truth), "predicted and truth are maps"),
        ((answers, truth + 1), "a map holds 3"),
        ((answers + 1, truth), "a map holds 3"),
        ((answers - 1, truth), "a map holds -1"),
        ((answers, np.full_like(truth, -1)), "not all void"),
    ):
        with pytest.raises(ArgumentError, match=words):
            mean_iou(*bad, classes=CLASSES)
