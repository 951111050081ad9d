"""Divergences of predictions: against a literal loop, in closed forms, and whom they train."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.robustness import divergence, symmetric_divergence

MASK = torch.tensor([[1, 1, 0], [1, 0, 0]], dtype=torch.bool)


def logits(seed: int, *shape: int) -> Tensor:
    return 3 * torch.randn(*(shape or (2, 3, 5)), generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def literal(p: Tensor, q: Tensor) -> Tensor:
    total = p.new_zeros(())
    for b in range(2):
        for t in range(3):
            if MASK[b, t]:
                one, other = p[b, t].exp() / p[b, t].exp().sum(), q[b, t].exp() / q[b, t].exp().sum()
                for m in range(5):
                    total = total + one[m] * (one[m] / other[m]).log()
    return total


def test_value_and_gradient_are_those_of_a_loop() -> None:
    p, q = logits(0).requires_grad_(), logits(1).requires_grad_()
    found, expected = divergence(p, q, mask=MASK, reduction="sum"), literal(p, q)
    assert torch.allclose(found, expected)
    for one, other in zip(torch.autograd.grad(found, (p, q)), torch.autograd.grad(expected, (p, q)), strict=True):
        assert torch.allclose(one, other)
    assert torch.allclose(divergence(p, q, mask=MASK), expected / 3)
    assert torch.allclose(divergence(p, q, mask=MASK, reduction="none").sum(), expected)
    assert torch.allclose(divergence(p, q), divergence(p, q, reduction="none").mean())


def test_closed_forms() -> None:
    sure, uniform = torch.tensor([[200.0, 0.0, 0.0, 0.0]]), torch.zeros(1, 4)
    assert float(divergence(sure, uniform)) == pytest.approx(math.log(4))
    assert float(divergence(logits(0), logits(0) + 7.0)) == pytest.approx(0.0, abs=1e-14)
    assert float(divergence(uniform, sure)) == pytest.approx(150.0 - math.log(4))
    nobody = torch.zeros(2, 3, dtype=torch.bool)
    assert float(divergence(logits(0), logits(1), mask=nobody)) == 0.0


def test_the_symmetric_one_does_not_care_who_is_perturbed_and_trains_both() -> None:
    p, q = logits(0).requires_grad_(), logits(1).requires_grad_()
    one, other = symmetric_divergence(p, q, mask=MASK), symmetric_divergence(q, p, mask=MASK)
    assert torch.allclose(one, other, rtol=1e-12)
    expected = (literal(p.detach(), q) + literal(q.detach(), p)) / 3
    assert torch.allclose(one, expected)
    for found, loop in zip(torch.autograd.grad(one, (p, q)), torch.autograd.grad(expected, (p, q)), strict=True):
        assert torch.allclose(found, loop)
    (alone,) = torch.autograd.grad(divergence(p.detach(), q, mask=MASK), q)
    assert torch.allclose(torch.autograd.grad(symmetric_divergence(p, q, mask=MASK), q)[0], alone)


def test_half_precision_is_computed_in_float32() -> None:
    p, q = logits(0).bfloat16(), logits(1).bfloat16()
    assert divergence(p, q).dtype == torch.float32
    assert torch.allclose(divergence(p, q), divergence(p.float(), q.float()))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert symmetric_divergence(p, q).dtype == torch.float32


def test_slips_are_named() -> None:
    with pytest.raises(ArgumentError, match=r"p is \(2, 3, 5\), q \(2, 3, 4\)"):
        divergence(logits(0), logits(1, 2, 3, 4))
    with pytest.raises(ArgumentError, match=r"mask is \(3,\)"):
        divergence(logits(0), logits(1), mask=MASK[0])
    with pytest.raises(ArgumentError, match="reduction must be one of mean, sum, none"):
        divergence(logits(0), logits(1), reduction="average")
