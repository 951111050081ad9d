"""All anchors from one inverse, against one explicit solve per anchor; closed forms."""

from __future__ import annotations

import math

import literal_max_margin as literal
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from contrapose.errors import ArgumentError
from contrapose.objectives.max_margin import KERNELS, max_margin_weights


def unit_rows(B: int, D: int, seed: int = 0) -> torch.Tensor:
    x = torch.randn(B, D, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return torch.nn.functional.normalize(x, dim=1)


def assert_near(got: torch.Tensor, expected: np.ndarray, tolerance: float = 1e-9) -> None:
    scale = np.abs(expected).max()
    assert np.abs(got.numpy() - expected).max() <= tolerance * scale


@pytest.mark.parametrize("unit_diagonal", [False, True])
@pytest.mark.parametrize("B", [2, 3, 17, 64])
@pytest.mark.parametrize("name", list(KERNELS))
def test_equals_one_solve_per_anchor(name: str, B: int, unit_diagonal: bool) -> None:
    x = unit_rows(B, 16, seed=B)
    for sigma, ridge in [(0.07, 0.1), (1.0, 1e-3), (10.0, 0.1), (1.0, 2.0)]:
        K = KERNELS[name](x, x, sigma)
        raw = literal.solve(K.numpy(), ridge, math.inf, own=1.0 if unit_diagonal else None)
        for C in (None, 1.0, float(np.median(raw[raw > 0])) if (raw > 0).any() else 1.0):
            machines = max_margin_weights(K, C=C, ridge=ridge, unit_diagonal=unit_diagonal)
            assert machines.iterations == 0
            assert_near(machines.alpha, np.minimum(raw, math.inf if C is None else C))


def test_unit_diagonal_matters_only_where_the_diagonal_is_not_one() -> None:
    x = unit_rows(9, 5)
    for name, same in [("rbf", True), ("linear", True), ("poly", False), ("tanh", False), ("min", False)]:
        K = KERNELS[name](x, x, 1.0)
        a = max_margin_weights(K, ridge=1.0).alpha
        b = max_margin_weights(K, ridge=1.0, unit_diagonal=True).alpha
        assert torch.allclose(a, b) is same, name


@given(cosine=st.floats(-1, 0.999), ridge=st.floats(1e-3, 10), C=st.floats(0.05, 5))
@settings(max_examples=30, deadline=None)
def test_two_samples(cosine: float, ridge: float, C: float) -> None:
    K = torch.tensor([[1.0, cosine], [cosine, 1.0]], dtype=torch.float64)
    for solver in ("inverse", "pgd"):
        alpha = max_margin_weights(K, C=C, ridge=ridge, solver=solver).alpha
        wanted = min(C, 2 / (2 - 2 * cosine + ridge))
        assert alpha[0, 1].item() == pytest.approx(wanted, rel=1e-9)
        assert alpha[1, 0].item() == pytest.approx(wanted, rel=1e-9)


@pytest.mark.parametrize("B", [2, 5, 32])
def test_orthonormal_rows(B: int) -> None:
    K = torch.eye(B, dtype=torch.float64)
    alpha = max_margin_weights(K, ridge=0.3).alpha
    off = ~torch.eye(B, dtype=torch.bool)
    torch.testing.assert_close(alpha[off], torch.full((B * (B - 1),), 2 / (B + 0.3), dtype=torch.float64))
    torch.testing.assert_close(alpha.sum(1), torch.full((B,), 2 * (B - 1) / (B + 0.3), dtype=torch.float64))


def test_a_narrow_kernel_selects_nothing() -> None:
    x = unit_rows(20, 6)
    alpha = max_margin_weights(KERNELS["rbf"](x, x, 1e-4), ridge=0.1).alpha
    off = ~torch.eye(20, dtype=torch.bool)
    torch.testing.assert_close(alpha[off], torch.full((380,), 2 / 20.1, dtype=torch.float64), rtol=1e-6, atol=0)


def test_a_very_wide_kernel_loses_no_digits() -> None:
    x = unit_rows(12, 6)
    for sigma in (1e3, 1e6):
        K = KERNELS["rbf"](x, x, sigma)
        for ridge in (0.1, 1e-4):
            assert_near(max_margin_weights(K, ridge=ridge).alpha, literal.solve(K.numpy(), ridge, math.inf), 1e-8)


def test_identical_rows_are_fine_with_a_ridge() -> None:
    alpha = max_margin_weights(torch.ones(6, 6, dtype=torch.float64), ridge=0.1).alpha
    off = ~torch.eye(6, dtype=torch.bool)
    torch.testing.assert_close(alpha[off], torch.full((30,), 20.0, dtype=torch.float64))  # 2 / ridge


@pytest.mark.parametrize("B", [3, 10, 40])
def test_a_tiny_ridge(B: int) -> None:
    x = unit_rows(B, 50, seed=3)
    K = KERNELS["rbf"](x, x, 0.5)
    for ridge in (1e-8, 0.0):
        assert_near(max_margin_weights(K, ridge=ridge).alpha, literal.solve(K.numpy(), ridge, math.inf), 1e-8)


@pytest.mark.parametrize("name", ["rbf", "linear", "poly", "min"])
def test_duplicates_without_a_ridge_are_refused(name: str) -> None:
    x = unit_rows(8, 20)
    x[5] = x[2]
    with pytest.raises(ArgumentError, match="Raise ridge"):
        max_margin_weights(KERNELS[name](x, x, 1.0), ridge=0.0)


def test_dependent_rows_without_a_ridge_are_refused() -> None:
    x = unit_rows(20, 4)
    with pytest.raises(ArgumentError, match="Raise ridge"):
        max_margin_weights(x @ x.T, ridge=0.0)


def test_an_indefinite_kernel_falls_back_to_lu() -> None:
    x = 3 * unit_rows(10, 3, seed=2)
    K = torch.tanh(4 * (x @ x.T) - 1.0)
    assert torch.linalg.eigvalsh(K - K.mean(0) - K.mean(0)[:, None] + K.mean()).min() < -0.05
    assert_near(max_margin_weights(K, ridge=1e-2).alpha, literal.solve(K.numpy(), 1e-2, math.inf))


@pytest.mark.parametrize("shape", [(3, 4), (1, 1), (2, 3, 3)])
def test_what_is_no_kernel_matrix_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ArgumentError, match="B at least 2"):
        max_margin_weights(torch.ones(shape))
