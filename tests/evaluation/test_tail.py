"""The long tail and few labels: whose F1 counts, closed forms, and the draws of the accuracy probe."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.metrics import f1_score

from contrapose.errors import ArgumentError
from contrapose.evaluation import class_scores, few_label, few_label_f1, rarest_third, tail_score

TRUTHS = np.array(["a"] * 9 + ["b"] * 6 + ["c"] * 6 + ["d"] * 3 + ["e"] * 2 + ["f"])


def answers(seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    return np.where(random.random(len(TRUTHS)) < 0.5, TRUTHS, random.permutation(TRUTHS))


def test_the_rarest_are_those_with_the_fewest_rows() -> None:
    assert rarest_third(TRUTHS).tolist() == ["e", "f"]
    assert rarest_third(["a", "b", "b", "c"]).tolist() == ["a"]  # of equals the first by name
    assert rarest_third(["a", "b"]).tolist() == ["a"]


def test_it_is_the_mean_f1_of_these_over_all_rows() -> None:
    given = answers()
    f1 = f1_score(TRUTHS, given, labels=list("abcdef"), average=None)
    assert tail_score(given, TRUTHS).value == pytest.approx(f1[4:].mean())
    assert tail_score(given, TRUTHS, rarest=np.array(["a", "d"])).value == pytest.approx((f1[0] + f1[3]) / 2)
    every = tail_score(given, TRUTHS, rarest=np.array(list("abcdef")))
    assert every.value == class_scores(given, TRUTHS)["macro-F1"].value
    assert every.draws is not None
    assert tail_score(TRUTHS, TRUTHS).value == 1.0
    assert tail_score(np.full(len(TRUTHS), "a"), TRUTHS).value == 0.0
    found = tail_score(given, TRUTHS)
    assert found.low <= found.value <= found.high
    assert found.name == "macro-F1, rarest third"


def test_slips_are_told() -> None:
    with pytest.raises(ArgumentError, match=r"2 rows of 1 class\(es\) have no tail"):
        tail_score(["a", "b"], ["a", "a"])
    with pytest.raises(ArgumentError, match="None of the rarest classes is among the truths"):
        tail_score(["a", "b"], ["a", "b"], rarest=np.array(["z"]))


def test_a_probe_of_few_labels_asks_every_class_alike() -> None:
    generator = torch.Generator().manual_seed(0)
    labels = np.repeat(np.arange(6), [30, 20, 12, 10, 8, 6])
    rows = torch.nn.functional.one_hot(torch.from_numpy(labels), 6) + 0.6 * torch.randn(86, 6, generator=generator)
    found = few_label_f1(rows, labels, rows, labels, shots=4, draws=3, seed=1)
    assert list(found) == ["macro-F1, 4 a class", "macro-F1, 4 a class, rarest third"]
    accuracy = few_label(rows, labels, rows, labels, shots=(4,), draws=3, seed=1)[4]
    assert 0.2 < found["macro-F1, 4 a class"].value < 1
    assert found["macro-F1, 4 a class"].items is not None
    assert len(accuracy.per_draw) == len(found["macro-F1, 4 a class"].items) == 3
    apart = 10 * torch.nn.functional.one_hot(torch.from_numpy(labels), 6).double()
    perfect = few_label_f1(apart, labels, apart, labels, shots=4, draws=2)
    assert [metric.value for metric in perfect.values()] == [1.0, 1.0]
    assert perfect["macro-F1, 4 a class"].low < 1
    with pytest.raises(ArgumentError, match="fewer than the 7 shots"):
        few_label_f1(rows, labels, rows, labels, shots=7)
