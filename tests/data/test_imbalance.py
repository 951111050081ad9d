"""Unbalanced subsets: the sizes asked for, drawn per class, the same for a seed."""

from __future__ import annotations

import numpy as np
import pytest

from contrapose.data import Images, few_frequent, long_tailed
from contrapose.errors import ArgumentError

LABELS = np.tile(np.arange(4), 100)


def sizes(rows: np.ndarray) -> list[int]:
    return np.bincount(LABELS[rows], minlength=4).tolist()


def test_long_tailed_sizes_fall_geometrically() -> None:
    tail = long_tailed(LABELS, 64, seed=0, largest=64)
    assert sizes(tail.rows) == [64, 16, 4, 1]
    assert tail.counts == {0: 64, 1: 16, 2: 4, 3: 1}
    assert tail.imbalance == 64
    assert sizes(long_tailed(LABELS, 8, order=[2, 0, 3, 1], largest=80, seed=0).rows) == [40, 10, 80, 20]
    assert sizes(long_tailed(LABELS, 1, seed=0).rows) == [100, 100, 100, 100]


def test_few_frequent_classes_among_rare_ones() -> None:
    chosen = few_frequent(LABELS, [1, 3], frequent_count=90, rare_count=5, seed=0)
    assert sizes(chosen.rows) == [5, 90, 5, 90]
    assert chosen.imbalance == 18


def test_rows_are_distinct_and_ascending_and_follow_the_seed() -> None:
    one, again, other = (long_tailed(LABELS, 10, seed=seed).rows for seed in (3, 3, 4))
    assert (np.diff(one) > 0).all()
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)


def test_a_rare_class_is_part_of_itself_when_frequent() -> None:
    rare = few_frequent(LABELS, [0], frequent_count=50, rare_count=10, seed=1).rows
    frequent = few_frequent(LABELS, [1], frequent_count=50, rare_count=10, seed=1).rows
    assert set(rare[LABELS[rare] == 1]) < set(frequent[LABELS[frequent] == 1])


def test_pictures_are_cut_down_with_it() -> None:
    images = Images(np.zeros((400, 1, 2, 2), dtype=np.uint8), LABELS)
    assert np.bincount(images.subset(long_tailed(LABELS, 64, largest=64, seed=0).rows).labels).tolist() == [
        64,
        16,
        4,
        1,
    ]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: long_tailed(LABELS, 0.5, seed=0), "imbalance is 0.5"),
        (lambda: long_tailed(LABELS, float("nan"), seed=0), "imbalance is nan"),
        (lambda: long_tailed(LABELS, 1000, seed=0), "Class 3 was asked for 0 samples"),
        (lambda: long_tailed(LABELS, 2, order=[0, 1, 2], seed=0), "each of the 4 classes once"),
        (lambda: long_tailed(LABELS, 2, largest=101, seed=0), "asked for 101 samples and has 100"),
        (lambda: few_frequent(LABELS, [0, 9], frequent_count=2, rare_count=1, seed=0), r"got \[0, 9\]"),
        (lambda: few_frequent(LABELS, [0, 1, 2, 3], frequent_count=2, rare_count=1, seed=0), "not all"),
        (lambda: few_frequent(LABELS, [0], frequent_count=2, rare_count=0, seed=0), "asked for 0 samples"),
        (lambda: long_tailed(np.ones((3, 2)), 2, seed=0), "whole numbers"),
    ],
)
def test_what_cannot_be_had_is_said(call, words: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ArgumentError, match=words):
        call()
