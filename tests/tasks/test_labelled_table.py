"""The table that `contrapose evaluate` fills for every arm, and what it leaves out."""

from __future__ import annotations

import numpy as np
import pytest

from contrapose.errors import DataError
from contrapose.tasks import labelled_table
from contrapose.tasks.labelled_table import LabelledTable

FULL = [
    "kNN",
    "linear probe",
    "precision@10",
    "R@10",
    "probe, 1 a class",
    "probe, 5 a class",
    "probe, 10 a class",
    "recall@1",
    "MAP@R",
    "NMI",
    "ARI",
    "cluster accuracy",
]


def rows(labels: np.ndarray, noise: float = 0.05, seed: int = 0) -> np.ndarray:
    """Embeddings with a direction for each class."""
    codes = np.unique(labels, return_inverse=True)[1]
    return (np.eye(8)[codes] + noise * np.random.default_rng(seed).normal(size=(len(labels), 8))).astype(np.float32)


def classes(**counts: int) -> np.ndarray:
    return np.repeat(list(counts), list(counts.values()))


def table(known: np.ndarray, wanted: np.ndarray, **options: object) -> LabelledTable:
    return LabelledTable(known, wanted, **{"k": 5, "seed": 0, "full": True, **options})  # type: ignore[arg-type]


def test_the_full_table_of_separated_and_of_constant_embeddings() -> None:
    known, wanted = classes(a=12, b=12, c=12), classes(a=8, b=8, c=8)
    measure = table(known, wanted)
    perfect = measure(rows(known), rows(wanted, seed=1))
    assert list(perfect) == FULL
    assert {name: metric.value for name, metric in perfect.items()} == dict.fromkeys(FULL, pytest.approx(1))
    nothing = measure(np.ones((36, 8), np.float32), np.ones((24, 8), np.float32))
    assert nothing["kNN"].value == pytest.approx(1 / 3)
    assert nothing["probe, 10 a class"].value == pytest.approx(1 / 3)
    assert nothing["NMI"].value == pytest.approx(0, abs=1e-9)
    assert nothing["MAP@R"].value < 0.5
    assert measure.notes == ()


def test_without_full_it_is_knn_and_probe() -> None:
    known, wanted = classes(a=12, b=12), classes(a=8, b=8)
    assert list(table(known, wanted, full=False)(rows(known), rows(wanted))) == FULL[:2]


def test_a_class_with_too_few_labels_is_left_out_with_a_note() -> None:
    known, wanted = classes(a=12, b=12, c=4), classes(a=8, b=8, c=8)
    measure = table(known, wanted)
    found = measure(rows(known), rows(wanted, seed=1))
    measure(rows(known), rows(wanted, seed=2))  # a second arm finds the same, which is noted once
    assert measure.notes == (
        "probe, 5 a class: 1 of 3 classes have fewer rows and are left out",
        "probe, 10 a class: 1 of 3 classes have fewer rows and are left out",
    )
    assert "3 classes" in found["probe, 1 a class"].protocol
    assert "2 classes" in found["probe, 5 a class"].protocol
    assert "16 test rows" in found["probe, 5 a class"].protocol


def test_of_unequal_classes_the_rare_ones_count_alike() -> None:
    known, wanted = classes(a=20, b=12, c=5, d=3), classes(a=16, b=9, c=4, d=2)
    found = table(known, wanted)(rows(known), rows(wanted, seed=1))
    metric = found["macro-F1, 4 a class"]
    assert metric.value == pytest.approx(1)
    assert metric.protocol.startswith("3 classes, 4 labelled rows a class")  # one has too few
    assert found["macro-F1, 4 a class, rarest third"].protocol.startswith("1 classes")
    assert "macro-F1, 4 a class" not in table(known, wanted, full=False)(rows(known), rows(wanted))


def test_shots_that_no_two_classes_have_are_left_out() -> None:
    known, wanted = classes(a=12, b=6), classes(a=8, b=8)
    measure = table(known, wanted)
    assert "probe, 10 a class" not in measure(rows(known), rows(wanted))
    assert measure.notes == ("no probe with 10 a class: fewer than two classes have so many labelled rows",)


def test_test_classes_of_one_row_have_no_retrieval() -> None:
    known, wanted = classes(a=12, b=12, c=12), np.array(["a", "b", "c"])
    measure = table(known, wanted)
    found = measure(rows(known), rows(wanted))
    assert "recall@1" not in found
    assert "NMI" in found
    assert measure.notes == ("no retrieval: every test class has one row, so that a query has nothing to find",)


def test_test_data_of_one_class_are_refused() -> None:
    with pytest.raises(DataError, match=r"hold one class only \(a\).*two classes or more"):
        table(classes(a=12, b=12), classes(a=8), full=False)


def test_k_means_sees_a_sample_that_is_the_same_for_every_arm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(labelled_table, "CLUSTERED_ROWS", 30)
    known, wanted = classes(a=12, b=12), classes(a=30, b=30)
    one, two = (table(known, wanted)(rows(known), rows(wanted, noise=0.6))["cluster accuracy"] for _ in range(2))
    assert "30 rows" in one.protocol
    assert len(one.items) == 30
    assert 0.5 < one.value < 1
    np.testing.assert_array_equal(one.items, two.items)
