"""The area under the ROC curve: scikit-learn's number, an interval that covers, and items that can be paired."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from contrapose.errors import ArgumentError
from contrapose.evaluation import area_under_curve, metric_difference


def draws(random: np.random.Generator, positives: int, negatives: int, apart: float) -> tuple[np.ndarray, np.ndarray]:
    scores = random.standard_normal(positives + negatives)
    positive = np.arange(len(scores)) < positives
    return scores + apart * positive, positive


def test_it_is_the_usual_area_and_the_mean_of_its_items() -> None:
    scores, positive = draws(np.random.default_rng(0), 30, 50, 1.0)
    scores = scores.round(1)  # with ties
    found = area_under_curve(scores, positive)
    assert found.value == pytest.approx(roc_auc_score(positive, scores))
    assert found.items is not None
    assert found.items.mean() == pytest.approx(found.value)
    assert found.low < found.value < found.high


def test_perfect_and_blind_scores() -> None:
    perfect = area_under_curve(np.arange(20.0), np.arange(20) >= 10)
    assert perfect.value == perfect.high == 1
    assert 0.75 < perfect.low < 0.95
    blind = area_under_curve(np.zeros(20), np.arange(20) >= 10)
    assert blind.value == 0.5
    assert blind.low < 0.3


def test_the_interval_holds_the_true_area_about_as_often_as_it_says() -> None:
    random, truth = np.random.default_rng(1), 0.760250  # Phi(1 / sqrt 2)
    found = [area_under_curve(*draws(random, 25, 40, 1.0)) for _ in range(400)]
    held = np.mean([one.low <= truth <= one.high for one in found])
    assert 0.92 < held < 0.99


def test_two_arms_are_paired_by_their_items() -> None:
    random = np.random.default_rng(2)
    scores, positive = draws(random, 100, 100, 1.0)
    better, worse = (area_under_curve(scores + noise * random.standard_normal(200), positive) for noise in (0.1, 2.0))
    difference = metric_difference(better, worse)
    assert difference is not None
    assert difference.value == pytest.approx(better.value - worse.value)
    assert difference.low > 0


@pytest.mark.parametrize(
    ("scores", "positive"),
    [([1.0, 2.0], [True, True]), ([1.0], [True, False]), ([np.nan, 1.0], [True, False])],
)
def test_what_has_no_area_is_refused(scores: list[float], positive: list[bool]) -> None:
    with pytest.raises(ArgumentError):
        area_under_curve(np.asarray(scores), np.asarray(positive))
