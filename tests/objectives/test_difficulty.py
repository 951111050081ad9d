"""Weights by relative difficulty, and the debiased loss around them."""

from __future__ import annotations

import math

import pytest
import torch
from difficulty_literal import literal_difficulty_weighted, literal_weights
from hypothesis import given, settings
from hypothesis import strategies as st
from objective_cases import some_embeddings
from torch import Tensor
from torch.nn import functional

from contrapose.errors import ArgumentError
from contrapose.objectives import difficulty_weighted, nt_xent
from contrapose.objectives.hardness.comparison import difficulty_weights, relative_difficulty
from contrapose.objectives.hardness.difficulty import difficulty_chance
from contrapose.pairing import by_labels, by_pairs, by_views


def weights_of(z: Tensor, reference: Tensor, temperature: float = 0.5) -> tuple[Tensor, Tensor]:
    """Weights of all rows `(N, N)`, and which of them are of negatives."""
    weights = difficulty_weights(z, reference, temperature=temperature)
    return weights, weights > 0


@pytest.mark.parametrize("tile", [None, 1, 5])
@pytest.mark.parametrize(
    "options",
    [{}, {"prior": 0.0}, {"temperature": 0.07, "prior": 0.01}, {"renormalise": True}, {"prior": 0.4}],
    ids=str,
)
def test_value_and_gradient_are_those_of_the_literal_loss(options: dict, tile: int | None) -> None:
    z, reference = some_embeddings(6).requires_grad_(), some_embeddings(6, 9, seed=1)
    loss = difficulty_weighted(z, reference, tile_rows=tile, tile_columns=tile, **options)
    expected = literal_difficulty_weighted(z, reference, **options)
    assert torch.allclose(loss, expected, rtol=1e-10)
    (gradient,) = torch.autograd.grad(loss, z)
    (expected_gradient,) = torch.autograd.grad(expected, z)
    assert gradient.abs().max() > 1e-4
    assert torch.allclose(gradient, expected_gradient, rtol=1e-10, atol=1e-12)


def test_weights_are_the_literal_ones_and_are_divided_by_the_root_of_squares() -> None:
    z, reference = some_embeddings(5), some_embeddings(5, seed=2)
    weights, negative = weights_of(z, reference)
    d, b = (functional.normalize(of, dim=-1).flatten(0, 1) for of in (z, reference))
    for i in range(10):
        others = [j for j in range(10) if negative[i, j]]
        assert len(others) == 8
        torch.testing.assert_close(weights[i, others], literal_weights(d, b, i, others, 0.5))


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000), temperature=st.floats(0.05, 2.0))
def test_weights_lie_between_one_and_two_and_follow_their_samples(seed: int, temperature: float) -> None:
    z, reference = some_embeddings(5, seed=seed), some_embeddings(5, 3, seed=seed + 1)
    weights, negative = weights_of(z, reference, temperature)
    assert ((weights > 1) & (weights < 2))[negative].all()
    order = torch.randperm(5, generator=torch.Generator().manual_seed(seed))
    rows = torch.cat([order, order + 5])
    permuted, _ = weights_of(z[:, order], reference[:, order], temperature)
    torch.testing.assert_close(permuted, weights[rows][:, rows])


def test_the_same_embeddings_give_weights_of_three_halves() -> None:
    z = some_embeddings(6)
    weights, negative = weights_of(z, z)
    x = functional.normalize(z, dim=-1).flatten(0, 1)
    hard = (x @ x.T / 0.5).exp().where(negative, 0.0)
    hard = hard / hard.norm(dim=1, keepdim=True)
    assert ((weights - 1.5).abs() <= 1e-6 / (4 * hard) + 1e-15)[negative].all()


