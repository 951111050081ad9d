from __future__ import annotations

import numpy as np
import pytest
import torch

from contrapose.errors import ArgumentError
from contrapose.evaluation import paired_difference, ridge
from contrapose.evaluation.linear_probe import STRENGTHS


def _line(count: int, *, noise: float = 0.1, seed: int = 0, dimensions: int = 5) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    rows = random.normal(size=(count, dimensions)) * np.arange(1, dimensions + 1)
    return rows, 40 + rows @ np.linspace(1, -1, dimensions) + noise * random.normal(size=count)


def test_diabetes_beside_its_floor() -> None:
    from sklearn.datasets import load_diabetes

    data = load_diabetes()
    found = ridge(data.data[:300], data.target[:300], data.data[300:], data.target[300:])
    assert found.error.value == pytest.approx(43, abs=2)  # what least squares is known to reach
    assert found.floor.value == pytest.approx(np.abs(np.median(data.target[:300]) - data.target[300:]).mean())
    assert found.error.low < found.error.value < found.error.high < found.floor.low
    assert found.skill == pytest.approx(1 - found.error.value / found.floor.value)
    gain = paired_difference(found.floor.items, found.error.items)
    assert gain.low > 10
    assert "300 train rows; the median of the training targets is" in found.error.protocol
    assert not found.error.percent


def test_the_weights_are_the_minimum_of_the_equation() -> None:
    rows, targets = _line(40, noise=3.0)
    test, truth = _line(30, seed=1)
    mean, scale = rows.mean(0), rows.std(0)
    x = (rows - mean) / scale
    weights = np.linalg.solve(x.T @ x / 40 + 0.3 * np.eye(5), x.T @ (targets - targets.mean()) / 40)
    expected = np.abs((test - mean) / scale @ weights + targets.mean() - truth).mean()
    found = ridge(rows, targets, test, truth, strengths=(0.3,))
    assert found.error.value == pytest.approx(expected, rel=1e-9)
    assert found.strength == pytest.approx(0.3)
    assert "(given)" in found.error.protocol


def test_the_strength_is_chosen_on_training_rows_alone() -> None:
    random = np.random.default_rng(1)
    rows = random.normal(size=(60, 50))  # nearly as many dimensions as rows: a weak penalty learns the noise
    targets = rows[:, 0] + 2 * random.normal(size=60)
    test, truth = random.normal(size=(80, 50)), random.normal(size=80)
    found = ridge(rows, targets, test, truth)
    assert found.strength >= 1
    assert ridge(rows, targets, 100 * test + 7, truth + 5).strength == found.strength
    assert any(found.strength == pytest.approx(strength) for strength in STRENGTHS)
    exact, line = _line(60, noise=0.0)
    assert ridge(exact, line, *_line(20, noise=0.0, seed=2)).strength == pytest.approx(min(STRENGTHS))


@pytest.mark.parametrize("kind", [torch.float32, torch.float64, np.float32])
def test_constant_features_are_no_better_than_the_floor(kind) -> None:
    targets = np.random.default_rng(0).exponential(size=300)
    features = torch.full((300, 4), 0.1, dtype=kind) if isinstance(kind, torch.dtype) else np.full((300, 4), 0.1, kind)
    found = ridge(features, targets, features, torch.from_numpy(targets))
    assert found.skill <= 0
    assert found.error.value == pytest.approx(np.abs(targets - targets.mean()).mean())
    assert f"their mean {found.error.value:.4g}" in found.error.protocol


def test_units_and_offsets_change_nothing_but_the_unit() -> None:
    rows, targets = _line(60, noise=2.0)
    test, truth = _line(30, noise=2.0, seed=1)
    found = ridge(rows, targets, test, truth)
    scaled = ridge(1000 * rows + 3, 60 * targets - 1, 1000 * test + 3, 60 * truth - 1)
    assert scaled.error.value == pytest.approx(60 * found.error.value, rel=1e-6)
    years = ridge(rows, (targets + 2**30).round().astype(np.int64), test, (truth + 2**30).round().astype(np.int64))
    assert years.error.value == pytest.approx(found.error.value, rel=0.1)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"train_targets": np.ones(6)}, "All train_targets are 1"),
        ({"train_targets": np.arange(5)}, "each of the 6 rows"),
        ({"train_targets": ["a"] * 6}, "train_targets must be numbers"),
        ({"train_targets": [0, 1, 2, 3, np.nan, np.inf]}, "train_targets: 2 of 6 are NaN"),
        ({"test_targets": np.ones((6, 1))}, "test_targets must hold one number"),
        ({"strengths": ()}, "at least one penalty"),
        ({"strengths": (0.0,)}, "strengths must be a finite number above 0"),
        ({"test": np.ones((6, 4))}, "got 3 and 4"),
        ({"test": np.full((6, 3), np.nan)}, "test: 6 of 6 rows hold NaN"),
    ],
)
def test_bad_input_is_named(change, words: str) -> None:
    good = {"train": np.eye(6, 3), "train_targets": np.arange(6), "test": np.eye(6, 3), "test_targets": np.arange(6)}
    with pytest.raises(ArgumentError, match=words):
        ridge(**{**good, **change})
