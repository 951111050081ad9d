"""Projected gradient for all anchors: step for step against one anchor at a time; optimality; divergence."""

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
from contrapose.objectives.max_margin.problem import Problem
from contrapose.objectives.max_margin.projected_gradient import solve_projected_gradient


def kernel_matrix(B: int, *, name: str = "rbf", sigma: float = 1.0, seed: int = 0, D: int = 8) -> torch.Tensor:
    x = torch.randn(B, D, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    x = torch.nn.functional.normalize(x, dim=1)
    return KERNELS[name](x, x, sigma)


def random_start(B: int, upper: float, seed: int = 1) -> torch.Tensor:
    start = torch.randn(B, B, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return start.clamp(0, upper).fill_diagonal_(0.0)


@pytest.mark.parametrize("momentum", ["vanilla", "nesterov"])
@pytest.mark.parametrize("step", ["frobenius", 1e-2])
@pytest.mark.parametrize("upper", [math.inf, 0.4])
@pytest.mark.parametrize("name", ["rbf", "linear", "poly", "min"])
def test_step_for_step(momentum: str, step: str | float, upper: float, name: str) -> None:
    for B, iterations in [(2, 3), (3, 40), (17, 1), (17, 40)]:
        K, start = kernel_matrix(B, name=name), random_start(B, upper)
        problem = Problem.of(K, ridge=0.1, upper=upper)
        options = {"step": step, "momentum": momentum, "iterations": iterations}
        got, taken = solve_projected_gradient(problem, start, tolerance=None, restart=False, **options)
        expected, _ = literal.descend(K.numpy(), start.numpy(), 0.1, upper, **options)
        assert taken == iterations
        np.testing.assert_allclose(got.numpy(), expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("momentum", ["vanilla", "nesterov"])
def test_stops_where_the_literal_one_stops(momentum: str) -> None:
    K, start = kernel_matrix(12), random_start(12, math.inf)
    options = {"step": "frobenius", "momentum": momentum, "iterations": 1000, "tolerance": 1e-2}
    got, taken = solve_projected_gradient(Problem.of(K, ridge=0.1, upper=math.inf), start, restart=False, **options)
    expected, wanted = literal.descend(K.numpy(), start.numpy(), 0.1, math.inf, **options)
    assert 1 < taken == wanted < 1000
    np.testing.assert_allclose(got.numpy(), expected, rtol=1e-8, atol=1e-12)


def test_one_vanilla_step_is_the_formula() -> None:
    K, start = kernel_matrix(9), random_start(9, 0.5)
    problem = Problem.of(K, ridge=0.1, upper=0.5)
    got, _ = solve_projected_gradient(problem, start, step=0.03, momentum="vanilla", iterations=1)
    for t in range(9):
        rest = literal.others(t, 9)
        a = start.numpy()[t, rest]
        np.testing.assert_allclose(
            got.numpy()[t, rest],
            np.clip(a - 0.03 * (literal.delta(K.numpy(), t, 0.1) @ a - 2), 0, 0.5),
            atol=1e-13,
        )
        assert got[t, t] == 0


@given(
    seed=st.integers(0, 1000),
    B=st.integers(2, 12),
    sigma=st.floats(0.05, 20),
    C=st.sampled_from([None, 0.2, 1.0]),
)
@settings(max_examples=15, deadline=None)
def test_converged_weights_are_optimal(seed: int, B: int, sigma: float, C: float | None) -> None:
    K = kernel_matrix(B, sigma=sigma, seed=seed)
    inverse = max_margin_weights(K, C=C)
    machines = max_margin_weights(K, C=C, solver="pgd", tolerance=None, iterations=2000)
    upper = math.inf if C is None else C
    for t in range(B):
        rest = literal.others(t, B)
        a, D = machines.alpha.numpy()[t, rest], literal.delta(K.numpy(), t, 0.1)
        g = D @ a - 2
        free = (a > 0) & (a < upper)
        assert np.abs(g[free]).max(initial=0) < 1e-6
        assert g[a == 0].min(initial=0) > -1e-6
        assert g[a == upper].max(initial=0) < 1e-6
        b = inverse.alpha.numpy()[t, rest]
        assert a @ D @ a / 2 - 2 * a.sum() <= b @ D @ b / 2 - 2 * b.sum() + 1e-9
    assert machines.problem.residual(machines.alpha).max() < 1e-6


@pytest.mark.parametrize("start", ["inverse", "random"])
def test_equals_the_inverse_where_nothing_is_clipped(start: str) -> None:
    K = kernel_matrix(24, sigma=0.1, D=16)
    inverse = max_margin_weights(K).alpha
    assert (inverse > 0).sum() == 24 * 23
    options = {"solver": "pgd", "start": start, "tolerance": None, "iterations": 3000}
    pgd = max_margin_weights(K, generator=torch.Generator().manual_seed(0), **options).alpha
    torch.testing.assert_close(pgd, inverse, rtol=1e-8, atol=1e-10)


def test_wide_kernels_have_few_support_vectors_and_clipping_misses_them() -> None:
    K = kernel_matrix(40, sigma=10.0)
    inverse, pgd = max_margin_weights(K), max_margin_weights(K, solver="pgd", tolerance=None)
    assert (pgd.alpha == 0).sum() - 40 > 0.5 * 40 * 39
    gain = inverse.problem.objective(inverse.alpha) - pgd.problem.objective(pgd.alpha)
    assert (gain > 0.1 * pgd.problem.objective(pgd.alpha).abs()).any()


def test_restart_gets_closer_in_the_same_number_of_steps() -> None:
    K = kernel_matrix(40, sigma=1.0)
    problem = Problem.of(K, ridge=0.1, upper=math.inf)
    residual = {
        restart: problem.residual(
            solve_projected_gradient(
                problem, random_start(40, math.inf), restart=restart, tolerance=None, iterations=300
            )[0]
        ).max()
        for restart in (False, True)
    }
    assert residual[True] < 0.01 * residual[False]


@pytest.mark.parametrize("unit_diagonal", [False, True])
@pytest.mark.parametrize("name", list(KERNELS))
def test_norms_and_eigenvalues(name: str, unit_diagonal: bool) -> None:
    for B, sigma in [(2, 1.0), (3, 10.0), (30, 0.1), (30, 1.0), (30, 1e5)]:
        K = kernel_matrix(B, name=name, sigma=sigma)
        problem = Problem.of(K, ridge=0.1, upper=math.inf, unit_diagonal=unit_diagonal)
        matrices = [literal.delta(K.numpy(), t, 0.1, 1.0 if unit_diagonal else None) for t in range(B)]
        np.testing.assert_allclose(problem.frobenius().numpy(), [np.linalg.norm(d) for d in matrices], rtol=1e-9)
        top = np.array([np.abs(np.linalg.eigvalsh(d)).max() for d in matrices])
        ratio = problem.largest_eigenvalue().numpy() / top
        assert ratio.min() > 0.9
        assert ratio.max() < 1 + 1e-9


def test_the_power_method_sees_a_symmetric_batch() -> None:
    x = torch.tensor([[0.0, 1.0], [3.0, 1.0], [-3.0, 1.0]], dtype=torch.float64)  # the leading vector of row 0: (1, -1)
    problem = Problem.of(x @ x.T, ridge=0.0, upper=math.inf)
    assert problem.largest_eigenvalue()[0].item() == pytest.approx(18.0)


def test_the_power_step_is_longer_where_the_ridge_dominates() -> None:
    K = kernel_matrix(60, sigma=1e4)
    taken = {
        step: max_margin_weights(
            K,
            solver="pgd",
            step=step,
            momentum="vanilla",
            start="random",
            tolerance=1e-6,
            generator=torch.Generator(),
        ).iterations
        for step in ("frobenius", "power")
    }
    assert taken["power"] < 0.6 * taken["frobenius"]


@pytest.mark.parametrize("C", [None, 1.0])
@pytest.mark.parametrize("momentum", ["vanilla", "nesterov"])
@pytest.mark.parametrize("iterations", [50, 51])
def test_a_step_that_diverges_is_refused(momentum: str, C: float | None, iterations: int) -> None:
    K = kernel_matrix(64, sigma=0.01)  # largest eigenvalue about 64
    options = {"solver": "pgd", "momentum": momentum, "C": C, "iterations": iterations, "start": "random"}
    generator = torch.Generator().manual_seed(0)
    with pytest.raises(ArgumentError, match=r"step=0\.1 .* largest eigenvalue .* 64\.\d+.*step='frobenius'"):
        max_margin_weights(K, step=0.1, generator=generator, **options)
    max_margin_weights(K, step=0.01, generator=generator, **options)


def test_problems_without_a_minimum_are_refused() -> None:
    x = torch.randn(12, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    K = -(x @ x.T)
    with pytest.raises(ArgumentError, match="Set C"):
        max_margin_weights(K, solver="pgd")
    bounded = max_margin_weights(K, solver="pgd", C=1.0).alpha
    assert bounded.isfinite().all()
    assert bounded.max() <= 1


def test_a_random_start_comes_from_the_generator_alone() -> None:
    K = kernel_matrix(10)
    options = {"solver": "pgd", "start": "random", "iterations": 3}
    first = max_margin_weights(K, generator=torch.Generator().manual_seed(5), **options).alpha
    torch.manual_seed(123)
    before = torch.get_rng_state()
    again = max_margin_weights(K, generator=torch.Generator().manual_seed(5), **options).alpha
    assert torch.equal(first, again)
    assert torch.equal(before, torch.get_rng_state())
    other = max_margin_weights(K, generator=torch.Generator().manual_seed(6), **options).alpha
    assert not torch.allclose(first, other)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"step": "frobenus"}, "Did you mean 'frobenius'"),
        ({"step": -1.0}, "step must be a positive number"),
        ({"step": math.nan}, "step must be a positive number"),
        ({"momentum": "nestrov"}, "Did you mean 'nesterov'"),
        ({"start": "rndom"}, "Did you mean 'random'"),
        ({"iterations": 0}, "iterations must be at least 1"),
        ({"tolerance": 0.0}, "tolerance must be positive"),
    ],
)
def test_bad_options(options: dict, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        max_margin_weights(kernel_matrix(4), solver="pgd", **options)
