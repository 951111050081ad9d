"""A pairing limited to groups, against the definition written out as a matrix."""

from __future__ import annotations

import pytest
import torch

from contrapose.errors import ArgumentError
from contrapose.pairing import beyond_groups, by_labels, by_towers, by_views, within_groups

GROUPS = torch.tensor([0, 0, 7, 0, 7, 3])


def test_negatives_are_of_the_own_group_and_positives_stay() -> None:
    pairing = within_groups(by_views(2, 6), GROUPS, views=2)
    tile = pairing.tile(torch.arange(12), slice(0, 12))
    for i in range(12):
        for j in range(12):
            same = GROUPS[i % 6] == GROUPS[j % 6]
            assert bool(tile.positive[i, j]) == (i != j and i % 6 == j % 6)
            assert bool(tile.negative[i, j]) == bool(same and i % 6 != j % 6)
    positives, negatives = pairing.counts()
    assert positives.tolist() == [1] * 12
    assert negatives.tolist() == 2 * [4, 4, 2, 4, 2, 0]


def test_it_answers_by_tiles_and_moves_between_devices() -> None:
    pairing = within_groups(by_views(2, 6), GROUPS, views=2).to("cpu")
    whole = pairing.tile(torch.arange(12), slice(0, 12))
    part = pairing.tile(torch.tensor([9, 2]), slice(3, 8))
    assert torch.equal(part.valid, whole.valid[[9, 2], 3:8])
    assert torch.equal(part.weight, whole.weight[[9, 2], 3:8])


def test_one_group_changes_nothing_and_towers_may_be_grouped_too() -> None:
    plain, grouped = by_views(3, 4), within_groups(by_views(3, 4), torch.full((4,), 5), views=3)
    for one, two in zip(plain.counts(), grouped.counts(), strict=True):
        assert torch.equal(one, two)
    towers = within_groups(by_towers(3), torch.tensor([1, 1, 2]))
    assert towers.counts()[1].tolist() == [1, 1, 0]
    assert "a0" in repr(grouped)


def test_a_positive_of_another_group_stays_one() -> None:
    """Pairs by labels, groups by something else: who is looked for is not ignored."""
    tile = within_groups(by_labels(torch.tensor([5, 5, 6])), torch.tensor([0, 1, 0])).tile(torch.arange(3), slice(0, 3))
    assert tile.positive.tolist() == [[False, True, False], [True, False, False], [False, False, False]]
    assert (tile.valid & tile.positive).sum() == 2
    assert tile.negative.tolist() == [[False, False, True], [False, False, False], [True, False, False]]


def test_other_numbers_of_groups_than_of_rows_are_refused() -> None:
    with pytest.raises(
        ArgumentError, match=r"3 groups of samples with 2 view\(s\) are 6 rows, and the pairing is of 8"
    ):
        within_groups(by_views(2, 4), torch.tensor([0, 0, 1]), views=2)
    with pytest.raises(ArgumentError, match="groups must be a non-empty list of integers"):
        within_groups(by_views(2, 4), torch.tensor([0.0, 0, 1, 1]), views=2)


def test_beyond_groups_has_no_negative_of_the_own_group() -> None:
    groups = torch.tensor([0, 0, -1, 0, 7, -1])
    pairing = beyond_groups(by_views(2, 6), groups, views=2)
    tile = pairing.tile(torch.arange(12), slice(0, 12))
    for i in range(12):
        for j in range(12):
            alone = groups[i % 6] == -1
            other = alone or groups[i % 6] != groups[j % 6]
            assert bool(tile.positive[i, j]) == (i != j and i % 6 == j % 6)
            assert bool(tile.negative[i, j]) == bool(other and i % 6 != j % 6)
    assert pairing.to("cpu").counts()[1].tolist() == 2 * [6, 6, 10, 6, 10, 10]
    assert pairing.plain() is None


def test_where_nobody_shares_a_group_beyond_them_is_the_pairing_itself() -> None:
    groups = torch.tensor([4, -1, 2, -1])
    pairing = beyond_groups(by_views(3, 4), groups, views=3)
    plain = pairing.plain()
    assert plain is not None
    assert plain.period == 4
    whole = by_views(3, 4).tile(torch.arange(12), slice(0, 12))
    assert torch.equal(pairing.tile(torch.arange(12), slice(0, 12)).valid, whole.valid)
    with pytest.raises(ArgumentError, match="3 groups of samples"):
        beyond_groups(by_views(2, 4), torch.tensor([0, 0, 1]), views=2)
