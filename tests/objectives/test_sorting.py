"""Soft sorting networks: they sort when steep, they are doubly stochastic always."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from contrapose.errors import ArgumentError, NonFiniteError
from contrapose.objectives.ranking.sorting import DISTRIBUTIONS, NETWORKS, soft_sort, weight_at_ranks

SIZES = (2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17)


def some_rows(n: int, count: int = 3) -> Tensor:
    return torch.randn(count, n, generator=torch.Generator().manual_seed(n), dtype=torch.float64)


def sort_hard(x: Tensor, network: str) -> Tensor:
    """The comparators of the network, applied literally."""
    x = x.clone()
    for layer in NETWORKS[network](x.shape[1]):
        for wire, (partner, sign) in enumerate(zip(layer.partner, layer.sign, strict=True)):
            if sign > 0 and partner != wire:
                low, high = torch.minimum(x[:, wire], x[:, partner]), torch.maximum(x[:, wire], x[:, partner])
                x[:, wire], x[:, partner] = low, high
    return x


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("n", SIZES)
def test_rows_and_columns_sum_to_one(network: str, n: int) -> None:
    for distribution in DISTRIBUTIONS:
        _, P = soft_sort(some_rows(n), network=network, distribution=distribution, steepness=2.0)
        torch.testing.assert_close(P.sum(1), torch.ones(3, n, dtype=torch.float64), atol=1e-6, rtol=0)
        torch.testing.assert_close(P.sum(2), torch.ones(3, n, dtype=torch.float64), atol=1e-6, rtol=0)
        assert (P >= 0).all()


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("n", SIZES)
def test_a_steep_network_sorts(network: str, n: int) -> None:
    x = torch.stack([torch.randperm(n, generator=torch.Generator().manual_seed(i)) for i in range(20)]).double()
    values, P = soft_sort(x, network=network, steepness=1e9)
    order = x.sort(dim=1)
    torch.testing.assert_close(values, order.values, atol=1e-4, rtol=0)
    hard = torch.zeros_like(P).scatter_(1, order.indices.unsqueeze(1), 1.0)  # element indices[r] is at rank r
    torch.testing.assert_close(P, hard, atol=1e-4, rtol=0)


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("n", SIZES)
def test_every_list_of_zeros_and_ones_is_sorted(network: str, n: int) -> None:
    """By the 0-1 principle the network then sorts every list of this length."""
    numbers = torch.arange(2**n)
    bits = (numbers.unsqueeze(1) >> torch.arange(n) & 1).to(torch.int8)  # (2^n, n)
    assert (sort_hard(bits, network).diff(dim=1) >= 0).all()


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("n", [21, 33, 51, 100])
def test_longer_lists_are_sorted(network: str, n: int) -> None:
    x = torch.rand(200, n, generator=torch.Generator().manual_seed(0))
    bits = (x < torch.rand(200, 1, generator=torch.Generator().manual_seed(1))).to(torch.int8)
    assert (sort_hard(bits, network).diff(dim=1) >= 0).all()
    assert torch.equal(sort_hard(x, network), x.sort(dim=1).values)


def test_layers() -> None:
    assert [len(NETWORKS["odd_even"](n)) for n in (2, 5, 9, 10, 11)] == [2, 5, 9, 10, 11]
    assert [len(NETWORKS["bitonic"](n)) for n in (2, 5, 8, 9, 10, 11, 16)] == [1, 6, 6, 10, 10, 10, 10]
    assert NETWORKS["odd_even"](5)[1].partner == (0, 2, 1, 4, 3)  # the second layer leaves the first wire alone


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("distribution", ["cauchy", "logistic", "reciprocal", "optimal"])
def test_scale_and_steepness_are_one_thing(network: str, distribution: str) -> None:
    x, options = some_rows(7), {"network": network, "distribution": distribution}
    _, P = soft_sort(x, steepness=3.0, **options)
    _, scaled = soft_sort(5 * x, steepness=0.6, **options)
    torch.testing.assert_close(scaled, P)


@pytest.mark.parametrize("network", NETWORKS)
def test_relaxed_values_are_means_of_the_elements(network: str) -> None:
    x = some_rows(6)
    values, P = soft_sort(x, network=network)
    torch.testing.assert_close(values, torch.einsum("bi,bir->br", x, P))


@pytest.mark.parametrize("network", NETWORKS)
def test_weight_at_ranks_is_the_matrix_times_the_marks(network: str) -> None:
    x, marks = some_rows(9).requires_grad_(), torch.tensor([0.0, 0, 1, 0, 2, 0, 0, 1, 1], dtype=torch.float64)
    _, P = soft_sort(x, network=network, distribution="logistic", steepness=1.5)
    expected = P @ marks
    weight = weight_at_ranks(x, marks, network=network, distribution="logistic", steepness=1.5)
    torch.testing.assert_close(weight, expected)
    seed = torch.randn(3, 9, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    (gradient,) = torch.autograd.grad((weight * seed).sum(), x)
    (expected_gradient,) = torch.autograd.grad((expected * seed).sum(), x)
    torch.testing.assert_close(gradient, expected_gradient)


def test_two_elements_in_closed_form() -> None:
    closed = {
        "cauchy": math.atan(4.0) / math.pi + 0.5,
        "logistic": 1 / (1 + math.exp(-4.0)),
        "logistic_phi": 1 / (1 + math.exp(-4.0 / 2**0.25)),
        "reciprocal": 4 / 6 / 2 + 0.5,
        "optimal": 1 - 1 / 64,
    }
    x = torch.tensor([[-1.0, 1.0]], dtype=torch.float64)
    for name, kept in closed.items():
        _, P = soft_sort(x, network="bitonic", distribution=name, steepness=2.0)
        assert float(P[0, 0, 0]) == pytest.approx(kept)
        _, even = soft_sort(torch.ones(1, 2), network="bitonic", distribution=name)
        assert even.flatten().tolist() == [0.5] * 4


def test_distributions_are_monotone_and_symmetric() -> None:
    v = torch.linspace(-6, 6, 1201, dtype=torch.float64)
    for name, kept in DISTRIBUTIONS.items():
        shares = kept(v, v)
        assert (shares.diff() > 0).all(), name
        torch.testing.assert_close(shares + shares.flip(0), torch.ones_like(v))
    edge = torch.tensor([0.25, 0.25 + 1e-9], dtype=torch.float64)  # where "optimal" changes its form
    torch.testing.assert_close(DISTRIBUTIONS["optimal"](edge, edge), torch.full_like(edge, 0.75))


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_gradient_is_the_derivative(distribution: str) -> None:
    x, marks = some_rows(5).requires_grad_(), torch.tensor([0.0, 0, 0, 1, 1], dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda x: weight_at_ranks(x, marks, distribution=distribution), x)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_half_precision_is_sorted_in_float32(distribution: str, dtype: torch.dtype) -> None:
    x = some_rows(5).to(dtype)
    x[:, 1] = x[:, 0]  # a tie
    x.requires_grad_()
    marks = torch.tensor([0, 0, 0, 1, 1])
    values, P = soft_sort(x, distribution=distribution)
    weight = weight_at_ranks(x, marks, distribution=distribution)
    expected_values, expected = soft_sort(x.detach().float(), distribution=distribution)
    assert torch.equal(values, expected_values)
    assert torch.equal(P, expected)
    torch.testing.assert_close(weight, expected @ marks.float())
    for of in (values, weight):
        (gradient,) = torch.autograd.grad(of[:, 0].sum(), x, retain_graph=True)
        assert gradient.isfinite().all()


@pytest.mark.parametrize("sort", [soft_sort, lambda x: weight_at_ranks(x, torch.ones(2))], ids=["sort", "weights"])
def test_what_has_no_rank_is_refused(sort: Callable[[Tensor], object]) -> None:
    for strange in (math.nan, math.inf):
        with pytest.raises(NonFiniteError, match="1 of 2 values are NaN or infinite"):
            sort(torch.tensor([[0.0, strange]]))
    with pytest.raises(ArgumentError, match="floating point; got int64"):
        sort(torch.tensor([[0, 1]]))


@pytest.mark.parametrize(
    ("x", "options", "word"),
    [
        (torch.randn(3, 1), {}, "at least 2 values"),
        (torch.randn(3), {}, "at least 2 values"),
        (torch.randn(3, 4), {"network": "odd-even"}, "Unknown network 'odd-even'. Did you mean 'odd_even'"),
        (torch.randn(3, 4), {"distribution": "cauchi"}, "Did you mean 'cauchy'"),
        (torch.randn(3, 4), {"steepness": 0.0}, "steepness"),
        (torch.randn(3, 4), {"steepness": math.nan}, "steepness"),
    ],
)
def test_bad_input_is_named(x: Tensor, options: dict, word: str) -> None:
    with pytest.raises(ArgumentError, match=word):
        soft_sort(x, **options)
