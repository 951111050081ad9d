"""Accuracy, balanced accuracy and macro-F1 of given answers: closed forms, and scikit-learn's number."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import f1_score

from contrapose.errors import ArgumentError
from contrapose.evaluation import class_scores, gain_over
from contrapose.evaluation.paired import metric_difference

TRUTHS = np.random.default_rng(0).choice(["a", "b", "c"], 90, p=[0.6, 0.3, 0.1])
ANSWERS = np.where(np.random.default_rng(1).random(90) < 0.7, TRUTHS, "b")


def test_they_are_those_of_scikit_learn() -> None:
    found = class_scores(ANSWERS, TRUTHS)
    assert list(found) == ["accuracy", "accuracy, balanced", "macro-F1"]
    assert found["macro-F1"].value == pytest.approx(f1_score(TRUTHS, ANSWERS, average="macro"))
    assert found["accuracy"].value == pytest.approx((ANSWERS == TRUTHS).mean())
    for metric in found.values():
        assert metric.low < metric.value < metric.high


def test_always_one_of_equal_classes_is_chance() -> None:
    found = class_scores(["a"] * 30, ["a", "b", "c"] * 10)
    assert found["accuracy"].value == pytest.approx(1 / 3)
    assert found["macro-F1"].value == pytest.approx(2 / (3 * 4))


def test_an_answer_that_is_no_class_is_wrong() -> None:
    assert class_scores(["x", "b", "a", "b"], ["a", "b", "a", "b"])["macro-F1"].value == pytest.approx((2 / 3 + 1) / 2)


def test_arms_are_paired_and_judged() -> None:
    one, two = class_scores(TRUTHS, TRUTHS), class_scores(["a"] * 90, TRUTHS)
    apart = metric_difference(one["macro-F1"], two["macro-F1"])
    assert apart is not None
    assert apart.low > 0
    gain = gain_over(one, {"untrained": two})
    assert gain is not None
    assert gain.kind == "gained"
    several = {name.replace("accuracy", "accuracy of topic"): metric for name, metric in one.items()}
    floors = {name.replace("accuracy", "accuracy of topic"): metric for name, metric in two.items()}
    gain = gain_over(several, {"untrained": floors})
    assert gain is not None
    assert "accuracy of topic, balanced" in gain.sentence


def test_one_class_tells_nothing() -> None:
    with pytest.raises(ArgumentError, match="give rows of two"):
        class_scores(["a", "b"], ["a", "a"])
