"""Fooling rate and relative decline: closed forms."""

from __future__ import annotations

import math

import pytest

from contrapose.errors import ArgumentError
from contrapose.evaluation.led_astray import fooling_rate, relative_decline


def test_closed_forms() -> None:
    assert fooling_rate(["a", "b", "c", "d"], ["a", "x", "c", "y"]) == 0.5
    assert fooling_rate([1, 2], [1, 2]) == 0
    assert relative_decline(0.8, 0.2) == pytest.approx(75)
    assert relative_decline(0.5, 0.6) == pytest.approx(-20)
    assert math.isnan(relative_decline(0, 0))


def test_bad_input() -> None:
    for before, after in (([1], [1, 2]), ([], []), ([[1]], [[1]])):
        with pytest.raises(ArgumentError, match="before and after"):
            fooling_rate(before, after)
