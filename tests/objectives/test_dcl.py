"""The decoupled loss: its closed forms, its relation to NT-Xent, its weighted form, and the queue form."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from dcl_literal import literal_dcl_anchors
from objective_cases import some_embeddings
from torch import Tensor
from torch.nn import functional

from contrapose.errors import ArgumentError
from contrapose.objectives import coupling, dcl, info_nce, nt_xent
from contrapose.objectives.softmax.dcl import positive_weights
from contrapose.pairing import by_labels, by_pairs, by_towers, by_views


def three_views(batch: int = 4, dim: int = 5) -> Tensor:
    generator = torch.Generator().manual_seed(3)
    return torch.randn(3, batch, dim, generator=generator, dtype=torch.float64)


def gradient_of(loss: Tensor, z: Tensor) -> Tensor:
    (gradient,) = torch.autograd.grad(loss, z)
    return gradient


def test_two_samples_written_out() -> None:
    z = functional.normalize(some_embeddings(2), dim=-1)
    (a, b), t = z, 0.1
    expected = -a[0] @ b[0] / t + ((a[0] @ a[1] / t).exp() + (a[0] @ b[1] / t).exp()).log()
    assert torch.allclose(dcl(z, temperature=t, reduction="none")[0], expected, atol=1e-10)


@pytest.mark.parametrize("sigma", [None, 0.5])
@pytest.mark.parametrize("detach_weight", [True, False])
@pytest.mark.parametrize("z", [some_embeddings(5), three_views()], ids=["two views", "three views"])
def test_is_its_equation(z: Tensor, sigma: float | None, detach_weight: bool) -> None:
    z = z.clone().requires_grad_()
    options: dict[str, Any] = {"temperature": 0.3, "sigma": sigma, "detach_weight": detach_weight}
    value, expected = dcl(z, **options, reduction="none", tile_columns=3), literal_dcl_anchors(z, **options)
    assert torch.allclose(value, expected, atol=1e-10)
    assert torch.allclose(gradient_of(value[1], z), gradient_of(expected[1], z), atol=1e-10)


def test_nt_xent_is_dcl_with_a_one_more_in_the_exponential() -> None:
    """exp(NT-Xent_i) = 1 + exp(DCL_i)"""
    z = some_embeddings(7)
    coupled = nt_xent(z, temperature=0.2, reduction="none")
    decoupled = dcl(z, temperature=0.2, reduction="none")
    assert torch.allclose(coupled.exp(), 1 + decoupled.exp(), rtol=1e-10)


def test_the_gradient_of_nt_xent_is_that_of_dcl_times_the_coupling() -> None:
    z = some_embeddings(4).requires_grad_()
    factor = coupling(z, temperature=0.5)
    for anchor in (0, 5):
        coupled = gradient_of(nt_xent(z, temperature=0.5, reduction="none")[anchor], z)
        decoupled = gradient_of(dcl(z, temperature=0.5, reduction="none")[anchor], z)
        assert torch.allclose(coupled, factor[anchor] * decoupled, atol=1e-12)
    assert factor.min() < 0.95


def test_coupling_is_what_nt_xent_leaves_to_the_negatives() -> None:
    z = some_embeddings(6)
    expected = 1 - (-nt_xent(z, temperature=0.2, reduction="none")).exp()
    assert torch.allclose(coupling(z, temperature=0.2, tile_rows=4, tile_columns=5), expected, atol=1e-12)
    assert not coupling(z.requires_grad_()).requires_grad
    equal = coupling(torch.ones(3, 4, 2))
    torch.testing.assert_close(equal, torch.full((12,), 9 / 11))


def test_coupling_of_some_rows_is_that_of_all() -> None:
    z = three_views(4)
    whole = coupling(z, temperature=0.3).view(3, 4)
    for rows in (torch.tensor([0, 1]), torch.tensor([3])):
        torch.testing.assert_close(coupling(z, temperature=0.3, rows=rows), whole[:, rows].flatten())


def test_an_anchor_without_candidates_has_nothing_to_couple() -> None:
    pairs, scores = torch.tensor([[0, 3], [0, 4]]), torch.tensor([1.0, -1.0])
    pairing = by_pairs(pairs, anchors=6, scores=scores, only_listed=True)
    shares = coupling(some_embeddings(3), pairing)
    assert 0 < float(shares[0]) < 1
    assert shares[1:].tolist() == [0.0] * 5


def test_coupling_rises_with_the_batch() -> None:
    generator = torch.Generator().manual_seed(0)
    base = torch.randn(1, 128, 16, generator=generator)
    z = base + 0.5 * torch.randn(2, 128, 16, generator=generator)
    means = [float(coupling(z[:, :size], temperature=0.5).mean()) for size in (4, 16, 128)]
    assert means == sorted(means)
    assert means[0] < 0.6 < 0.9 < means[2]


@pytest.mark.parametrize("batch", [2, 5, 32])
@pytest.mark.parametrize("sigma", [None, 0.5])
def test_equal_embeddings_give_the_log_of_the_negatives(batch: int, sigma: float | None) -> None:
    z = torch.ones(2, batch, 3, dtype=torch.float64)
    assert float(dcl(z, sigma=sigma)) == pytest.approx(math.log(2 * (batch - 1)), abs=1e-9)
    assert float(nt_xent(z)) == pytest.approx(math.log(2 * batch - 1), abs=1e-9)


def test_the_least_value_is_that_of_a_simplex_and_below_zero() -> None:
    batch, temperature = 4, 0.1
    corners = torch.eye(batch, dtype=torch.float64) - 1 / batch  # a regular simplex once the rows have length 1
    expected = math.log(2 * (batch - 1)) - (1 + 1 / (batch - 1)) / temperature
    assert float(dcl(corners.expand(2, -1, -1), temperature=temperature)) == pytest.approx(expected, abs=1e-9)
    assert expected < -10
    assert float(dcl(some_embeddings(batch), temperature=temperature)) > expected


def test_a_high_temperature_compares_the_mean_cosines() -> None:
    z, t = some_embeddings(5), 1e5
    flat = functional.normalize(z, dim=-1).flatten(0, 1)
    tile = by_views(2, 5).tile(torch.arange(10), slice(0, 10))
    cosines = flat @ flat.T
    expected = cosines[tile.negative].mean() - cosines[tile.positive].mean()
    assert float(t * (dcl(z, temperature=t) - math.log(8))) == pytest.approx(float(expected), abs=1e-4)


def test_weights_average_to_one_and_favour_hard_positives() -> None:
    cosines = torch.linspace(-1, 1, 9, dtype=torch.float64).expand(3, 9)
    weights = positive_weights(cosines, 0.5)
    assert torch.allclose(weights.mean(1), torch.ones(3, dtype=torch.float64))
    assert (weights.diff(dim=1) < 0).all()
    assert weights.max() < 2
    assert weights.min() < 0  # the easiest positive is pushed
    assert torch.equal(positive_weights(torch.full((4,), 0.3), 0.1), torch.ones(4))


def test_a_wide_sigma_is_no_weight() -> None:
    z = some_embeddings(6)
    assert torch.allclose(dcl(z, sigma=1e9), dcl(z), atol=1e-7)
    assert not torch.allclose(dcl(z, sigma=0.5), dcl(z), atol=1e-3)


def test_views_added_up_are_twice_the_mean() -> None:
    z = some_embeddings(6)
    each = dcl(z, reduction="none", sigma=0.5)
    assert torch.allclose(dcl(z, sigma=0.5, reduction="sum_views"), each[:6].mean() + each[6:].mean())
    assert torch.allclose(dcl(z, reduction="sum_views"), 2 * dcl(z))


@pytest.mark.parametrize("detach_weight", [True, False])
def test_weighted_ranks_average_to_one_process(detach_weight: bool) -> None:
    z = some_embeddings(8).requires_grad_()
    whole = dcl(z, sigma=0.5, detach_weight=detach_weight)
    parts = [
        dcl(z, sigma=0.5, detach_weight=detach_weight, rows=torch.arange(4 * rank, 4 * rank + 4)) for rank in (0, 1)
    ]
    assert torch.allclose(sum(parts) / 2, whole, atol=1e-12)
    assert torch.allclose(gradient_of(sum(parts) / 2, z), gradient_of(whole, z), atol=1e-12)


def test_the_weighted_loss_has_a_gradient_through_its_weights_on_request() -> None:
    z = some_embeddings(3, 3).requires_grad_()
    assert torch.autograd.gradcheck(lambda moved: dcl(moved, sigma=0.5, detach_weight=False, temperature=0.3), z)


def test_labels_name_the_negatives_as_well() -> None:
    z = some_embeddings(4)
    labels = torch.tensor([0, 0, 1, 2])
    pairing = by_labels(labels, views=2)
    tile = pairing.tile(torch.arange(8), slice(0, 8))
    unit = functional.normalize(z, dim=-1).flatten(0, 1)
    logits = unit @ unit.T / 0.1
    expected = [torch.logsumexp(logits[i][tile.negative[i]], 0) - logits[i][tile.positive[i]].mean() for i in range(8)]
    assert torch.allclose(dcl(z, pairing, reduction="none"), torch.stack(expected), atol=1e-10)


def test_a_learned_temperature_gets_its_gradient() -> None:
    z = some_embeddings(4)
    temperature = torch.tensor(0.4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda t: dcl(z, temperature=t, sigma=0.5), temperature)


def test_against_a_queue_it_is_info_nce_without_the_positive() -> None:
    q, k = functional.normalize(some_embeddings(4), dim=-1)
    queue = functional.normalize(some_embeddings(6, seed=4)[0], dim=-1).requires_grad_()
    options: dict[str, Any] = {"queue": queue, "in_batch_negatives": False, "temperature": 0.2, "reduction": "none"}
    decoupled = info_nce(q.requires_grad_(), k, decoupled=True, **options)
    expected = -(q * k).sum(1) / 0.2 + (q @ queue.T / 0.2).exp().sum(1).log()
    assert torch.allclose(decoupled, expected, atol=1e-10)
    assert torch.allclose(info_nce(q, k, **options).exp(), 1 + expected.exp(), rtol=1e-10)
    decoupled.sum().backward()
    assert queue.grad is None


def test_between_towers_the_diagonal_leaves_the_denominator_in_both_directions() -> None:
    x, y = functional.normalize(some_embeddings(5), dim=-1)
    logits = x @ y.T / 0.1
    others = logits.masked_fill(torch.eye(5, dtype=torch.bool), -math.inf)
    expected = (others.logsumexp(0) + others.logsumexp(1)) / 2 - logits.diagonal()
    value = info_nce(x, y, decoupled=True, symmetric=True, temperature=0.1, reduction="none", tile_rows=2)
    assert torch.allclose(value, expected, atol=1e-10)


@pytest.mark.parametrize(
    ("z", "options", "word"),
    [
        (torch.randn(2, 1, 3), {}, "two of each"),
        (torch.randn(1, 4, 3), {}, "two of each"),
        (torch.randn(2, 4, 3), {"temperature": 0.0}, "temperature"),
        (torch.randn(2, 4, 3), {"sigma": -0.5}, "sigma"),
        (torch.randn(2, 4, 3), {"sigma": math.inf}, "sigma"),
        (torch.randn(2, 4, 3), {"sigma": 0.5, "pairing": by_views(2, 4)}, "leave the pairing out"),
        (torch.randn(2, 4, 3), {"pairing": by_towers(4)}, "pairing"),
        (torch.randn(2, 4, 3), {"pairing": by_labels(torch.zeros(4).long(), views=2)}, "no negative"),
        (torch.randn(2, 4, 3), {"reduction": "sum_view"}, "sum_views"),
    ],
)
def test_bad_input_is_named(z: Tensor, options: dict, word: str) -> None:
    with pytest.raises(ArgumentError, match=word):
        dcl(z, **options)


def test_a_lonely_pair_of_towers_has_no_negative() -> None:
    with pytest.raises(ArgumentError, match="no negative"):
        info_nce(torch.randn(1, 3), torch.randn(1, 3), decoupled=True)
    with pytest.raises(ArgumentError, match="1 view"):
        coupling(torch.randn(1, 3, 3))
