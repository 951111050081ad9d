"""Where float32 used to lose digits: the values and gradients are those of float64."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import pytest
import torch
from objective_cases import NAMES, loss_of, some_embeddings, value_and_gradient
from torch import Tensor
from torch.nn import functional

from contrapose.objectives import (
    cacr,
    cacr_predicted,
    cacr_queue,
    dcl,
    difficulty_weighted,
    groco,
    hard_contrastive,
    info_nce,
    isd,
    mmcl,
    nt_xent,
    soft_targets,
    sup_con,
)
from contrapose.objectives.engine.inputs import unit_rows
from contrapose.objectives.ranking.sorting import DISTRIBUTIONS, weight_at_ranks, weight_on_both_sides
from contrapose.pairing import by_labels, by_pairs


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def with_gradient(loss: Callable[[Tensor], Tensor], z: Tensor) -> tuple[Tensor, Tensor]:
    z = z.detach().clone().requires_grad_()
    value = loss(z)
    return value.detach(), torch.autograd.grad(value, z)[0]


def agrees_with_float64(loss: Callable[..., Tensor], z: Tensor, *others: Tensor, tolerance: float) -> None:
    value, gradient = with_gradient(lambda x: loss(x, *others), z)
    wide = [other.double() for other in others]
    expected, expected_gradient = with_gradient(lambda x: loss(x, *wide), z.double())
    assert float(value) == pytest.approx(float(expected), rel=tolerance)
    assert float((gradient - expected_gradient).norm() / expected_gradient.norm()) < tolerance


# Rows of any length


@pytest.mark.parametrize("length", [1e-30, 1e-20, 1e-12, 1e12, 1e20, 1e30])
@pytest.mark.parametrize("name", NAMES)
def test_very_long_and_very_short_rows_are_rows_like_others(name: str, length: float) -> None:
    z = some_embeddings(6, 5, dtype=torch.float32)
    expected, gradient = value_and_gradient(name, z)
    scaled = loss_of(name, length * z)
    assert float(scaled) == pytest.approx(float(expected), rel=1e-5, abs=1e-5)
    _, scaled_gradient = value_and_gradient(name, length * z)
    assert torch.allclose(scaled_gradient.double() * length, gradient.double(), rtol=1e-3, atol=1e-5)


def test_lengths_may_differ_within_a_batch_and_zeros_stay() -> None:
    rows = drawn(5, 4)
    lengths = torch.tensor([1e-25, 1.0, 1e25, 0.0, 1e-39]).unsqueeze(1)
    found = unit_rows(lengths * rows)
    torch.testing.assert_close(found[:3], functional.normalize(rows[:3], dim=1))
    assert (found[3] == 0).all()
    _, gradient = with_gradient(lambda x: unit_rows(x).square().sum(), lengths * rows)
    assert gradient.isfinite().all()


def test_unit_rows_have_first_and_second_derivatives() -> None:
    x = drawn(3, 4).double().requires_grad_()
    assert torch.autograd.gradcheck(unit_rows, x)
    assert torch.autograd.gradgradcheck(unit_rows, x)


def test_bfloat16_has_rows_as_long_as_float32() -> None:
    z = drawn(2, 4, 8).bfloat16()
    value, gradient = with_gradient(nt_xent, z * 2.0**66)
    expected, expected_gradient = with_gradient(nt_xent, z)
    assert torch.equal(value, expected) or torch.allclose(value, expected, rtol=1e-6)
    torch.testing.assert_close(gradient * 2.0**66, expected_gradient)


# ISD near its minimum


@pytest.mark.parametrize(("temperature", "of_teacher"), [(0.1, 0.01), (0.02, 0.02), (0.02, 0.01)])
def test_isd_of_rows_that_nearly_agree(temperature: float, of_teacher: float) -> None:
    q, k, queue = (1 + 0.01 * drawn(n, 64, seed=n) for n in (32, 33, 1024))

    def loss(q: Tensor, k: Tensor, queue: Tensor) -> Tensor:
        return isd(q, k, queue, temperature=temperature, teacher_temperature=of_teacher)

    def literal(q: Tensor, k: Tensor, queue: Tensor) -> Tensor:
        a = functional.normalize(queue, dim=1)
        p = (functional.normalize(k, dim=1) @ a.T / of_teacher).log_softmax(1)
        s = (functional.normalize(q, dim=1) @ a.T / temperature).log_softmax(1)
        return (p.exp() * (p - s)).sum(1).mean()

    value, gradient = with_gradient(lambda x: loss(x, k[:32], queue), q)
    expected, expected_gradient = with_gradient(lambda x: literal(x, k[:32].double(), queue.double()), q.double())
    assert float(value) == pytest.approx(float(expected), rel=1e-3)
    assert float((gradient - expected_gradient).norm() / expected_gradient.norm()) < 2e-3


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_isd_is_never_below_0_and_0_where_student_is_teacher(dtype: torch.dtype) -> None:
    k, queue = (1 + 0.1 * drawn(n, 16, seed=n) for n in (64, 256))
    k, queue = k.to(dtype), queue.to(dtype)
    value, gradient = with_gradient(lambda x: isd(x, k, queue, reduction="none").sum(), k)
    assert float(value) == 0
    assert (gradient == 0).all()
    near = k.float() + 1e-4 * drawn(64, 16, seed=1)
    assert bool((isd(near, k, queue, reduction="none") >= 0).all())


def test_isd_of_small_and_large_divergences_in_one_batch() -> None:
    k, queue = drawn(4, 8, seed=1), drawn(50, 8, seed=2)
    q = torch.cat([k[:2] + 1e-4 * drawn(2, 8), drawn(2, 8, seed=3)])

    def loss(q: Tensor, k: Tensor, queue: Tensor) -> Tensor:
        return isd(q, k, queue, temperature=0.01, reduction="none", tile_rows=1, tile_columns=7).log().sum()

    agrees_with_float64(loss, q, k, queue, tolerance=1e-2)


def test_soft_targets_are_those_of_the_anchors_themselves() -> None:
    k, queue = drawn(3, 8).double(), drawn(20, 8, seed=1).double()
    found = soft_targets(k, queue, temperature=0.1)
    a = functional.normalize(queue, dim=1)
    logits = functional.normalize(k, dim=1) @ a.T / 0.1
    torch.testing.assert_close(found.log_sum, logits.logsumexp(1))
    torch.testing.assert_close(found.barycentre, logits.softmax(1) @ a)


# Rows that share an offset


@pytest.mark.parametrize("offset", [0.0, 100.0, -1000.0])
@pytest.mark.parametrize(
    "loss",
    [
        lambda z: mmcl(z, normalize=False, sigma=16.0),
        lambda z: mmcl(z, normalize=False, kernel="linear", C=1.0),
        lambda z: cacr(z, normalize=False, repulsion_sharpness=0.1),
        lambda z: cacr(z, normalize=False, repulsion_sharpness=0.1, rows=torch.tensor([3, 1])),
        lambda z: cacr(z, normalize=False, repulsion_sharpness=0.1, cost="rbf", rbf_sharpness=0.1),
        lambda z: cacr_queue(z, z.flip(0), z.flip(2)[0], normalize=False, repulsion_sharpness=0.1),
        lambda z: cacr_queue(z, z, z[1].flip(0), normalize=False, repulsion_sharpness=0.1, in_batch_negatives=True),
        lambda z: cacr_predicted(z, z.flip(0), normalize=False, cost="squared", temperature=5.0),
        lambda z: cacr_predicted(z, z.flip(0), normalize=False, temperature=50.0),
        lambda z: nt_xent(z, normalize=False, temperature=50.0),
        lambda z: dcl(z, normalize=False, temperature=50.0),
        lambda z: sup_con(z, torch.arange(16) % 4, normalize=False, temperature=50.0),
        lambda z: info_nce(z[0], z[1], normalize=False, temperature=50.0, symmetric=True),
        lambda z: hard_contrastive(z, normalize=False, temperature=50.0),
    ],
    ids=[
        *("mmcl", "mmcl linear", "cacr", "cacr rows", "cacr rbf", "cacr_queue", "cacr_queue in batch"),
        *("cacr_predicted", "cacr_predicted rbf", "nt_xent", "dcl", "sup_con", "info_nce", "hard_contrastive"),
    ],
)
def test_an_offset_that_all_rows_share_costs_no_digits(loss: Callable[[Tensor], Tensor], offset: float) -> None:
    z = drawn(1, 16, 8) + 0.3 * drawn(2, 16, 8, seed=1) + offset
    agrees_with_float64(loss, z, tolerance=2e-3)


# GroCo in the tails of its comparators


@pytest.mark.parametrize("steepness", [1.0, 5.0, 10.0, 20.0])
@pytest.mark.parametrize("distribution", list(DISTRIBUTIONS))
def test_groco_of_pairs_far_out_of_order(distribution: str, steepness: float) -> None:
    z = torch.stack([drawn(8, 4), -drawn(8, 4)])  # a sample's other view is as far as can be
    options: dict[str, Any] = {"negatives": 3, "distribution": distribution, "steepness": steepness}
    agrees_with_float64(lambda x: groco(x, **options), z, tolerance=1e-3)


def test_groco_of_one_negative_is_the_log_of_its_comparator() -> None:
    z = torch.tensor([[[1.0, 0.0], [1.0, 0.0]], [[-1.0, 0.0], [-1.0, 0.0]]])
    for steepness in (1.0, 10.0, 40.0):
        value = groco(z, negatives=1, distribution="logistic", steepness=steepness)
        assert float(value) == pytest.approx(math.log1p(math.exp(2 * steepness)), rel=1e-6)


@pytest.mark.parametrize("network", ["odd_even", "bitonic"])
@pytest.mark.parametrize("distribution", list(DISTRIBUTIONS))
def test_both_sides_of_a_weight(distribution: str, network: str) -> None:
    x, ranks = drawn(5, 6).double(), torch.tensor([0.0, 1, 0, 1, 1, 0]).double()
    options: dict[str, Any] = {"network": network, "distribution": distribution, "steepness": 3.0}
    marked, rest = weight_on_both_sides(x, ranks, **options)
    torch.testing.assert_close(marked, weight_at_ranks(x, ranks, **options))
    torch.testing.assert_close(rest, 1 - marked)


@pytest.mark.parametrize("distribution", list(DISTRIBUTIONS))
def test_shares_of_a_comparator_keep_their_digits(distribution: str) -> None:
    v = torch.tensor([-1e4, -30.0, -3.0, -0.25, -0.1, 0.0, 0.1, 0.25, 3.0])
    share = DISTRIBUTIONS[distribution]
    torch.testing.assert_close(share(v, v).double(), share(v.double(), v.double()), rtol=1e-5, atol=0)
    torch.testing.assert_close(share(v, v) + share(-v, -v), torch.ones_like(v))


# float64 stays float64


def test_the_share_of_dropped_anchors_is_in_the_precision_of_the_loss() -> None:
    z, labels = some_embeddings(7), torch.tensor([0, 0, 0, 1, 2, 3, 4])
    pairing, parts = by_labels(labels), [torch.tensor([0, 4, 6]), torch.tensor([1, 2, 3, 5])]
    whole = nt_xent(z[:1], pairing)
    summed = sum(len(rows) / 7 * nt_xent(z[:1], pairing, rows=rows) for rows in parts)
    assert float(summed) == pytest.approx(float(whole), rel=1e-14)


@pytest.mark.parametrize("scores", [[0.1, 0.7], torch.tensor([0.1, 0.7], dtype=torch.float64)], ids=["list", "tensor"])
def test_scores_of_pairs_keep_their_precision(scores: Any) -> None:
    z = some_embeddings(3)[:1]
    pairing = by_pairs(torch.tensor([[0, 1], [0, 2]]), anchors=3, scores=scores)
    s = functional.normalize(z[0], dim=1) @ functional.normalize(z[0], dim=1).T / 0.5
    expected = torch.logsumexp(s[0, 1:], 0) - (0.1 * s[0, 1] + 0.7 * s[0, 2]) / 0.8
    assert float(nt_xent(z, pairing)) == pytest.approx(float(expected), rel=1e-14)
    assert float(hard_contrastive(z, by_pairs(torch.tensor([[0, 1]]), anchors=3, scores=[0.1]))) > 0
    assert nt_xent(z.float(), pairing).dtype == torch.float32
    value, gradient = with_gradient(lambda x: nt_xent(x, pairing), z.bfloat16())
    assert float(value) == pytest.approx(float(expected), rel=0.02)
    assert gradient.isfinite().all()


def test_a_learned_temperature_of_weights_by_difficulty_says_nothing() -> None:
    z, reference = some_embeddings(4), some_embeddings(4, seed=1)
    temperature = torch.tensor(0.3, dtype=torch.float64, requires_grad=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        learned = difficulty_weighted(z, reference, temperature=temperature)
    torch.testing.assert_close(learned.detach(), difficulty_weighted(z, reference, temperature=0.3))
    (slope,) = torch.autograd.grad(learned, temperature)
    assert slope.isfinite()
