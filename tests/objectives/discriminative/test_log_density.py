"""Logits as a log density: closed forms, literal loops, and what leaves cross-entropy as it is."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional

from contrapose.errors import ArgumentError, NonFiniteError
from contrapose.objectives import energy_difference, log_density, real_or_made, slope_penalty


def numbers(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def test_one_class_is_its_logit_and_a_constant_shifts_the_density_alone() -> None:
    one, many, labels = numbers(5, 1), numbers(5, 4), torch.tensor([0, 1, 2, 3, 0])
    assert log_density(one).equal(one[:, 0])
    torch.testing.assert_close(log_density(many + 2.5), log_density(many) + 2.5)
    torch.testing.assert_close(functional.cross_entropy(many + 2.5, labels), functional.cross_entropy(many, labels))
    torch.testing.assert_close(log_density(torch.full((2, 8), 3.0)), torch.full((2,), 3 + math.log(8)))
    assert log_density(torch.full((2, 3), 1e4)).isfinite().all()  # in log space


def test_chance_and_what_is_told_apart() -> None:
    zeros = torch.zeros(6)
    assert float(real_or_made(zeros, zeros)) == pytest.approx(math.log(2))
    for a in (0.5, 4.0, 90.0):
        value = float(real_or_made(torch.full((6,), a, dtype=torch.float64), torch.full((6,), -a, dtype=torch.float64)))
        assert value == pytest.approx(math.log1p(math.exp(-a)), rel=1e-9)
    assert float(energy_difference(zeros + 2, zeros - 1)) == -3.0


def test_it_is_the_mean_of_the_cross_entropies_of_both_halves() -> None:
    real, made = numbers(7).requires_grad_(), numbers(7, seed=1).requires_grad_()
    terms = [-math.log(1 / (1 + math.exp(-float(s)))) for s in real]
    terms += [-math.log(1 - 1 / (1 + math.exp(-float(s)))) for s in made]
    loss = real_or_made(real, made)
    assert float(loss) == pytest.approx(sum(terms) / 14, rel=1e-12)
    loss.backward()
    torch.testing.assert_close(real.grad, (torch.sigmoid(real) - 1).detach() / 14)
    torch.testing.assert_close(made.grad, torch.sigmoid(made).detach() / 14)
    assert torch.autograd.gradcheck(real_or_made, (real, made))


def test_reduced_precision_is_computed_in_float32() -> None:
    real, made = numbers(9, dtype=torch.float32), numbers(9, seed=2, dtype=torch.float32)
    loss = real_or_made(real.bfloat16(), made.bfloat16())
    assert loss.dtype == torch.float32
    torch.testing.assert_close(loss, real_or_made(real.bfloat16().float(), made.bfloat16().float()))


def test_of_a_linear_density_the_penalty_is_half_the_squared_slope() -> None:
    w, x = numbers(3, 2, 2), numbers(5, 3, 2, 2, seed=1).requires_grad_()
    w.requires_grad_()
    found = slope_penalty((x * w).flatten(1).sum(dim=1), x)
    assert float(found) == pytest.approx(0.5 * float(w.detach().square().sum()), rel=1e-6)
    found.backward()
    torch.testing.assert_close(w.grad, w.detach(), rtol=1e-5, atol=1e-6)  # it can be differentiated once more


def test_other_shapes_and_what_is_not_finite_are_refused() -> None:
    with pytest.raises(ArgumentError, match="logits"):
        log_density(torch.zeros(3))
    with pytest.raises(NonFiniteError):
        real_or_made(torch.tensor([0.0, math.nan]), torch.zeros(2))
    with pytest.raises(ArgumentError):
        energy_difference(torch.zeros(2, 2), torch.zeros(2))
