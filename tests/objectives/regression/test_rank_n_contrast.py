"""Rank-N-Contrast: against a loop over all triples, in closed forms, and what it does not look at."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from objective_cases import some_embeddings
from regression_literal import literal_rank_n_contrast
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.objectives import rank_n_contrast
from contrapose.objectives.regression.rank_n_contrast import rank_n_contrast_chance
from contrapose.pairing import by_targets

TARGETS = torch.tensor([0.3, 0.1, 0.2, 0.1, 0.9, 0.4], dtype=torch.float64)  # with equal numbers and equal distances


def with_gradient(z: Tensor, targets: Tensor = TARGETS, **options: Any) -> tuple[Tensor, Tensor]:
    z = z.detach().clone().requires_grad_()
    loss = rank_n_contrast(z, targets, **options)
    return loss.detach(), torch.autograd.grad(loss, z)[0]


@pytest.mark.parametrize("temperature", [0.1, 2.0])
@pytest.mark.parametrize("views", [1, 2, 3])
def test_value_and_gradient_are_those_of_the_loop_over_triples(views: int, temperature: float) -> None:
    z = torch.randn(views, 6, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64).requires_grad_()
    expected = torch.stack(literal_rank_n_contrast(z, TARGETS, temperature=temperature))
    (expected_gradient,) = torch.autograd.grad(expected.mean(), z)
    value, gradient = with_gradient(z, temperature=temperature)
    torch.testing.assert_close(value, expected.detach().mean(), rtol=1e-12, atol=0)
    torch.testing.assert_close(gradient, expected_gradient, rtol=1e-10, atol=1e-13)
    torch.testing.assert_close(rank_n_contrast(z, TARGETS, temperature=temperature, reduction="none"), expected)


def test_equal_distances_are_equal_in_spite_of_rounding() -> None:
    z = some_embeddings(6)
    whole = (10 * TARGETS).round()  # 0.3 - 0.2 and 0.2 - 0.1 differ in their last digit, 3 - 2 and 2 - 1 do not
    torch.testing.assert_close(rank_n_contrast(z, TARGETS), rank_n_contrast(z, whole))
    assert not torch.allclose(rank_n_contrast(z, TARGETS, tolerance=0.0), rank_n_contrast(z, whole, tolerance=0.0))


def test_one_sample_costs_nothing() -> None:
    assert float(rank_n_contrast(torch.randn(2, 1, 3), torch.tensor([4.0]))) == 0.0


def test_equal_embeddings_count_who_is_as_far() -> None:
    z = torch.ones(2, 6, 3, dtype=torch.float64)
    assert float(rank_n_contrast(z, torch.full((6,), 2.0))) == pytest.approx(math.log(11))
    y = TARGETS.repeat(2).mul(10).round().tolist()
    logs = []
    for i in range(12):
        gaps = [abs(y[i] - y[k]) for k in range(12) if k != i]
        logs += [math.log(sum(other >= gap for other in gaps)) for gap in gaps]
    assert float(rank_n_contrast(z, TARGETS)) == pytest.approx(sum(logs) / len(logs))
    assert rank_n_contrast_chance(by_targets(TARGETS, views=2)) == pytest.approx(sum(logs) / len(logs))


@pytest.mark.parametrize(("scale", "shift"), [(1e-7, 0.0), (3.7, -12.0), (-1e5, 1e3)])
def test_another_unit_or_origin_of_the_targets_changes_nothing(scale: float, shift: float) -> None:
    z = some_embeddings(6)
    torch.testing.assert_close(rank_n_contrast(z, scale * TARGETS + shift), rank_n_contrast(z, TARGETS))


def test_a_rotation_or_shift_of_the_embeddings_changes_nothing_and_their_scale_does() -> None:
    z, generator = some_embeddings(6), torch.Generator().manual_seed(1)
    rotation, _ = torch.linalg.qr(torch.randn(5, 5, generator=generator, dtype=torch.float64))
    expected = rank_n_contrast(z, TARGETS)
    torch.testing.assert_close(rank_n_contrast(z @ rotation + 3.0, TARGETS), expected)
    assert not torch.allclose(rank_n_contrast(2 * z, TARGETS), expected)
    torch.testing.assert_close(rank_n_contrast(2 * z, TARGETS, temperature=4.0), expected)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_equal_rows_have_a_finite_gradient(dtype: torch.dtype) -> None:
    z = some_embeddings(6).to(dtype)
    z[1] = z[0]
    for rows in (z, torch.ones_like(z)):
        value, gradient = with_gradient(rows, temperature=0.01)
        assert value.isfinite()
        assert gradient.isfinite().all()
    transformed = torch.func.grad(lambda x: rank_n_contrast(x, TARGETS))(z.double())
    torch.testing.assert_close(transformed, with_gradient(z.double())[1])


@pytest.mark.parametrize("temperature", [1e-3, 1e3])
def test_float32_is_float64_at_any_temperature(temperature: float) -> None:
    z = some_embeddings(6) + 100.0  # far from the origin, where products would lose the digits of the differences
    value, gradient = with_gradient(z.float(), temperature=temperature)
    expected, expected_gradient = with_gradient(z.float().double(), temperature=temperature)
    assert float(value) == pytest.approx(float(expected), rel=1e-5)
    assert float((gradient - expected_gradient).norm() / expected_gradient.norm()) < 1e-3


def test_equal_targets_have_the_gradient_of_the_loop() -> None:
    z, equal = some_embeddings(4).requires_grad_(), torch.full((4,), 7.0)
    (expected,) = torch.autograd.grad(torch.stack(literal_rank_n_contrast(z, equal)).mean(), z)
    torch.testing.assert_close(with_gradient(z, equal)[1], expected)


def test_order_in_the_embedding_is_what_lowers_it() -> None:
    line = torch.linspace(0, 1, 8, dtype=torch.float64)
    ordered = line.repeat(2, 1).unsqueeze(2)  # (2, 8, 1): the embedding is the target
    shuffled = ordered[:, torch.randperm(8, generator=torch.Generator().manual_seed(0))]
    assert rank_n_contrast(20 * ordered, line) < rank_n_contrast(20 * shuffled, line) - 1


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"targets": torch.ones(3)}, "targets has 3 entries for 4 samples"),
        ({"targets": torch.tensor([0.0, math.nan, 1.0, 2.0])}, "1 of 4 are NaN"),
        ({"tolerance": math.nan}, "tolerance"),
        ({"temperature": -1.0}, "temperature"),
        ({"z": torch.ones(1, 1, 3), "targets": torch.ones(1)}, "single row"),
    ],
)
def test_bad_input_is_named(change: dict, word: str) -> None:
    with pytest.raises(ArgumentError, match=word):
        rank_n_contrast(**{"z": torch.ones(2, 4, 3), "targets": torch.arange(4.0), **change})
