"""Positives by a number: who is near enough, and what is no number."""

from __future__ import annotations

import doctest
import math

import pytest
import torch

import contrapose.pairing.targets
from contrapose.errors import ArgumentError
from contrapose.pairing import by_labels, by_targets


def test_the_example_is_what_is_printed() -> None:
    found = doctest.testmod(contrapose.pairing.targets, extraglobs={"torch": torch, "by_targets": by_targets})
    assert found.attempted == 1
    assert found.failed == 0


def test_whole_numbers_are_classes() -> None:
    numbers = torch.tensor([4, 0, 4, 2, 2, 4])
    by_number, by_class = by_targets(numbers, views=2), by_labels(numbers, views=2)
    rows = torch.tensor([5, 0, 11])
    for found, expected in zip(by_number.counts(rows), by_class.counts(rows), strict=True):
        assert found.tolist() == expected.tolist()
    tile, other = by_number.tile(rows, slice(3, 12)), by_class.tile(rows, slice(3, 12))
    assert torch.equal(tile.weight, other.weight)
    assert torch.equal(tile.valid, other.valid)
    assert by_number.to("cpu").picture() == by_class.picture()


def test_being_near_is_no_equivalence() -> None:
    positive = by_targets(torch.tensor([0.0, 1.0, 2.0]), tolerance=1.0).tile(torch.arange(3), slice(0, 3)).positive
    assert positive.tolist() == [[False, True, False], [True, False, True], [False, True, False]]


def test_rounding_does_not_part_what_is_equal() -> None:
    numbers = torch.tensor([0.1 + 0.2, 0.3, 5.0], dtype=torch.float64)
    assert by_targets(numbers).counts()[0].tolist() == [1, 1, 0]
    assert by_targets(numbers, tolerance=0.0).counts()[0].tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("numbers", "tolerance", "word"),
    [
        (torch.ones(3, 1), None, "one per sample"),
        (torch.tensor([]), None, "non-empty"),
        (torch.tensor([1.0, math.nan]), None, "1 of 2 are NaN"),
        (torch.ones(3), -0.5, "tolerance"),
        (torch.ones(3), math.inf, "tolerance"),
    ],
)
def test_bad_input_is_named(numbers: torch.Tensor, tolerance: float | None, word: str) -> None:
    with pytest.raises(ArgumentError, match=word):
        by_targets(numbers, tolerance=tolerance)
