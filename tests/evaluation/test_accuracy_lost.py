"""Accuracy that is gone, beside noise: closed forms."""

from __future__ import annotations

import numpy as np
import pytest

from contrapose.errors import ArgumentError
from contrapose.evaluation import accuracy_lost

RIGHT = np.array([1.0, 1.0, 1.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.0])


def test_what_is_gone_and_what_of_that_is_not_noise() -> None:
    changed, noisy = RIGHT.copy(), RIGHT.copy()
    changed[:4] = 0  # three that were right
    noisy[0] = 0
    lost = accuracy_lost(RIGHT, changed, [noisy, RIGHT])
    assert (lost.clean, lost.changed, lost.count) == (0.8, 0.5, 10)
    assert lost.noise == pytest.approx(0.75)
    assert lost.over_noise.value == pytest.approx(0.25)
    assert lost.drop.value == pytest.approx(0.3)
    assert lost.drop.low < 0.3 < lost.drop.high


def test_nothing_changed_is_nothing_lost() -> None:
    lost = accuracy_lost(RIGHT, RIGHT, [RIGHT] * 5)
    assert lost.drop.value == lost.over_noise.value == 0
    assert lost.noise == lost.clean == lost.changed


def test_bad_input() -> None:
    with pytest.raises(ArgumentError, match="give a draw of it"):
        accuracy_lost(RIGHT, RIGHT, [])
    with pytest.raises(ArgumentError, match="same items"):
        accuracy_lost(RIGHT, RIGHT[:5], [RIGHT])
