from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contrapose.data import split
from contrapose.errors import ArgumentError


@settings(max_examples=30, deadline=None)
@given(labels=st.lists(st.integers(0, 4), min_size=12, max_size=80), share=st.floats(0.05, 0.95))
def test_parts_are_disjoint_complete_and_hold_every_class(labels: list[int], share: float) -> None:
    train, test = split(labels, test_share=share, seed=0)
    assert sorted([*train, *test]) == list(range(len(labels)))
    values = np.asarray(labels)
    for label, count in zip(*np.unique(values, return_counts=True), strict=True):
        expected = 0 if count == 1 else min(count - 1, max(1, round(share * count)))
        assert (values[test] == label).sum() == expected


def test_shares_are_kept_class_by_class() -> None:
    labels = np.repeat([0, 1], [100, 10])
    _, test = split(labels, test_share=0.2, seed=0)
    assert np.bincount(labels[test]).tolist() == [20, 2]


def test_seed_decides_the_split() -> None:
    labels = np.arange(60) % 3
    first, again, other = (split(labels, seed=seed).test for seed in (0, 0, 1))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_single_members_train_and_are_counted() -> None:
    parts = split(["a", "a", "b", "c"], seed=0)
    assert parts.single_member_classes == 2
    assert {2, 3} <= set(parts.train.tolist())


@pytest.mark.parametrize(
    ("labels", "share"),
    [([0, 0], 0.0), ([0, 0], 1.0), ([0, 0], 20), ([], 0.2), ([[0], [1]], 0.2), ([0, 1], 0.5)],
)
def test_what_cannot_be_split_is_an_error(labels: list, share: float) -> None:
    with pytest.raises(ArgumentError):
        split(labels, test_share=share, seed=0)
