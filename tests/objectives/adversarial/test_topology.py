"""Neighbourhoods as graphs: closed forms, what they do not depend on, and what each end of a divergence is."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.objectives import pushed_apart, topology_deviation, topology_divergence, topology_graph


def rows(seed: int, count: int = 6, dimension: int = 4, dtype: torch.dtype = torch.float64) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, dimension, generator=generator, dtype=torch.float64).to(dtype)


def written_out(output: Tensor, target: Tensor) -> float:
    """The same by loops."""

    def graph(z: Tensor) -> list[list[float]]:
        z = torch.nn.functional.normalize(z, dim=1)
        found = []
        for i in range(len(z)):
            far = [1 - float(z[i] @ z[j]) for j in range(len(z))]
            nearest = min(value for j, value in enumerate(far) if j != i)
            near = [1.0 if j == i else 1 - (value - nearest) / 2 for j, value in enumerate(far)]
            found.append([value / sum(near) for value in near])
        return found

    total = 0.0
    for one, other in zip(graph(target), graph(output), strict=True):
        for t, q in zip(one, other, strict=True):
            total += t * math.log((t + 1e-7) / (q + 1e-7)) + (1 - t) * math.log((1 - t + 1e-7) / (1 - q + 1e-7))
    return total


def test_it_is_the_sum_that_is_written_out() -> None:
    u, w = rows(0), rows(1, dimension=5)
    assert float(topology_divergence(u, w)) == pytest.approx(written_out(u, w), rel=1e-9)
    assert abs(written_out(u, w) - written_out(w, u)) > 1e-4  # the ends are not the same
    twice = topology_divergence(u.repeat(1, 1), w)
    assert float(twice) > 0


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
def test_equal_sets_are_at_no_distance_and_no_set_is_nearer(dtype: torch.dtype) -> None:
    u, w = rows(0, dtype=dtype), rows(1, dtype=dtype)
    assert float(topology_divergence(u, u)) == 0
    assert float(topology_divergence(u, w)) > 1e-3
    assert topology_divergence(u, w).dtype == (torch.float64 if dtype == torch.float64 else torch.float32)


def test_lengths_of_rows_play_no_part() -> None:
    u, w = rows(0), rows(1)
    scale = torch.linspace(0.1, 7, 6, dtype=u.dtype)[:, None]
    expected = topology_divergence(u, w)
    torch.testing.assert_close(topology_divergence(scale * u, w), expected)
    torch.testing.assert_close(topology_divergence(u, scale.flip(0) * w), expected)


def test_the_nearest_other_is_seen_as_oneself() -> None:
    graph = topology_graph(rows(0))
    torch.testing.assert_close(graph.sum(dim=1), torch.ones(6, dtype=graph.dtype))
    others = graph.masked_fill(torch.eye(6, dtype=torch.bool), 0)
    torch.testing.assert_close(others.amax(dim=1), graph.diagonal())
    torch.testing.assert_close(topology_graph(torch.eye(5)), torch.full((5, 5), 0.2))


def test_of_two_samples_there_is_nothing_to_tell() -> None:
    u, w = rows(0, count=2).requires_grad_(), rows(1, count=2).requires_grad_()
    found = topology_divergence(u, w)
    found.backward()
    assert float(found.detach()) == pytest.approx(0, abs=1e-12)
    for side in (u, w):
        assert side.grad is not None
        assert float(side.grad.abs().max()) < 1e-12


def test_parts_of_the_rows_average_to_the_whole() -> None:
    u, w, v = rows(0), rows(1), rows(2)
    halves = [torch.arange(3), torch.arange(3, 6)]
    for of in (topology_deviation, pushed_apart):
        parts = torch.stack([of(u, w, v, rows=half) for half in halves]).mean()
        torch.testing.assert_close(parts, of(u, w, v))


def test_the_order_of_the_ends() -> None:
    u, w, v = rows(0), rows(1), rows(2)
    expected = -written_out(u, w) - 3 * written_out(w, v)
    assert float(topology_deviation(u, w, v, across=3)) == pytest.approx(expected, rel=1e-9)


def test_closed_forms_of_the_push() -> None:
    same = torch.ones(5, 3)
    assert float(pushed_apart(same, same, same, across=2)) == pytest.approx(-3 * math.log(5), rel=1e-5)
    apart = torch.eye(4, dtype=torch.float64)
    expected = -6 * math.log(1 + 3 * math.exp(-10))
    assert float(pushed_apart(apart, apart, apart, temperature=0.1)) == pytest.approx(expected, rel=1e-4)
    one_way = pushed_apart(apart, apart.roll(1, dims=0), apart, across=0, temperature=0.5)
    assert float(one_way) == pytest.approx(-math.log(3 + math.exp(2)), rel=1e-5)
    u, w, v = rows(0), rows(1), rows(2)
    assert float(pushed_apart(u, w, v)) != pytest.approx(float(pushed_apart(w, u, v)))  # queries are the clean ones


def test_gradients() -> None:
    sides = [rows(seed, count=4).requires_grad_() for seed in range(3)]
    assert torch.autograd.gradcheck(topology_deviation, sides)
    assert torch.autograd.gradcheck(pushed_apart, sides)


def test_bad_input() -> None:
    for wrong in (rows(0, count=1), rows(0).flatten()):
        with pytest.raises(ArgumentError, match="of two samples at least"):
            topology_graph(wrong)
    with pytest.raises(ArgumentError, match="same samples, got 6 and 5"):
        topology_divergence(rows(0), rows(1, count=5))
    for of in (topology_deviation, pushed_apart):
        with pytest.raises(ArgumentError, match="must be as many, got 6, 6, 5"):
            of(rows(0), rows(1), rows(2, count=5))
