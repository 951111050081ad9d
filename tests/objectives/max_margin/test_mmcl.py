"""`mmcl` itself: the loss, its gradient, its symmetries, two simulated ranks, precision and errors."""

from __future__ import annotations

import functools
import math

import literal_max_margin as literal
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from contrapose.errors import ArgumentError
from contrapose.objectives.max_margin import KERNELS, kernels, max_margin_weights, mmcl

RESOLVED = {"solver": "pgd", "tolerance": None, "iterations": 300}


def views(B: int = 10, D: int = 6, seed: int = 0, noise: float = 0.3) -> torch.Tensor:
    g = torch.Generator().manual_seed(seed)
    x = torch.randn(B, D, generator=g, dtype=torch.float64)
    return torch.stack([x, x + noise * torch.randn(B, D, generator=g, dtype=torch.float64)])


def unit(z: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.normalize(z, dim=-1)


@pytest.mark.parametrize("solver", [{}, RESOLVED])
@pytest.mark.parametrize("name", list(KERNELS))
@pytest.mark.parametrize("normalize", [True, False])
def test_equals_the_sum_written_out(name: str, solver: dict, normalize: bool) -> None:
    z = views()
    x, y = unit(z) if normalize else z
    alpha = max_margin_weights(KERNELS[name](x, x, 1.5), C=0.7, **solver).alpha
    expected = torch.from_numpy(literal.loss(KERNELS[name](x, y, 1.5).numpy(), alpha.numpy()))
    options = {"kernel": name, "sigma": 1.5, "C": 0.7, "normalize": normalize, **solver}
    torch.testing.assert_close(mmcl(z, reduction="none", **options), expected)
    torch.testing.assert_close(mmcl(z, **options), expected.mean())


@given(seed=st.integers(0, 10_000), C=st.sampled_from([None, -1.0, 0.5]), ridge=st.floats(0.01, 1))
@settings(max_examples=25, deadline=None)
def test_two_samples(seed: int, C: float | None, ridge: float) -> None:
    z = views(B=2, seed=seed)
    x, y = unit(z)
    k = kernels.rbf(x, y, 0.8)
    alpha = 2 / (2 - 2 * kernels.rbf(x, x, 0.8)[0, 1] + ridge)
    alpha = alpha if C in (None, -1) else alpha.clamp(max=C)
    expected = alpha * ((k[1, 0] - k[0, 0]) + (k[0, 1] - k[1, 1])) / 2
    for solver in ({}, RESOLVED):
        torch.testing.assert_close(mmcl(z, sigma=0.8, C=C, ridge=ridge, **solver), expected, rtol=1e-8, atol=1e-10)


def test_a_tiny_bound_weighs_all_alike() -> None:
    z = views(B=8)
    k = kernels.rbf(*unit(z), 1.0)
    positive = k.diagonal()
    expected = 1e-4 * ((k.sum() - positive.sum()) - 7 * positive.sum()) / 8
    for solver in ({}, RESOLVED):
        loss, statistics = mmcl(z, C=1e-4, sigma=1.0, return_statistics=True, ridge=1.0, **solver)
        if statistics.zero_share == 0:
            torch.testing.assert_close(loss, expected)
            assert statistics.saturated_share == 1
    assert statistics.zero_share == 0, "the converged solution has every weight at the bound"


@pytest.mark.parametrize("solver", [{}, RESOLVED])
@pytest.mark.parametrize("name", list(KERNELS))
def test_the_gradient_is_that_of_frozen_weights(name: str, solver: dict) -> None:
    z = views().requires_grad_()
    options = {"C": 1.0, **solver}
    (got,) = torch.autograd.grad(mmcl(z, kernel=name, **options), z)
    x = unit(z.detach()[0])
    alpha = max_margin_weights(KERNELS[name](x, x, 1.0), **options).alpha

    def frozen(z: torch.Tensor) -> torch.Tensor:
        x, y = unit(z)
        k = KERNELS[name](x, y, 1.0)  # (B, B): [j, t]
        return ((alpha.T * k).sum(0) - alpha.sum(1) * k.diagonal()).mean()

    h = 1e-6
    direction = torch.randn(z.shape, generator=torch.Generator().manual_seed(4), dtype=torch.float64)
    with torch.no_grad():
        numeric = (frozen(z + h * direction) - frozen(z - h * direction)) / (2 * h)
        moving = (mmcl(z + h * direction, kernel=name, **options) - mmcl(z - h * direction, kernel=name, **options)) / (
            2 * h
        )
    assert (got * direction).sum().item() == pytest.approx(numeric.item(), rel=1e-5, abs=1e-7)
    assert abs((moving - numeric).item()) > 1e-3 * abs(numeric.item()), "the weights are not part of the derivative"


def test_gradcheck_in_the_second_view() -> None:
    z = views(B=5)
    second = z[1].clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda y: mmcl(torch.stack([z[0], y]), reduction="none"), (second,))


