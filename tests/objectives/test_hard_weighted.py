"""Negatives weighed by their own hardness, and the debiased loss around them."""

from __future__ import annotations

import math

import pytest
import torch
from difficulty_literal import literal_hard_weighted
from objective_cases import some_embeddings
from torch import Tensor
from torch.nn import functional

from contrapose.errors import ArgumentError
from contrapose.objectives import difficulty_weighted, hard_contrastive, hard_weighted, nt_xent
from contrapose.objectives.hardness.debiasing import debiased_losses
from contrapose.pairing import by_labels, by_pairs, by_views


def with_gradient(loss: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
    (gradient,) = torch.autograd.grad(loss, z)
    return loss.detach(), gradient


@pytest.mark.parametrize("tile", [(None, None), (1, 1), (5, 7)], ids=str)
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"beta": 0.5, "prior": 0.0},
        {"beta": 2.0, "prior": 0.4, "temperature": 1.0},
        {"temperature": 0.07, "prior": 0.01},
        {"beta": 0.0},
    ],
    ids=str,
)
def test_value_and_gradient_are_those_of_the_literal_loss(options: dict, tile: tuple[int | None, int | None]) -> None:
    z = some_embeddings(6).requires_grad_()
    value, gradient = with_gradient(hard_weighted(z, tile_rows=tile[0], tile_columns=tile[1], **options), z)
    expected, expected_gradient = with_gradient(literal_hard_weighted(z, **options), z)
    assert torch.allclose(value, expected, rtol=1e-10)
    assert gradient.abs().max() > 1e-4
    assert torch.allclose(gradient, expected_gradient, rtol=1e-10, atol=1e-12)


def test_at_beta_zero_it_is_the_debiased_loss_and_at_prior_zero_nt_xent() -> None:
    z = some_embeddings(7).requires_grad_()
    for options, other in (({"prior": 0.2}, difficulty_weighted(z, prior=0.2)), ({"prior": 0.0}, nt_xent(z))):
        value, gradient = with_gradient(hard_weighted(z, beta=0.0, **options), z)
        expected, expected_gradient = with_gradient(other, z)
        assert torch.allclose(value, expected, rtol=1e-12)
        assert torch.allclose(gradient, expected_gradient, atol=1e-14)


def test_a_large_beta_counts_the_nearest_alone() -> None:
    """Of N negatives as near as the nearest; where alpha cuts, there is one."""
    z, temperature = some_embeddings(5), 0.5
    each = hard_weighted(z, beta=1e5, prior=0.0, temperature=temperature, reduction="none")
    nearest = hard_contrastive(z, alpha=1e-9, temperature=temperature, reduction="none")
    torch.testing.assert_close(each.expm1(), 8 * nearest.expm1(), rtol=1e-6, atol=0)


def test_the_loss_grows_with_beta() -> None:
    losses = [float(hard_weighted(some_embeddings(), beta=beta)) for beta in (0.0, 0.5, 1.0, 4.0)]
    assert losses == sorted(losses)
    assert losses[0] < losses[-1]


def test_a_learned_temperature_gets_its_gradient() -> None:
    """Through p, both sums and the least that is left of them."""
    z = torch.cat([some_embeddings(4), -some_embeddings(2)], dim=1)

    def loss(temperature: Tensor) -> Tensor:
        return hard_weighted(z, temperature=temperature, prior=0.3, reduction="none")

    assert torch.autograd.gradcheck(loss, torch.tensor(0.4, dtype=torch.float64, requires_grad=True))


def test_opposite_negatives_meet_the_floor_and_get_no_gradient() -> None:
    corner = torch.zeros(2, 2, 3, dtype=torch.float64)
    corner[:, 0, 0], corner[:, 1, 0] = 1.0, -1.0
    z = corner.clone().requires_grad_()
    each = hard_weighted(z, normalize=False, reduction="none")
    torch.testing.assert_close(each, torch.full((4,), math.log1p(2 * math.exp(-4.0)), dtype=torch.float64))
    (gradient,) = torch.autograd.grad(each[0], z)
    assert (gradient[:, 1] == 0).all()  # both views of the negative
    assert gradient[1, 0, 0] < 0  # the positive still pulls


def test_labels_make_the_mean_of_several_positives_the_pull() -> None:
    z, labels = some_embeddings(6), torch.tensor([0, 1, 0, 1, 2, 2])
    each = hard_weighted(z, by_labels(labels, views=2), prior=0.0, reduction="none")
    x = functional.normalize(z, dim=-1).flatten(0, 1)
    similarity, same = x @ x[0] / 0.5, labels.repeat(2) == 0
    pull = ((similarity[same].sum() - similarity[0]) / 3).exp()
    pushes = similarity[~same].exp()
    mass = (pushes**2).sum() / pushes.mean()
    assert torch.allclose(each[0], -(pull / (pull + mass)).log())


def test_an_anchor_without_positives_is_left_out() -> None:
    z = some_embeddings(2).requires_grad_()
    pairing = by_pairs(torch.tensor([[0, 1], [0, 2]]), anchors=4)
    each = hard_weighted(z, pairing, reduction="none")
    assert each[1:].tolist() == [0, 0, 0]
    value, gradient = with_gradient(hard_weighted(z, pairing), z)
    assert torch.allclose(value, each[0])
    assert gradient.isfinite().all()


@pytest.mark.parametrize("prior", [0.0, 0.1])
def test_nothing_to_pull_and_nothing_to_push_is_no_loss(prior: float) -> None:
    up = torch.tensor([-math.inf, 1.0], dtype=torch.float64, requires_grad=True)
    attraction = torch.tensor([0.0, 2.0], dtype=torch.float64, requires_grad=True)
    weight, negatives = torch.tensor([0.0, 1.0]), torch.tensor([0.0, 3.0])
    losses, kept = debiased_losses(up - up.detach(), attraction, weight, negatives, prior=prior, temperature=0.5)
    assert kept.tolist() == [False, True]
    assert losses[0] == 0
    for gradient in torch.autograd.grad(losses.sum(), [up, attraction]):
        assert gradient.isfinite().all()


@pytest.mark.parametrize(
    ("z", "options", "word"),
    [
        (torch.randn(2, 4, 3), {"beta": -0.5}, "beta"),
        (torch.randn(2, 4, 3), {"beta": math.nan}, "beta"),
        (torch.randn(2, 4, 3), {"beta": math.inf}, "beta"),
        (torch.randn(2, 4, 3), {"prior": 1.0}, "prior"),
        (torch.randn(2, 1, 3), {}, "two samples"),
        (torch.randn(1, 4, 3), {}, "1 view"),
        (torch.randn(2, 1, 3), {"pairing": by_views(2, 1)}, "at least two samples"),
        (torch.randn(2, 4, 3), {"pairing": by_views(2, 5)}, "pairing"),
    ],
)
def test_bad_input_is_named(z: Tensor, options: dict, word: str) -> None:
    with pytest.raises(ArgumentError, match=word):
        hard_weighted(z, **options)
