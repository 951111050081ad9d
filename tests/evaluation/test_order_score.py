from __future__ import annotations

import numpy as np
import pytest
import torch

from contrapose.errors import ArgumentError
from contrapose.evaluation import order_score


def _noisy(count: int, noise: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    targets = random.uniform(size=count)
    return np.stack([targets, 0.5 * targets], axis=1) + noise * random.normal(size=(count, 2)), targets


@pytest.mark.parametrize("count", [20, 400])
def test_what_lies_along_the_number_has_one(count: int) -> None:
    z, targets = _noisy(count, 0.0)
    found = order_score(torch.from_numpy(z), targets)
    assert found.value == pytest.approx(1)
    assert found.low == pytest.approx(found.high, abs=1e-5)
    assert order_score(-3 * z + 1, 100 * targets).value == pytest.approx(1)


def test_it_is_spearman_of_all_pairs_where_these_are_few() -> None:
    from scipy.stats import spearmanr

    z, targets = _noisy(30, 0.3)
    targets = targets.round(1)  # with ties
    one, other = np.triu_indices(30, 1)
    expected = spearmanr(np.linalg.norm(z[one] - z[other], axis=1), np.abs(targets[one] - targets[other])).statistic
    found = order_score(z, targets)
    assert found.value == pytest.approx(expected)
    assert "435 pairs of 30 rows" in found.protocol
    assert found.count == 30


def test_pairs_drawn_at_random_estimate_those_of_all() -> None:
    z, targets = _noisy(300, 0.3)
    whole, part = order_score(z, targets, pairs=10**6), order_score(z, targets, pairs=4_000)
    assert part.value == pytest.approx(whole.value, abs=0.03)
    assert part == order_score(z, targets, pairs=4_000)  # the same pairs at every call
    other = order_score(z, targets, pairs=4_000, generator=torch.Generator().manual_seed(1))
    assert other.value != part.value
    assert "4,000 pairs" in part.protocol


@pytest.mark.parametrize("pairs", [500, 10_000])
def test_the_interval_is_as_wide_as_samples_differ(pairs: int) -> None:
    found = [order_score(*_noisy(120, 0.3, seed), pairs=pairs) for seed in range(60)]
    spread = np.std([one.value for one in found])
    half = np.mean([(one.high - one.low) / 2 for one in found]) / 1.96
    assert 0.7 < half / spread < 1.5


def test_embeddings_that_know_nothing_are_near_zero() -> None:
    random = np.random.default_rng(0)
    found = order_score(random.normal(size=(500, 8)), random.uniform(size=500))
    assert abs(found.value) < 0.05
    assert found.low < 0 < found.high


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"targets": np.ones(4)}, "All distances of targets are equal"),
        ({"z": np.ones((4, 2))}, "All distances of embeddings are equal"),
        ({"targets": np.arange(3)}, "each of the 4 rows"),
        ({"targets": np.array([0, 1, 2, np.nan])}, "targets: 1 of 4"),
        ({"z": np.eye(2), "targets": np.arange(2)}, "at least 3"),
        ({"pairs": 0}, "pairs"),
    ],
)
def test_bad_input_is_named(change, words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        order_score(**{"z": np.diag([1.0, 2.0, 4.0, 7.0]), "targets": np.array([0.0, 1.0, 3.0, 4.0]), **change})
