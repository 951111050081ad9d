"""A tuple of clusters as one number, and small groups merged into their neighbours."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from contrapose.data.groups import check_labels, group_numbers, merge_small, tuple_codes
from contrapose.errors import ArgumentError


def test_a_tuple_is_a_number_in_base_k() -> None:
    assert tuple_codes([[2, 5, 1]], 10).tolist() == [251]
    assert tuple_codes([[7]], 10).tolist() == [7]


def test_the_code_is_injective_and_mixed_radix_for_unequal_numbers_of_clusters() -> None:
    counts = (3, 5, 2)
    every = np.array(list(itertools.product(*map(range, counts))))  # (30, 3), in lexicographic order
    assert tuple_codes(every, counts).tolist() == list(range(30))
    by_hand = [(a * 5 + b) * 2 + c for a, b, c in every.tolist()]
    assert tuple_codes(every, counts).tolist() == by_hand


def test_earlier_stages_count_and_not_the_last_one_alone() -> None:
    """Two samples of one last cluster, and of two first ones, are not in one group."""
    codes = tuple_codes([[0, 4], [1, 4], [0, 4]], 10)
    assert codes[0] == codes[2] != codes[1]


@pytest.mark.parametrize(
    ("labels", "clusters", "said"),
    [
        ([[0, -1]], 3, "numbered from 0; got the label -1"),
        ([[0, 3]], 3, "3 clusters are numbered 0 to 2; got the label 3"),
        ([[0, 1]], [3], "2 columns of labels came with 1 numbers"),
        (np.zeros((4, 0), dtype=int), 3, r"T from 1 on"),
        ([[0.5, 1.0]], 3, "integer labels"),
        ([0, 1], 3, r"shape \(N, T\)"),
        (np.zeros((1, 30), dtype=int), 10, "more tuples than 64 bits"),
    ],
)
def test_labels_that_are_no_clusters_are_refused(labels: object, clusters: object, said: str) -> None:
    with pytest.raises(ArgumentError, match=said):
        tuple_codes(labels, clusters)  # type: ignore[arg-type]


def test_labels_of_other_samples_are_refused() -> None:
    check_labels(np.array([0, 1, 1]), 2, samples=3)
    with pytest.raises(ArgumentError, match=r"4 samples came with labels of shape \(3,\)"):
        check_labels(np.array([0, 1, 1]), 2, samples=4)


def test_numbers_have_no_gaps_and_keep_the_order() -> None:
    groups, codes = group_numbers([40, 7, 40, 9])
    assert (groups.tolist(), codes.tolist()) == ([2, 0, 2, 1], [7, 9, 40])


def test_the_smallest_joins_its_nearest_until_all_are_large_enough() -> None:
    """Sizes 6, 1, 1, 5 on a line at 0, 10, 11 and 30: the two single ones join each other, and then the group of 6."""
    groups, centres = np.repeat([0, 1, 2, 3], [6, 1, 1, 5]), np.array([[0.0], [10], [11], [30]])
    assert merge_small(groups, centres, 1).tolist() == groups.tolist()
    assert merge_small(groups, centres, 2).tolist() == np.repeat([0, 1, 2], [6, 2, 5]).tolist()
    assert merge_small(groups, centres, 5).tolist() == np.repeat([0, 1], [8, 5]).tolist()
    assert merge_small(groups, centres, 13).tolist() == [0] * 13


def test_the_centre_of_a_merged_group_is_the_mean_of_its_samples() -> None:
    """9 samples at 0 and 1 at 2 lie at 0.2 and not at 1: those at 4.5 are nearer to 8.4."""
    groups, centres = np.repeat([0, 1, 2, 3], [9, 1, 3, 10]), np.array([[0.0], [2], [4.5], [8.4]])
    assert merge_small(groups, centres, 4).tolist() == np.repeat([0, 1], [10, 13]).tolist()


def test_merging_that_cannot_be_is_refused() -> None:
    groups = np.repeat([0, 1], 2)
    with pytest.raises(ArgumentError, match="No group can have 5 samples: there are 4"):
        merge_small(groups, np.zeros((2, 1)), 5)
    with pytest.raises(ArgumentError, match="2 groups came with centres of shape"):
        merge_small(groups, np.zeros((3, 1)), 2)
    with pytest.raises(ArgumentError, match="finite"):
        merge_small(groups, np.array([[0.0], [np.nan]]), 3)
