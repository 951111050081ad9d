"""Inverse-propensity weights: the direction of the correction, its limits, and shares of 1."""

from __future__ import annotations

import numpy as np
import pytest

from contrapose.errors import ArgumentError
from contrapose.views.texts.propensity import effective_size, inverse_propensity, softmax

PREFERRED, PROPENSITY = np.array([0.1, 0.2, 0.7]), np.array([0.5, 0.3, 0.2])
UNIFORM = np.full(3, 1 / 3)


def test_what_comes_up_often_is_drawn_less_often() -> None:
    assert inverse_propensity(PREFERRED, UNIFORM) == pytest.approx(PREFERRED)
    inverse = 1 / PROPENSITY
    assert inverse_propensity(UNIFORM, PROPENSITY) == pytest.approx(inverse / inverse.sum())
    assert inverse_propensity(PREFERRED, PROPENSITY, least=1.0) == pytest.approx(PREFERRED)


def test_a_tiny_propensity_is_cut_off_before_it_is_divided_by() -> None:
    weights = inverse_propensity(UNIFORM, np.array([1e-9, 0.4, 0.6]), least=0.1)
    assert weights == pytest.approx(np.array([10, 2.5, 1 / 0.6]) / (10 + 2.5 + 1 / 0.6))


def test_scores_become_shares() -> None:
    assert softmax(np.array([1.0, 0.0]), 1e12) == pytest.approx([0.5, 0.5])
    assert softmax(np.array([1.0, 0.0]), 1e-12) == pytest.approx([1.0, 0.0])
    assert softmax(np.array([2.0, 1.0]), 0.5)[0] == pytest.approx(1 / (1 + np.exp(-2)))


def test_weights_are_shares_of_one_and_count_as_one_to_all() -> None:
    random = np.random.default_rng(0)
    drawn = [softmax(random.normal(size=(50, 7)), temperature) for temperature in (0.1, 1.0)]
    weights = inverse_propensity(*drawn, least=1e-3)
    assert weights.sum(axis=1) == pytest.approx(np.ones(50))
    assert weights.min() >= 0
    sizes = effective_size(weights)
    assert sizes.min() >= 1
    assert sizes.max() <= 7
    assert effective_size(UNIFORM) == pytest.approx(3)


def test_nothing_is_divided_by_nothing() -> None:
    with pytest.raises(ArgumentError, match="temperature must be above 0"):
        softmax(PREFERRED, 0.0)
    with pytest.raises(ArgumentError, match="least must be above 0"):
        inverse_propensity(PREFERRED, PROPENSITY, least=0.0)
