"""The share of pairs told apart, its interval, and what it leaves for pairing."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from contrapose.errors import ArgumentError
from contrapose.evaluation import roc_auc, told_apart


def test_it_is_the_area_under_the_curve_and_the_mean_of_its_items() -> None:
    random = np.random.default_rng(0)
    inside, outside = random.normal(size=80).round(1) + 0.8, random.normal(size=50).round(1)  # with ties
    found = told_apart(inside, outside)
    both = torch.from_numpy(np.concatenate([inside, outside]))
    assert found.value == pytest.approx(float(roc_auc(both, torch.arange(130) < 80)))
    assert found.items is not None
    assert found.items.mean() == pytest.approx(found.value)
    assert found.low < found.value < found.high
    assert found.count == 80


def test_chance_and_certainty() -> None:
    assert told_apart(np.ones(9), np.ones(7)).value == 0.5
    sure = told_apart(np.arange(5) + 10.0, np.arange(6.0))
    assert (sure.value, sure.high) == (1.0, 1.0)


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    random, truth = np.random.default_rng(1), 0.7602499389065233  # Phi(1 / sqrt 2) of normal scores, one apart
    held = 0
    for _ in range(300):
        found = told_apart(random.normal(size=60) + 1, random.normal(size=40))
        held += found.low <= truth <= found.high
    assert 0.90 < held / 300 < 0.99


def test_too_few_are_refused() -> None:
    with pytest.raises(ArgumentError, match="two samples or more on each side, got 1 and 4"):
        told_apart(np.ones(1), np.ones(4))
    with pytest.raises(ArgumentError):
        told_apart(np.array([1.0, np.nan]), np.ones(4))
