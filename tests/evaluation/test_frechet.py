"""Distances of clouds in closed form, and what diversity says of a generator that knows one picture."""

from __future__ import annotations

import numpy as np
import pytest

from contrapose.errors import ArgumentError
from contrapose.evaluation import diversity, frechet_distance


def whitened(count: int, dimension: int, seed: int = 0) -> np.ndarray:
    """Rows whose mean is 0 and whose covariance is the identity, exactly."""
    rows = np.random.default_rng(seed).normal(size=(count, dimension))
    rows -= rows.mean(axis=0)
    return rows @ np.linalg.inv(np.linalg.cholesky(np.cov(rows.T))).T


def test_equal_clouds_and_moved_ones() -> None:
    rows, way = whitened(200, 5), np.array([3.0, 0, -4, 0, 0])
    assert frechet_distance(rows, rows) == pytest.approx(0, abs=1e-8)
    assert frechet_distance(rows, rows[::-1] + way) == pytest.approx(25)


def test_covariances_of_one_basis() -> None:
    rows, turn = whitened(300, 4), np.linalg.qr(np.random.default_rng(1).normal(size=(4, 4)))[0]
    a, b = np.array([4.0, 1.0, 0.25, 0.0]), np.array([1.0, 9.0, 0.25, 2.0])  # one direction is empty in the first
    found = frechet_distance((rows * np.sqrt(a)) @ turn, (rows * np.sqrt(b)) @ turn)
    assert found == pytest.approx(np.square(np.sqrt(a) - np.sqrt(b)).sum(), rel=1e-6)


def test_covariances_that_do_not_commute_are_symmetric_and_those_of_scipy() -> None:
    linalg = pytest.importorskip("scipy.linalg")
    random = np.random.default_rng(2)
    x, y = (
        random.normal(size=(90, 6)) @ random.normal(size=(6, 6)),
        random.normal(size=(80, 6)) @ random.normal(size=(6, 6)),
    )
    one, other = np.cov(x.T), np.cov(y.T)
    expected = np.square(x.mean(axis=0) - y.mean(axis=0)).sum() + np.trace(
        one + other - 2 * linalg.sqrtm(one @ other).real
    )
    assert frechet_distance(x, y) == pytest.approx(expected, rel=1e-8)
    assert frechet_distance(y, x) == pytest.approx(expected, rel=1e-8)


def test_real_rows_are_as_diverse_as_real_ones_and_one_picture_a_class_is_not() -> None:
    random = np.random.default_rng(0)
    classes = np.arange(400) % 4
    real = random.normal(size=(400, 8)) + 50 * classes[:, None]
    again = random.normal(size=(400, 8)) + 50 * classes[:, None]
    assert diversity(again, real, classes, classes) == pytest.approx(1, abs=0.05)
    assert diversity(50.0 * classes[:, None] * np.ones((1, 8)), real, classes, classes) == 0
    assert diversity(2 * real, real) == pytest.approx(2)  # of one class: distances double
    few = np.array([[0.0, 0.0], [3.0, 4.0], [0.0, 0.0]])
    assert diversity(few, np.array([[0.0, 0.0], [0.0, 2.0]])) == pytest.approx((5 + 5 + 0) / 3 / 2)


def test_bad_clouds_are_told() -> None:
    rows = np.zeros((4, 3))
    for call, said in (
        (lambda: frechet_distance(rows, np.zeros((4, 2))), "features of one length"),
        (lambda: frechet_distance(rows[:1], rows), "at least 2 row"),
        (lambda: frechet_distance(rows * np.nan, rows), "NaN"),
        (lambda: diversity(rows, rows), "two that differ"),
        (lambda: diversity(rows, rows, np.zeros(3)), "one a row"),
    ):
        with pytest.raises(ArgumentError, match=said):
            call()