def test_a_constant_on_all_similarities_of_a_row_leaves_its_weights() -> None:
    own, reference = torch.randn(2, 3, 8, generator=torch.Generator().manual_seed(0), dtype=torch.float64)

    def weights(shift: float) -> Tensor:
        shifted = own + shift
        return relative_difficulty(
            shifted - (2 * shifted).logsumexp(1, keepdim=True) / 2,
            reference - (2 * reference).logsumexp(1, keepdim=True) / 2,
        )

    torch.testing.assert_close(weights(7.0), weights(0.0))
    z, other = some_embeddings(4), some_embeddings(4, seed=3)
    lifted = torch.cat([z, torch.full((2, 4, 1), 1.5, dtype=torch.float64)], dim=-1)  # every inner product + 1.5^2
    plain = difficulty_weighted(z, other, prior=0.0, normalize=False, temperature=1.0)
    assert torch.allclose(difficulty_weighted(lifted, other, prior=0.0, normalize=False, temperature=1.0), plain)


def test_weights_grow_where_the_negative_is_hard_for_this_encoder_and_easy_for_the_reference() -> None:
    """Anchor 0 is as near to sample 1 as to sample 2; the reference is near to sample 1 only, by their bias."""
    row = torch.eye(3, dtype=torch.float64)
    z = torch.stack([row[0], (row[0] + row[1]), (row[0] + row[1])])
    reference = torch.stack([row[0], row[0], row[2]])
    weights, _ = weights_of(torch.stack([z, z]), torch.stack([reference, reference]), temperature=0.1)
    assert weights[0, 1] < 1.6
    assert weights[0, 2] > 1.99


def test_without_reference_and_prior_it_is_nt_xent() -> None:
    z = some_embeddings(7).requires_grad_()
    value, expected = difficulty_weighted(z, prior=0.0, temperature=0.3), nt_xent(z, temperature=0.3)
    assert torch.allclose(value, expected, rtol=1e-12)
    (gradient,) = torch.autograd.grad(value, z)
    (expected_gradient,) = torch.autograd.grad(expected, z)
    assert torch.allclose(gradient, expected_gradient, atol=1e-14)


def test_constant_weights_multiply_the_negatives() -> None:
    """Of a reference that is the same encoder: -log p / (p + 1.5 sum of the negatives)."""
    z = some_embeddings(5)
    x = functional.normalize(z, dim=-1).flatten(0, 1)
    terms = (x @ x.T / 0.5).exp()
    negative = by_views(2, 5).tile(torch.arange(10), slice(0, 10)).negative
    pull = terms[torch.arange(10), (torch.arange(10) + 5) % 10]
    expected = -(pull / (pull + 1.5 * terms.where(negative, 0.0).sum(1))).log().mean()
    assert float(difficulty_weighted(z, z, prior=0.0)) == pytest.approx(float(expected), abs=1e-5)
    assert float(difficulty_weighted(z, z, prior=0.0, renormalise=True)) == pytest.approx(float(nt_xent(z)), abs=1e-5)


@pytest.mark.parametrize("with_reference", [False, True])
def test_opposite_negatives_meet_the_floor_and_get_no_gradient(with_reference: bool) -> None:
    corner = torch.zeros(2, 2, 3, dtype=torch.float64)
    corner[:, 0, 0], corner[:, 1, 0] = 1.0, -1.0
    z = corner.clone().requires_grad_()
    each = difficulty_weighted(z, corner if with_reference else None, normalize=False, reduction="none")
    mass, pull = 2 * math.exp(-2.0), math.exp(2.0)
    torch.testing.assert_close(each, torch.full((4,), -math.log(pull / (pull + mass)), dtype=torch.float64))
    (gradient,) = torch.autograd.grad(each[0], z)
    assert (gradient[:, 1] == 0).all()  # both views of the negative
    assert gradient[1, 0, 0] < 0  # the positive still pulls


def test_the_reference_gets_no_gradient() -> None:
    z, reference = some_embeddings(4).requires_grad_(), some_embeddings(4, seed=1).requires_grad_()
    difficulty_weighted(z, reference).backward()
    assert z.grad is not None
    assert reference.grad is None


