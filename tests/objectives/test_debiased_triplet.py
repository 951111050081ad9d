"""The biased reference's loss: a sum over all negatives, alike."""

from __future__ import annotations

import math

import pytest
import torch
from difficulty_literal import literal_debiased_triplet
from objective_cases import some_embeddings
from torch import Tensor
from torch.nn import functional

from contrapose.errors import ArgumentError
from contrapose.objectives import debiased_triplet


@pytest.mark.parametrize("prior", [0.0, 0.1, 0.5])
def test_value_and_gradient_are_those_of_the_literal_loss(prior: float) -> None:
    z = some_embeddings(6).requires_grad_()
    loss, expected = debiased_triplet(z, prior=prior), literal_debiased_triplet(z, prior)
    assert torch.allclose(loss, expected, rtol=1e-12)
    (gradient,) = torch.autograd.grad(loss, z)
    (expected_gradient,) = torch.autograd.grad(expected, z)
    assert torch.allclose(gradient, expected_gradient, atol=1e-12)


def test_equal_embeddings_lose_nothing_also_in_single_precision() -> None:
    equal = functional.normalize(torch.randn(1, 1, 64, generator=torch.Generator().manual_seed(0)), dim=-1)
    assert debiased_triplet(equal.expand(2, 512, 64)).abs() < 1e-4


def test_two_samples_in_closed_form() -> None:
    a, b, c, d = functional.normalize(torch.randn(4, 5, dtype=torch.float64), dim=-1)

    def apart(x: Tensor, y: Tensor) -> Tensor:
        return (x - y).square().sum()

    each = debiased_triplet(torch.stack([torch.stack([a, b]), torch.stack([c, d])]), prior=0.0, reduction="none")
    expected = [
        apart(a, c) - apart(a, b) - apart(a, d),
        apart(b, d) - apart(b, a) - apart(b, c),
        apart(c, a) - apart(c, b) - apart(c, d),
        apart(d, b) - apart(d, a) - apart(d, c),
    ]
    torch.testing.assert_close(each, torch.stack(expected))


def test_the_sum_over_unit_rows_is_a_function_of_their_mean() -> None:
    z = functional.normalize(some_embeddings(8), dim=-1)
    total = 2 * 16**2 * (1 - z.flatten(0, 1).mean(0).square().sum())  # of all squared distances
    positive = (z[0] - z[1]).square().sum(1).repeat(2)
    negative = positive - debiased_triplet(z, prior=0.0, reduction="none")
    torch.testing.assert_close((negative + positive).sum(), total)


def test_every_negative_pushes_alike() -> None:
    """Before the rows are scaled to unit length the gradient at the anchor is 2 (z_j - z_i) for each negative j."""
    z = functional.normalize(some_embeddings(5), dim=-1).requires_grad_()
    loss = debiased_triplet(z, prior=0.0, normalize=False, reduction="none")[0]
    (gradient,) = torch.autograd.grad(loss, z)
    others = z.detach()[:, 1:]
    torch.testing.assert_close(gradient[:, 1:], -2 * (others - z[0, 0].detach()))
    torch.testing.assert_close(gradient[1, 0], 2 * (z[1, 0] - z[0, 0]).detach())


def test_three_views_average_their_positives() -> None:
    z = torch.randn(3, 4, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    x = functional.normalize(z, dim=-1)
    distances = (x.flatten(0, 1).unsqueeze(0) - x.flatten(0, 1).unsqueeze(1)).square().sum(-1)  # (12, 12)
    positive = (distances[0, 4] + distances[0, 8]) / 2
    negative = distances[0, [1, 2, 3, 5, 6, 7, 9, 10, 11]].sum()
    each = debiased_triplet(z, prior=0.2, reduction="none")
    torch.testing.assert_close(each[0], positive - (negative - 0.2 * 9 * positive) / 0.8)


@pytest.mark.parametrize(
    ("z", "options", "word"),
    [
        (torch.randn(2, 1, 3), {}, r"at least \(2, 2, D\)"),
        (torch.randn(1, 4, 3), {}, r"at least \(2, 2, D\)"),
        (torch.randn(2, 4, 3), {"prior": 1.0}, "prior"),
        (torch.randn(2, 4, 3), {"prior": math.nan}, "prior"),
    ],
)
def test_bad_input_is_named(z: Tensor, options: dict, word: str) -> None:
    with pytest.raises(ArgumentError, match=word):
        debiased_triplet(z, **options)
