"""Scores set right on a handful of another domain: a rising map, scikit-learn's where that has one, and refusals."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from contrapose.errors import ArgumentError
from contrapose.evaluation import area_under_curve, fitting_domain


def some(count: int, *, weight: float = 1.0, bias: float = 0.0, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Scores s whose labels have the log-odds weight · s + bias."""
    generator = torch.Generator().manual_seed(seed)
    scores = 2 * torch.randn(count, generator=generator, dtype=torch.float64)
    labels = torch.rand(count, generator=generator, dtype=torch.float64) < (weight * scores + bias).sigmoid()
    return scores, labels


def test_log_odds_stay_as_they_are_and_others_become_such() -> None:
    found = fitting_domain(*some(10_000))
    assert found.weight == pytest.approx(1, abs=0.2)
    assert found.bias == pytest.approx(0, abs=0.2)
    found = fitting_domain(*some(10_000, weight=0.5, bias=2))
    assert found.weight == pytest.approx(0.5, abs=0.1)
    assert found.bias == pytest.approx(2, abs=0.2)


@pytest.mark.parametrize("seed", range(4))
def test_it_is_the_regression_of_scikit_learn_without_a_penalty(seed: int) -> None:
    scores, labels = some(80, weight=0.7, bias=-1, seed=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = fitting_domain(scores, labels)
    model = LogisticRegression(C=1e10, tol=1e-10, max_iter=1000).fit(scores[:, None], labels)
    assert (found.weight, found.bias) == pytest.approx((model.coef_[0, 0], model.intercept_[0]), rel=1e-4)
    assert not found.separated
    far = fitting_domain(1e4 * scores + 1e5, labels)  # whatever the scale of the scores
    assert far.weight == pytest.approx(found.weight / 1e4, rel=1e-6)


def test_the_map_rises_and_leaves_the_area_as_it_is() -> None:
    scores, labels = some(60, seed=3)
    others, truths = some(2_000, seed=4)
    calibrated = fitting_domain(scores - 5, labels)(others - 5)
    assert bool((calibrated[others.argsort()].diff() > 0).all())
    before, after = (area_under_curve(each.numpy(), truths.numpy()).value for each in (others, calibrated))
    assert abs(before - after) <= 1e-12
    right = ((calibrated > 0) == truths).double().mean()
    assert float(right) > float(((others - 5 > 0) == truths).double().mean()) + 0.1


def test_classes_that_do_not_overlap_give_a_finite_slope_and_a_warning() -> None:
    for scores in (torch.tensor([-3.0, -2.0, 5.0, 6.0]), torch.tensor([-3.0, 2.0, 2.0, 6.0])):
        with pytest.warns(UserWarning, match="told apart without an error"):
            found = fitting_domain(scores, torch.tensor([False, False, True, True]))
        assert found.separated
        assert 0 < found.weight < 10
    p = found(torch.tensor([-3.0, 6.0])).sigmoid()
    assert 0 < float(p[0]) < 0.5 < float(p[1]) < 1


@pytest.mark.parametrize(
    ("scores", "labels", "words"),
    [
        ([1.0, 2.0, 3.0], [True, True, True], "of both classes"),
        ([1.0, 1.0], [False, True], "all equal"),
        ([2.0, 1.0, 3.0, 0.5], [False, True, False, True], "right way round"),
        ([1.0, np.inf], [False, True], "one finite score a label"),
        ([1.0, 2.0], [False, True, True], "2 scores of 3 labels"),
    ],
)
def test_what_says_nothing_is_refused(scores: list[float], labels: list[bool], words: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(ArgumentError, match=words):
            fitting_domain(np.asarray(scores), np.asarray(labels))
