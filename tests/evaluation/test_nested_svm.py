"""Nested folds: closed forms, the plain double loop, and what must not leak."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from contrapose.data import stratified_folds
from contrapose.errors import ArgumentError
from contrapose.evaluation import nested_svm
from contrapose.evaluation.nested_svm import PENALTIES

RANDOM = np.random.default_rng(0)
LABELS = np.arange(60) % 3
ROWS = np.eye(3)[LABELS] * [5.0, 1000.0, 0.1] + RANDOM.normal(size=(60, 3)) * [3.0, 600.0, 0.06]
FOLDS = stratified_folds(LABELS, 5, seed=0)


def plain(rows: np.ndarray, labels: np.ndarray, folds: np.ndarray, *, every: bool) -> np.ndarray:
    """Which answers are right, by two loops and a pipeline of scikit-learn."""
    numbers = np.unique(folds)
    right = np.zeros(len(rows), bool)

    def fitted(C: float, known: np.ndarray) -> object:
        return make_pipeline(StandardScaler(), SVC(C=C)).fit(rows[known], labels[known])

    for place, outer in enumerate(numbers):
        inner = [one for one in numbers if one != outer] if every else [numbers[place - 1], numbers[(place + 1) % 5]]
        scores = [
            np.mean(
                [
                    fitted(C, (folds != outer) & (folds != one)).score(rows[folds == one], labels[folds == one])
                    for one in inner
                ]
            )
            for C in PENALTIES
        ]
        best = PENALTIES[int(np.argmax(np.round(scores, 9)))]
        asked = folds == outer
        right[asked] = fitted(best, ~asked).predict(rows[asked]) == labels[asked]
    return right


@pytest.mark.parametrize("every", [True, False])
def test_it_is_two_loops_over_folds(every: bool) -> None:
    found = nested_svm(ROWS, LABELS, FOLDS, every=every)
    assert found.items is not None
    assert found.items.tolist() == plain(ROWS, LABELS, FOLDS, every=every).astype(float).tolist()
    assert found == nested_svm(ROWS, LABELS, FOLDS, every=every)
    assert 0.6 < found.value < 1
    assert "SVM with radial kernel (standardised), 5 folds, C from 0.001 to 1000 chosen inside them" in found.protocol
    assert found.count == 60


def test_separated_heaps_are_told_apart_and_noise_is_not() -> None:
    heaps = np.eye(3)[LABELS] * 9 + RANDOM.normal(size=(60, 3)) * 0.1
    assert nested_svm(heaps, LABELS, FOLDS).value == 1
    assert nested_svm(RANDOM.normal(size=(60, 3)), LABELS, FOLDS).value < 0.55
    names = np.array(["a", "b", "c"])[LABELS]
    assert nested_svm(heaps.astype(np.float32), names, FOLDS).value == 1


def test_a_constant_column_and_equal_rows_are_no_trouble() -> None:
    heaps = np.eye(3)[LABELS] * 9 + RANDOM.normal(size=(60, 3)) * 0.1
    with_constant = np.concatenate([heaps, np.full((60, 1), 7.0)], axis=1)
    assert nested_svm(with_constant, LABELS, FOLDS).value == 1
    assert nested_svm(np.ones((60, 2)), LABELS, FOLDS).value == pytest.approx(1 / 3, abs=0.1)


def test_what_is_in_no_fold_is_learned_from_alone() -> None:
    folds = FOLDS.copy()
    folds[:6] = -1
    found = nested_svm(ROWS, LABELS, folds)
    assert found.count == 54


def test_folds_of_a_sample_do_not_learn_from_it() -> None:
    """A sample with a label of its own class far away is wrong, whatever the penalty."""
    heaps = np.eye(2)[LABELS % 2] * 9 + RANDOM.normal(size=(60, 2)) * 0.1
    labels = LABELS % 2
    flipped = labels.copy()
    flipped[7] = 1 - flipped[7]
    found = nested_svm(heaps, flipped, FOLDS)
    assert found.items is not None
    assert np.flatnonzero(found.items == 0).tolist() == [7]


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"folds": FOLDS % 2}, "three or more, and there are 2"),
        ({"folds": FOLDS[:9]}, r"folds \(9,\)"),
        ({"labels": LABELS[:9]}, r"labels \(9,\)"),
        ({"labels": (FOLDS == 0).astype(int)}, "Without the folds 0 and 1 a single class is left"),
    ],
)
def test_what_cannot_be_folded_is_told(changed: dict[str, np.ndarray], sentence: str) -> None:
    with pytest.raises(ArgumentError, match=sentence):
        nested_svm(**{"rows": ROWS, "labels": LABELS, "folds": FOLDS, **changed})


def test_classes_are_dealt_evenly_and_copies_stay_together() -> None:
    labels = RANDOM.integers(0, 3, 103)
    folds = stratified_folds(labels, seed=1)
    counts = np.array([[((labels == one) & (folds == fold)).sum() for fold in range(10)] for one in range(3)])
    assert np.ptp(counts, axis=1).max() <= 1
    assert np.ptp(counts.sum(axis=0)) <= 1
    assert np.array_equal(folds, stratified_folds(labels, seed=1))
    assert not np.array_equal(folds, stratified_folds(labels, seed=2))
    groups = np.arange(103) // 2
    together = stratified_folds(labels, seed=1, groups=groups)
    assert all(len(set(together[groups == group])) == 1 for group in range(52))
    with pytest.raises(ArgumentError, match="9 different samples cannot be dealt to 10 folds"):
        stratified_folds(labels[:18], seed=0, groups=groups[:18])
