"""Which of two is nearer to an anchor: closed forms, ties, and bad input."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from contrapose.errors import ArgumentError
from contrapose.evaluation import nearer

ROWS = np.eye(4)


def test_copies_are_nearer_than_others() -> None:
    found = nearer(ROWS, 3 * ROWS, ROWS[::-1])
    assert (found.value, found.high, found.count) == (1.0, 1.0, 4)
    assert found.low < 1.0, "four triples leave room"
    assert nearer(ROWS, ROWS[::-1], ROWS).value == 0.0


def test_it_is_the_share_of_triples_and_ties_count_half() -> None:
    turned = ROWS[[1, 0, 3, 2]]
    near, far = np.concatenate([ROWS[:2], turned[2:]]), np.concatenate([turned[:1], ROWS[1:]])
    assert nearer(ROWS, near, far).items.tolist() == [1.0, 0.5, 0.0, 0.0]
    assert nearer(np.ones((5, 3)), np.ones((5, 3)), 2 * np.ones((5, 3))).value == 0.5


def test_rounding_decides_nothing(generator: torch.Generator) -> None:
    rows = torch.randn(30, 300, generator=generator)
    assert nearer(rows, 3 * rows, 7 * rows).value == 0.5


@pytest.mark.parametrize(
    ("near", "words"),
    [
        (np.eye(4, 3), r"the three sides of the same triples; got .*\(4, 3\)"),
        (np.zeros((4, 4)), "near: 4 of 4 rows are all zeros"),
        (np.full((4, 4), np.nan), "near: 4 of 4 rows hold NaN"),
    ],
)
def test_bad_input_is_named(near: np.ndarray, words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        nearer(ROWS, near, ROWS)
    with pytest.raises(ArgumentError, match="anchor"):
        nearer(ROWS[:1], ROWS[:1], ROWS[:1])
