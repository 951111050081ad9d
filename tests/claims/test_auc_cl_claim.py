"""The mechanism of the claim on AUC-CL: whose sub-batch gradients are those of the whole, counted out."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from contrapose.claims.published.auc_cl import WHOLE, gradient_bias
from contrapose.objectives import auc_cl


class Rows:
    """As much of a subject as the measure asks: a learner, or none, and two views of random rows in float32."""

    def __init__(self, seed: int, learner: object | None) -> None:
        self.seed, self.learner = seed, learner

    def projections(self, size: int) -> Tensor:
        generator = torch.Generator().manual_seed(self.seed)
        base = torch.randn(1, size, 16, generator=generator)
        return base + torch.randn(2, size, 16, generator=generator)


def bias_of(rows: Any) -> dict[str, float]:
    return gradient_bias(rows)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_default_form_alone_is_unbiased(seed: int) -> None:
    found = bias_of(Rows(seed, learner=object()))
    assert found["bias auc-cl"] < 1e-9
    assert found["bias authors"] > 0.05
    assert found["bias nt_xent"] > 0.05


def test_the_bias_is_of_a_batch_of_eight_in_threes() -> None:
    z = Rows(0, None).projections(WHOLE).double().requires_grad_()
    (whole,) = torch.autograd.grad(auc_cl(z, b=0.5, form="authors"), z)
    parts = torch.zeros_like(z)
    chosen = torch.combinations(torch.arange(8), 3)  # (56, 3)
    for samples in chosen:
        (part,) = torch.autograd.grad(auc_cl(z[:, samples], b=0.5, form="authors"), z)
        parts += part / len(chosen)
    expected = float((parts - whole).norm() / whole.norm())
    assert bias_of(Rows(0, learner=object()))["bias authors"] == pytest.approx(expected)


def test_raw_pixels_have_no_gradient() -> None:
    assert bias_of(Rows(0, learner=None)) == {}