@pytest.mark.parametrize("renormalise", [False, True])
@pytest.mark.parametrize("prior", [0.0, 0.1, 0.5])
def test_chance_is_the_loss_of_equal_embeddings(prior: float, renormalise: bool) -> None:
    equal, options = torch.ones(2, 9, 4, dtype=torch.float64), {"prior": prior, "renormalise": renormalise}
    expected = difficulty_chance(by_views(2, 9), **options)
    assert float(difficulty_weighted(equal, equal, **options)) == pytest.approx(expected)
    assert expected == pytest.approx(math.log(1 + 16 * ((1.0 if renormalise else 1.5) - prior) / (1 - prior)), abs=1e-5)


def test_a_low_temperature_does_not_overflow() -> None:
    z, reference = some_embeddings(6, dtype=torch.float32).requires_grad_(), some_embeddings(6, seed=1).float()
    loss = difficulty_weighted(z, reference, temperature=0.005)
    (gradient,) = torch.autograd.grad(loss, z)
    assert loss.isfinite()
    assert gradient.isfinite().all()


def test_half_precision_is_the_rounded_input_in_float32() -> None:
    z, reference = some_embeddings(9).bfloat16().requires_grad_(), some_embeddings(9, 7, seed=1).bfloat16()
    single = z.detach().float().requires_grad_()
    loss, expected = difficulty_weighted(z, reference), difficulty_weighted(single, reference.float())
    assert loss.dtype == torch.float32
    assert torch.equal(loss, expected)
    (gradient,) = torch.autograd.grad(loss, z)
    (expected_gradient,) = torch.autograd.grad(expected, single)
    assert torch.equal(gradient, expected_gradient.bfloat16())


def test_own_rows_are_those_of_the_whole() -> None:
    z, reference, rows = some_embeddings(6), some_embeddings(6, seed=1), torch.tensor([4, 1])
    everyone = difficulty_weighted(z, reference, reduction="none")
    some = difficulty_weighted(z, reference, rows=rows, reduction="none")
    torch.testing.assert_close(some, everyone[[4, 1, 10, 7]], rtol=1e-12, atol=0)


def test_labels_make_the_mean_of_several_positives_the_pull() -> None:
    z, labels = some_embeddings(6), torch.tensor([0, 1, 0, 1, 2, 2])
    each = difficulty_weighted(z, pairing=by_labels(labels, views=2), prior=0.0, reduction="none")
    x = functional.normalize(z, dim=-1).flatten(0, 1) / math.sqrt(0.5)
    same = labels.repeat(2) == 0
    positive = (x @ x[0])[same].sum() - x[0] @ x[0]
    pull = (positive / 3).exp()
    assert torch.allclose(each[0], -(pull / (pull + (x @ x[0]).exp()[~same].sum())).log())


def test_an_anchor_without_positives_is_left_out() -> None:
    z = some_embeddings(2)
    pairing = by_pairs(torch.tensor([[0, 1], [0, 2]]), anchors=4)
    each = difficulty_weighted(z, pairing=pairing, reduction="none")
    assert each[1:].tolist() == [0, 0, 0]
    assert torch.allclose(difficulty_weighted(z, pairing=pairing), each[0])


@pytest.mark.parametrize(
    ("z", "options", "word"),
    [
        (torch.randn(2, 4, 3), {"prior": 1.0}, "prior"),
        (torch.randn(2, 4, 3), {"prior": -0.1}, "prior"),
        (torch.randn(2, 4, 3), {"prior": math.nan}, "prior"),
        (torch.randn(2, 4, 3), {"temperature": 0.0}, "temperature"),
        (torch.randn(2, 1, 3), {}, "at least two samples"),
        (torch.randn(1, 4, 3), {}, "1 view"),
        (torch.randn(2, 4, 3), {"reference": torch.randn(2, 5, 3)}, "same views of the same samples"),
        (torch.randn(2, 4, 3), {"reference": torch.full((2, 4, 3), math.nan)}, "reference holds"),
        (torch.randn(2, 4, 3), {"pairing": by_views(2, 5)}, "pairing"),
    ],
)
def test_bad_input_is_named(z: Tensor, options: dict, word: str) -> None:
    with pytest.raises(ArgumentError, match=word):
        difficulty_weighted(z, **options)
