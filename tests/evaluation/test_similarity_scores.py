from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from contrapose.errors import ArgumentError
from contrapose.evaluation import similarity_scores


def _pairs(cosine: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of rows with the given cosines, of different lengths."""
    first = np.tile([2.0, 0.0], (len(cosine), 1))
    return first, 3 * np.stack([cosine, np.sqrt(1 - cosine**2)], axis=1)


@pytest.mark.parametrize(("change", "value"), [(np.exp, 1), (lambda x: x**3, 1), (np.negative, -1)])
def test_only_the_order_of_the_gold_scores_counts(change, value: float) -> None:
    cosine = np.linspace(-0.9, 0.9, 31)
    found = similarity_scores(*_pairs(cosine), change(cosine))
    assert (found.value, found.low, found.high) == pytest.approx((value, value, value))
    assert found.count == 31


@given(seed=st.integers(0, 1000), count=st.integers(5, 40))
@settings(max_examples=20, deadline=None)
def test_ties_share_their_average_rank(seed: int, count: int) -> None:
    from scipy.stats import spearmanr

    random = np.random.default_rng(seed)
    cosine, gold = random.integers(-4, 5, size=count) / 5, random.integers(0, 3, size=count)
    cosine[:2], gold[:2] = (0.9, -0.9), (0, 1)
    expected = spearmanr(cosine, gold).statistic
    found = similarity_scores(*_pairs(cosine), gold)
    assert found.value == pytest.approx(expected)
    assert found.low <= found.value <= found.high


def test_rounding_orders_nothing(generator) -> None:
    rows = torch.randn(50, 300, generator=generator)
    rows[:25] = rows[:25].abs()
    gold = torch.arange(50) % 25
    with pytest.raises(ArgumentError, match="All cosines are equal"):
        similarity_scores(rows, 3 * rows, gold)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"gold": [1, 2]}, "one score for each of the 3 pairs"),
        ({"gold": [[1], [2], [3]]}, "one score for each of the 3 pairs"),
        ({"gold": [1.0, np.nan, 2.0]}, "gold: 1 of 3 rows hold NaN"),
        ({"gold": [1, 1, 1]}, "All gold scores are equal"),
        ({"second": np.eye(3, 4)}, "the two sides of the same pairs"),
        ({"first": np.zeros((3, 3))}, "first: 3 of 3 rows are all zeros"),
    ],
)
def test_bad_input_is_named(change, words: str) -> None:
    good = {"first": np.eye(3), "second": np.eye(3)[[0, 2, 1]], "gold": [3, 1, 2]}
    with pytest.raises(ArgumentError, match=words):
        similarity_scores(**{**good, **change})
