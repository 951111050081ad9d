"""Partner classes as a pairing: who is a positive, who is ignored, and what is refused."""

from __future__ import annotations

import pytest
import torch

from contrapose.errors import ArgumentError
from contrapose.pairing import by_labels, by_partners


def test_own_class_is_ignored_unless_it_is_the_partner() -> None:
    pairing = by_partners(torch.tensor([0, 0, 1, 2]), torch.tensor([1, 0, 2, 2]))
    tile = pairing.tile(torch.arange(4), slice(0, 4))
    assert tile.positive.tolist() == [
        [False, False, True, False],
        [True, True, False, False],
        [False, False, False, True],
        [False, False, False, True],
    ]
    assert tile.negative.tolist() == [
        [False, False, False, True],
        [False, False, True, True],
        [True, True, False, False],
        [True, True, True, False],
    ]
    part = pairing.tile(torch.tensor([2, 0]), slice(1, 3))
    assert torch.equal(part.positive, tile.positive[[2, 0], 1:3])
    assert torch.equal(part.valid, tile.valid[[2, 0], 1:3])


def test_partners_of_ones_own_are_labels_in_one_view() -> None:
    labels = torch.tensor([0, 1, 0, 1, 1])
    tile, expected = (
        made.tile(torch.arange(5), slice(0, 5)) for made in (by_partners(labels, same_rows=True), by_labels(labels))
    )
    assert torch.equal(tile.positive, expected.positive)
    assert torch.equal(tile.negative, expected.negative)


def test_a_sample_without_a_class_takes_no_part() -> None:
    pairing = by_partners(torch.tensor([0, -1, 1]), torch.tensor([1, 0, -1]))
    tile = pairing.tile(torch.arange(3), slice(0, 3))
    assert tile.valid[:, 1].tolist() == [False, False, False]
    assert tile.valid[1:].any().item() is False
    assert tile.positive[0].tolist() == [False, False, True]
    assert pairing.counts()[0].tolist() == [1, 0, 0]


@pytest.mark.parametrize(
    ("labels", "partners", "words"),
    [
        (torch.tensor([0, 1]), torch.tensor([0]), "1 classes for 2 samples"),
        (torch.tensor([0, -2]), torch.tensor([0, 1]), "labels are class numbers"),
        (torch.tensor([0, 1]), torch.tensor([0, -3]), "partners are class numbers"),
        (torch.tensor([0.5, 1.0]), torch.tensor([0, 1]), "labels must be"),
    ],
)
def test_what_is_no_class_is_refused(labels: torch.Tensor, partners: torch.Tensor, words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        by_partners(labels, partners)
