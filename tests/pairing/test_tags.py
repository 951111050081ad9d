"""Pairings by labels, one or several a row: who is a positive, what is neither, and what is refused."""

from __future__ import annotations

import pytest
import torch

from contrapose.errors import ArgumentError
from contrapose.pairing import by_labels, by_tags

WHOLE = slice(0, 5)


def test_single_labels_of_different_things_are_a_pairing_by_labels() -> None:
    labels = torch.tensor([0, 1, 0, 2, 1])
    one, other = (
        pairing.tile(torch.arange(5), WHOLE) for pairing in (by_tags(labels, torch.arange(5)), by_labels(labels))
    )
    assert torch.equal(one.weight, other.weight)
    assert torch.equal(one.valid, other.valid)


def test_rows_of_one_thing_are_neither_positives_nor_negatives_of_each_other() -> None:
    tile = by_tags(torch.tensor([0, 0, 0, 1, 1]), torch.tensor([7, 7, 8, 9, 6])).tile(torch.arange(5), WHOLE)
    assert tile.weight[0].tolist() == [0, 0, 1, 0, 0]
    assert tile.valid[0].tolist() == [False, False, True, True, True]


def test_across_sides_the_own_partner_is_a_positive_even_without_a_label() -> None:
    tile = by_tags(torch.tensor([0, 0, -1, -1, 1])).tile(torch.tensor([0, 2, 4]), WHOLE)
    assert tile.weight.tolist() == [[1, 1, 0, 0, 0], [0, 0, 1, 0, 0], [0, 0, 0, 0, 1]]
    assert bool(tile.valid.all())


def test_several_tags_count_by_their_overlap() -> None:
    tags = torch.tensor([[1, 1, 0, 0], [1, 1, 0, 0], [1, 0, 0, 0], [0, 1, 1, 1], [0, 0, 0, 1]])
    hard = by_tags(tags, torch.arange(5)).tile(torch.arange(5), WHOLE).weight
    assert hard[0].tolist() == [0, 1, 1, 0, 0]  # overlaps 1, 1/2, 1/4, 0
    soft = by_tags(tags, torch.arange(5), soft=True).tile(torch.arange(5), WHOLE).weight
    assert soft[0].tolist() == [0, 1, 0.5, 0, 0]
    some = by_tags(tags, torch.arange(5), soft=True, least=0.2).tile(torch.tensor([3]), WHOLE).weight
    assert some[0].tolist() == pytest.approx([0.25, 0.25, 0, 0, 1 / 3])


@pytest.mark.parametrize(
    ("tags", "things", "least", "said"),
    [
        (torch.tensor([[1, 0], [0, 0]]), None, 0.5, "Row 1 has no tag"),
        (torch.tensor([[1, 2], [0, 1]]), None, 0.5, "0 or 1 each"),
        (torch.tensor([0.5, 1.0]), None, 0.5, "tags must be a non-empty list of integers"),
        (torch.zeros(2, 2, 2), None, 0.5, r"tags must be \(N,\)"),
        (torch.tensor([0, 1]), torch.tensor([0, 1, 2]), 0.5, "things are of 3 rows"),
        (torch.tensor([0, 1]), None, 0.0, r"overlap in \(0, 1\]"),
    ],
)
def test_what_is_refused(tags: torch.Tensor, things: torch.Tensor | None, least: float, said: str) -> None:
    with pytest.raises(ArgumentError, match=said):
        by_tags(tags, things, least=least)
