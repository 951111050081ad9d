"""Residual energies: a literal loop, closed forms, what they converge to, and samples that are taken by them."""

from __future__ import annotations

import math

import pytest
import torch

from contrapose.errors import ArgumentError
from contrapose.objectives import energy_weights, rerank, residual_energy


def test_it_is_the_loop_in_value_and_gradient() -> None:
    generator = torch.Generator().manual_seed(0)
    leaves = [torch.randn(size, generator=generator, dtype=torch.float64).requires_grad_() for size in (4, 7)]
    data, noise = leaves
    loops = [-torch.sigmoid(-e).log() for e in data], [-torch.sigmoid(e).log() for e in noise]
    expected = torch.stack(loops[0]).mean() + torch.stack(loops[1]).mean()
    wanted = torch.autograd.grad(expected, leaves)
    found = residual_energy(data, noise)
    torch.testing.assert_close(found, expected)
    for one, other in zip(torch.autograd.grad(found, leaves), wanted, strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_equal_energies_of_zero_are_two_coins(dtype: torch.dtype) -> None:
    loss = residual_energy(torch.zeros(3, dtype=dtype), torch.zeros(5, dtype=dtype))
    assert loss.dtype == torch.float32
    assert float(loss) == pytest.approx(2 * math.log(2))


def test_thirty_is_certain_and_a_thousand_overflows_nothing() -> None:
    low, high = torch.full((3,), -30.0).double(), torch.full((3,), 30.0).double()
    assert float(residual_energy(low, high)) < 1e-9
    assert float(residual_energy(1e3 * high.float(), 1e3 * low.float())) == pytest.approx(6e4)


def test_what_makes_it_least_is_the_ratio_of_model_and_data() -> None:
    """Three texts that the model writes evenly and the world does not: exp(-E) weighs them right."""
    energies = torch.zeros(3, dtype=torch.float64, requires_grad=True)
    shares, drawn = torch.tensor([0.7, 0.2, 0.1]).double(), 100
    world = torch.repeat_interleave(torch.arange(3), (drawn * shares).round().long())
    for _ in range(400):
        loss = residual_energy(energies[world], energies.repeat(20))
        (slope,) = torch.autograd.grad(loss, energies)
        energies = (energies - 4 * slope).detach().requires_grad_()
    torch.testing.assert_close(energies.detach(), (1 / 3 / shares).log(), rtol=0, atol=1e-4)
    torch.testing.assert_close(energy_weights(energies.detach()[None])[0], shares, rtol=0, atol=1e-4)


def test_samples_are_drawn_by_their_weights_or_the_least_energies_taken() -> None:
    energies = torch.tensor([[0.0, 1.0, -1.0, 1e4]]).repeat(20_000, 1)
    drawn = rerank(energies, generator=torch.Generator().manual_seed(0)).flatten()
    shares = drawn.bincount(minlength=4) / len(drawn)
    torch.testing.assert_close(shares, energy_weights(energies[:1])[0], rtol=0, atol=0.01)
    assert rerank(energies[:1], count=3).tolist() == [[2, 0, 1]]
    every = rerank(energies[:5], count=4, generator=torch.Generator().manual_seed(1))
    assert every.sort(dim=1).values.tolist() == 5 * [[0, 1, 2, 3]]  # without replacement, however small a share is


def test_slips_are_told() -> None:
    with pytest.raises(ArgumentError, match=r"noise must be a non-empty tensor of shape \(N\)"):
        residual_energy(torch.zeros(3), torch.zeros(0))
    with pytest.raises(ArgumentError, match="count must be from 1 to 4, the texts to take of; got 5"):
        rerank(torch.zeros(2, 4), count=5)
    with pytest.raises(ArgumentError, match="energies holds 1 values that are NaN"):
        energy_weights(torch.tensor([[0.0, math.nan]]))
