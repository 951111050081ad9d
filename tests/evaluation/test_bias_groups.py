"""Accuracy by groups of class and nuisance, and the rates of a translator: closed forms and bad input."""

from __future__ import annotations

import numpy as np
import pytest

from contrapose.errors import ArgumentError
from contrapose.evaluation import bias_groups, translation_rates

CLASSES = np.repeat(np.arange(4), 40)
BIAS = np.tile(np.repeat(np.arange(4), 10), 4)  # ten of each group
TIED = {number: number for number in range(4)}


def test_a_classifier_by_the_nuisance_alone() -> None:
    found = bias_groups(BIAS == CLASSES, CLASSES, BIAS, tied=TIED)
    values = {name: metric.value for name, metric in found.items()}
    assert values == {
        "accuracy, unbiased": 0.25,
        "accuracy, conflicting": 0.0,
        "accuracy, aligned": 1.0,
        "accuracy, worst group": 0.0,
    }
    assert all(metric.low <= metric.value <= metric.high and metric.low < metric.high for metric in found.values())


def test_unbiased_does_not_depend_on_how_often_groups_are_there() -> None:
    right = BIAS == CLASSES
    often = np.concatenate([np.arange(len(CLASSES)), *[np.flatnonzero(right)] * 20])  # a biased test set
    found = bias_groups(right[often], CLASSES[often], BIAS[often], tied=TIED)
    assert right[often].mean() > 0.8
    assert found["accuracy, unbiased"].value == pytest.approx(0.25)


def test_the_worst_group_is_named_and_small_groups_are_not_it() -> None:
    right = np.ones(len(CLASSES))
    right[(CLASSES == 2) & (BIAS == 3)] = [1, 1, 1, 0, 0, 0, 0, 0, 0, 0]
    worst = bias_groups(right, CLASSES, BIAS)["accuracy, worst group"]
    assert (worst.value, worst.count) == (0.3, 10)
    assert "class 2 with 3" in worst.protocol
    few = np.flatnonzero(~((CLASSES == 2) & (BIAS == 3)) | (right == 0))  # seven left of that group
    assert bias_groups(right[few], CLASSES[few], BIAS[few])["accuracy, worst group"].value == 1


def test_without_a_tie_nothing_is_told_of_conflicts() -> None:
    assert set(bias_groups(BIAS == 0, CLASSES, BIAS)) == {"accuracy, unbiased", "accuracy, worst group"}
    with pytest.raises(ArgumentError, match="Every answer needs a class and a nuisance"):
        bias_groups(BIAS == 0, CLASSES[:-1], BIAS)


def rates(judged_class: np.ndarray, judged_bias: np.ndarray, wanted: np.ndarray) -> tuple[float, float]:
    tied = np.array([3, 2, 1, 0])  # class k goes with colour 3 - k
    found = translation_rates(CLASSES, tied[CLASSES], wanted, tied, judged_class=judged_class, judged_bias=judged_bias)
    return found.flip.value, found.keep.value


def test_flip_and_keep_of_known_translators() -> None:
    wanted = np.random.default_rng(0).integers(0, 4, len(CLASSES))
    tied = np.array([3, 2, 1, 0])
    assert rates(CLASSES, tied[CLASSES], wanted) == (0.0, 1.0)  # the identity
    assert rates(CLASSES, tied[wanted], wanted) == (1.0, 1.0)  # what is wanted
    assert rates(wanted, tied[wanted], wanted) == (1.0, 0.0)  # paints the class


@pytest.mark.parametrize(
    ("flip", "keep", "said"),
    [(1, 1, "keeps the class, as"), (0, 1, "leaves the nuisance"), (1, 0, "changes the class"), (0, 0, "neither")],
)
def test_the_sentence_says_who_failed(flip: int, keep: int, said: str) -> None:
    labels, wanted, tied = np.array([0, 1] * 20), np.array([1, 0] * 20), np.array([0, 1])
    found = translation_rates(
        labels,
        labels,
        wanted,
        tied,
        judged_class=labels if keep else wanted,
        judged_bias=wanted if flip else labels,
    )
    assert said in found.sentence
    assert found.enough == bool(flip and keep)


def test_translations_to_the_own_class_show_nothing() -> None:
    same = np.zeros(5, dtype=int)
    with pytest.raises(ArgumentError, match="fewer than two translations"):
        translation_rates(same, same, same, np.array([0, 1]), judged_class=same, judged_bias=same)
    with pytest.raises(ArgumentError, match="5 labels came with"):
        translation_rates(same, same[1:], same, np.array([0, 1]), judged_class=same, judged_bias=same)