@given(
    seed=st.integers(0, 10_000),
    solver=st.sampled_from([{}, {"solver": "pgd"}, {"solver": "pgd", "step": "power"}]),
)
@settings(max_examples=20, deadline=None)
def test_the_order_of_samples_does_not_matter(seed: int, solver: dict) -> None:
    z = views(B=9, seed=seed)
    order = torch.randperm(9, generator=torch.Generator().manual_seed(seed))
    per_anchor = mmcl(z, reduction="none", **solver)
    torch.testing.assert_close(mmcl(z[:, order], reduction="none", **solver), per_anchor[order], rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("name", ["rbf", "linear", "poly", "tanh"])
def test_rotations_do_not_matter(name: str) -> None:
    z = views()
    q, _ = torch.linalg.qr(torch.randn(6, 6, generator=torch.Generator().manual_seed(9), dtype=torch.float64))
    options = {"kernel": name, "C": 1.0}
    torch.testing.assert_close(mmcl(z @ q, **options), mmcl(z, **options))


def test_roles_of_the_views() -> None:
    z = views()
    there, back = mmcl(z), mmcl(z.flip(0))
    assert abs((there - back).item()) > 1e-3
    torch.testing.assert_close(mmcl(z, symmetric=True), (there + back) / 2)
    _, one = mmcl(z, return_statistics=True)
    _, other = mmcl(z.flip(0), return_statistics=True)
    _, both = mmcl(z, symmetric=True, return_statistics=True)
    assert both.positive_kernel == pytest.approx((one.positive_kernel + other.positive_kernel) / 2)
    assert both.largest_weight == max(one.largest_weight, other.largest_weight)


def test_collapse_costs_nothing() -> None:
    assert mmcl(torch.ones(2, 8, 4)).item() == pytest.approx(0, abs=1e-4)


@pytest.mark.parametrize("options", [{}, {"symmetric": True}, {"solver": "pgd"}])
def test_two_simulated_ranks(options: dict) -> None:
    z = views(B=12).requires_grad_()
    whole = mmcl(z, **options)
    (gradient,) = torch.autograd.grad(whole, z)
    parts = [mmcl(z, rows=torch.arange(start, start + 6), **options) for start in (0, 6)]
    torch.testing.assert_close(sum(parts) / 2, whole)
    summed = sum(torch.autograd.grad(part, z)[0] for part in parts) / 2
    torch.testing.assert_close(summed, gradient)
    rows = torch.tensor([7, 2, 2])
    every = mmcl(z, reduction="none", **options)
    torch.testing.assert_close(mmcl(z, rows=rows, reduction="none", **options), every[rows])


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("solver", [{}, {"solver": "pgd"}])
def test_narrow_numbers(dtype: torch.dtype, solver: dict) -> None:
    z = views(B=32, D=16).to(dtype).requires_grad_()
    loss = mmcl(z, **solver)
    exact = mmcl(z.detach().double(), **solver)
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(exact.item(), rel=1e-4)
    loss.backward()
    assert z.grad.dtype == dtype
    assert z.grad.isfinite().all()
    assert z.grad.abs().max() > 0


def test_autocast_changes_nothing() -> None:
    z = views(B=16).float()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = mmcl(z)
    torch.testing.assert_close(inside, mmcl(z), rtol=0, atol=0)


def test_statistics() -> None:
    z = views(B=20)
    x, y = unit(z)
    loss, got = mmcl(z, sigma=5.0, C=2.0, return_statistics=True, **RESOLVED)
    alpha = max_margin_weights(kernels.rbf(x, x, 5.0), C=2.0, **RESOLVED).alpha
    off = ~torch.eye(20, dtype=torch.bool)
    k = kernels.rbf(x, y, 5.0)
    torch.testing.assert_close(loss, mmcl(z, sigma=5.0, C=2.0, **RESOLVED))
    assert got.zero_share == pytest.approx((alpha[off] == 0).double().mean().item())
    assert 0.3 < got.zero_share < 1
    assert got.saturated_share == pytest.approx(((alpha == 2).sum() / (alpha > 0).sum()).item())
    assert got.saturated_share > 0
    assert got.positive_kernel == pytest.approx(k.diagonal().mean().item())
    assert got.negative_kernel == pytest.approx(k[off].mean().item())
    assert got.iterations == 300
    assert got.largest_weight == 2.0
    assert got.residual < 1e-4
    _, inverse = mmcl(z, sigma=5.0, C=2.0, return_statistics=True)
    assert inverse.iterations == 0
    assert inverse.residual > 0.1
    _, unbounded = mmcl(z, return_statistics=True)
    assert unbounded.saturated_share == 0


def test_a_kernel_of_ones_own() -> None:
    z = views()
    quadratic = functools.partial(kernels.poly, power=2)
    x, y = unit(z)
    alpha = max_margin_weights((x @ x.T + 0.5) ** 2).alpha
    expected = literal.loss(((x @ y.T + 0.5) ** 2).numpy(), alpha.numpy()).mean()
    assert mmcl(z, kernel=quadratic).item() == pytest.approx(expected)


def test_extreme_widths_have_finite_gradients() -> None:
    z = torch.stack([torch.eye(6), torch.eye(6).roll(1, 0)])
    z[1, 0] = -z[0, 0]
    for sigma in (1e-2, 1e6):
        for solver in ({}, {"solver": "pgd"}):
            leaf = z.clone().requires_grad_()
            mmcl(leaf, sigma=sigma, **solver).backward()
            assert leaf.grad.isfinite().all()


GOOD = torch.ones(2, 4, 3)


@pytest.mark.parametrize(
    ("z", "options", "message"),
    [
        (torch.ones(2, 1, 3), {}, r"at least two samples.*\(2, 1, 3\)"),
        (torch.ones(3, 4, 3), {}, r"\(2, B, D\); got \(3, 4, 3\)"),
        (torch.ones(8, 3), {}, r"\(2, B, D\); got \(8, 3\)"),
        (torch.ones(2, 4, 3, dtype=torch.long), {}, "floating point"),
        (GOOD, {"C": 0.0}, "C, the largest weight"),
        (GOOD, {"C": -2.0}, "C, the largest weight"),
        (GOOD, {"C": math.nan}, "C, the largest weight"),
        (GOOD, {"sigma": 0.0}, "sigma"),
        (GOOD, {"sigma": math.inf}, "sigma"),
        (GOOD, {"ridge": -0.1}, "ridge must be"),
        (GOOD, {"kernel": "rfb"}, "Unknown kernel 'rfb'. Did you mean 'rbf'"),
        (GOOD, {"solver": "invers"}, "Unknown solver 'invers'. Did you mean 'inverse'"),
        (GOOD, {"reduction": "sum"}, "Unknown reduction"),
        (GOOD, {"rows": torch.tensor([0, 4])}, r"\[0, 4\)"),
        (GOOD, {"rows": torch.tensor([-1])}, r"\[0, 4\)"),
        (GOOD, {"rows": torch.tensor([0.5])}, "rows must be"),
        (GOOD, {"rows": torch.tensor([], dtype=torch.long)}, "rows must be"),
        (GOOD, {"ridge": 0.0}, "Raise ridge"),
        (1e200 * GOOD.double(), {"normalize": False, "kernel": "poly"}, "kernel matrix .* not finite"),
    ],
)
def test_bad_inputs(z: torch.Tensor, options: dict, message: str) -> None:
    with pytest.raises(ArgumentError, match=message) as caught:
        mmcl(z, **options)
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_embeddings_that_are_not_finite(bad: float) -> None:
    z = views(B=6)
    z[1, 2, 0] = z[1, 4, 3] = bad
    with pytest.raises(ArgumentError, match="View 1 has 2 of 6 embeddings that are not finite"):
        mmcl(z)
