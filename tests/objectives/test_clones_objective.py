"""The loss of clone detection: a literal loop, one anchor in closed form, and columns of the own problem left out."""

from __future__ import annotations

import math

import pytest
import torch

from contrapose.errors import ArgumentError
from contrapose.objectives import clone_detection


def test_one_anchor_in_closed_form() -> None:
    a, p, n = (torch.tensor([row], dtype=torch.float64) for row in ([1.0, 2.0], [0.5, 0.2], [-1.0, 0.3]))
    right, wrong = math.exp(0.9), math.exp(-0.4)
    found = clone_detection(a, p, n, torch.tensor([7]))
    assert float(found) == pytest.approx(-math.log(right / (right + wrong) + 1e-10), rel=1e-12)


def test_it_is_the_literal_loop_in_value_and_gradient() -> None:
    generator = torch.Generator().manual_seed(0)
    a, p, n = (torch.randn(5, 3, generator=generator, dtype=torch.float64).requires_grad_() for _ in range(3))
    labels = torch.tensor([0, 1, 0, 2, 1])
    losses = []
    for i in range(5):
        right = (a[i] @ p[i]).exp()
        below = right + (a[i] @ n[i]).exp()
        for j in range(5):
            if labels[j] != labels[i]:
                below = below + (a[i] @ a[j]).exp() + (a[i] @ p[j]).exp()
        losses.append(-(right / below + 1e-10).log())
    expected = torch.stack(losses)
    found = clone_detection(a, p, n, labels, reduction="none")
    torch.testing.assert_close(found, expected)
    for one in (a, p, n):
        grads = [torch.autograd.grad(loss.mean(), one, retain_graph=True)[0] for loss in (found, expected)]
        torch.testing.assert_close(*grads)
    assert float(clone_detection(a.detach(), p, n, labels).detach()) == pytest.approx(float(expected.mean().detach()))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_all_zeros_are_chance(dtype: torch.dtype) -> None:
    z = torch.zeros(4, 3, dtype=dtype)
    assert float(clone_detection(z, z, z, torch.arange(4))) == pytest.approx(math.log(2 + 2 * 3), rel=1e-6)


def test_slips_in_words() -> None:
    z = torch.zeros(4, 3)
    with pytest.raises(ArgumentError, match="give each anchor its own"):
        clone_detection(z, z[:3], z, torch.arange(4))
    with pytest.raises(ArgumentError, match=r"labels must be \(4,\)"):
        clone_detection(z, z, z, torch.arange(3))
