"""Accuracy in which every class weighs the same."""

from __future__ import annotations

import numpy as np
import pytest

from contrapose.errors import ArgumentError
from contrapose.evaluation import Metric, balanced_accuracy, unequal_classes


def accuracy(right: np.ndarray) -> Metric:
    return Metric.from_items("kNN", right, protocol="k = 20")


def test_always_the_largest_class_is_chance() -> None:
    labels = np.repeat(["healthy", "ill"], [95, 5])
    found = balanced_accuracy(accuracy(labels == "healthy"), labels)
    assert found.name == "kNN, balanced"
    assert found.value == 0.5
    assert 0.3 < found.low < 0.5 < found.high < 0.9
    assert "2 classes, chance 50.0 %" in found.protocol
    assert found.items.mean() == pytest.approx(found.value)


def test_equal_classes_leave_the_accuracy_as_it_is() -> None:
    right, labels = np.random.default_rng(0).random(90) < 0.8, np.arange(90) % 3
    assert balanced_accuracy(accuracy(right), labels).value == pytest.approx(right.mean())


def test_a_perfect_score_has_a_width() -> None:
    found = balanced_accuracy(accuracy(np.ones(40)), np.repeat([0, 1], [38, 2]))
    assert found.value == found.high == 1
    assert 0.5 < found.low < 0.9  # two rows of a class say little of it


def test_which_classes_are_unequal() -> None:
    assert unequal_classes(np.repeat([0, 1], [55, 45]))
    assert not unequal_classes(np.repeat([0, 1], [51, 49]))
    assert not unequal_classes(np.repeat([0, 1, 2], [4, 3, 3]))  # one row more is not a larger class
    assert not unequal_classes(np.repeat([0, 1], [10, 10]))


def test_what_has_no_answer_for_each_row_is_refused() -> None:
    with pytest.raises(ArgumentError, match="no right or wrong answer"):
        balanced_accuracy(Metric("NMI", 0.5, 0.4, 0.6, "", 10), np.zeros(10, int))
