"""MAE, RMSE and R2 of answers, and differences between two sets of answers."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

from contrapose.errors import ArgumentError
from contrapose.evaluation import Metric, metric_difference, regression_scores, similarity_scores


@pytest.fixture
def truth() -> np.ndarray:
    return np.random.default_rng(0).normal(50, 10, size=80)


def test_right_answers_and_the_mean_have_their_closed_forms(truth: np.ndarray) -> None:
    right = regression_scores(truth, truth)
    assert [right[name].value for name in ("MAE", "RMSE", "R2")] == [0, 0, 1]
    assert (right["R2"].low, right["R2"].high) == (1, 1)
    mean = regression_scores(np.full(80, truth.mean()), truth)["R2"]
    assert mean.value == pytest.approx(0, abs=1e-12)
    assert mean.high <= 1e-12, "within a resample, a fixed answer never beats that resample's mean"
    assert regression_scores(np.full(80, truth.mean() + 5), truth)["R2"].value < -0.1


def test_values_are_those_of_scikit_learn_and_lie_in_their_intervals(truth: np.ndarray) -> None:
    answers = truth + np.random.default_rng(1).normal(0, 4, size=80)
    found = regression_scores(answers, truth, protocol="by hand")
    wanted = {
        "MAE": mean_absolute_error(truth, answers),
        "RMSE": root_mean_squared_error(truth, answers),
        "R2": r2_score(truth, answers),
    }
    assert {name: metric.value for name, metric in found.items()} == pytest.approx(wanted)
    assert all(metric.low < metric.value < metric.high for metric in found.values())
    assert {name: metric.sign for name, metric in found.items()} == {"MAE": -1, "RMSE": -1, "R2": 1}
    assert "by hand" in found["MAE"].protocol
    assert Metric(**found["RMSE"].to_dict()) == found["RMSE"]


def test_intervals_cover_as_often_as_they_say() -> None:
    random = np.random.default_rng(0)
    covered = 0
    for _ in range(100):
        truth = random.normal(size=60)
        found = regression_scores(truth + random.normal(0, 0.5, size=60), truth)["RMSE"]
        covered += found.low <= 0.5 <= found.high
    assert 86 <= covered <= 99


@pytest.mark.parametrize(
    ("answers", "targets", "said"),
    [
        ([1.0, 2], [3.0, 3], "all 3"),
        ([1.0], [3.0], "1 row"),
        ([1.0, np.nan], [3.0, 4], "predicted: 1 of 2"),
        ([1.0, 2, 3], [3.0, 4], "predicted must hold one number"),
        ([1.0, 2], [3.0, np.inf], "targets: 1 of 2"),
    ],
)
def test_what_cannot_be_judged_is_one_sentence(answers: list[float], targets: list[float], said: str) -> None:
    with pytest.raises(ArgumentError, match=said):
        regression_scores(answers, targets)


def test_draws_of_two_arms_are_paired(truth: np.ndarray) -> None:
    noise = np.random.default_rng(2).normal(0, 4, size=80)
    one, other = (regression_scores(truth + scale * noise, truth) for scale in (1.0, 1.1))
    for name in ("MAE", "RMSE", "R2"):
        gap = metric_difference(other[name], one[name])
        assert gap is not None
        assert gap.value == pytest.approx(other[name].value - one[name].value)
        assert gap.high - gap.low < 0.5 * (one[name].high - one[name].low), "hard rows are hard for both"
        same = metric_difference(one[name], one[name])
        assert same == (0, 0, 0)
    assert metric_difference(other["RMSE"], one["RMSE"]).low > 0
    assert metric_difference(other["R2"], one["R2"]).high < 0


def test_numbers_without_draws_or_of_other_rows_are_not_paired(truth: np.ndarray) -> None:
    one, fewer = regression_scores(truth + 1, truth)["RMSE"], regression_scores(truth[1:] + 1, truth[1:])["RMSE"]
    assert metric_difference(one, fewer) is None
    assert metric_difference(one, Metric(**one.to_dict())) is None


def test_correlations_of_two_encoders_are_paired() -> None:
    random = np.random.default_rng(0)
    gold, first = random.random(200), random.normal(size=(200, 4))
    near = first + np.square(1 - gold)[:, None] * random.normal(size=(200, 4))
    good = similarity_scores(first, near, gold)
    poor = similarity_scores(first, near + random.normal(size=(200, 4)), gold)
    gap = metric_difference(good, poor)
    assert gap is not None
    assert 0 < gap.low < gap.value < gap.high
    generator = torch.Generator().manual_seed(0)
    assert metric_difference(good, similarity_scores(first, near, gold, generator=generator)) == (0, 0, 0)


def test_pearson_is_that_of_the_numbers() -> None:
    random = np.random.default_rng(0)
    first, second, gold = random.normal(size=(50, 3)), random.normal(size=(50, 3)), random.random(50)
    cosine = (first * second).sum(1) / np.linalg.norm(first, axis=1) / np.linalg.norm(second, axis=1)
    found = similarity_scores(first, second, gold + cosine, correlation="pearson")
    assert found.value == pytest.approx(np.corrcoef(cosine, gold + cosine)[0, 1])
    assert found.low < found.value < found.high
    assert found.protocol.startswith("Pearson")
