"""Balanced codes: the paper's iteration, its limits and invariances, and numbers that exponentials cannot hold."""

from __future__ import annotations

import math

import pytest
import torch
from beartype import beartype
from hypothesis import given, settings
from hypothesis import strategies as st
from jaxtyping import jaxtyped
from swav_literal import literal_sinkhorn
from torch import Tensor

from contrapose import objectives
from contrapose.errors import ArgumentError, NonFiniteError

sinkhorn = jaxtyped(typechecker=beartype)(objectives.sinkhorn)


def cosines(samples: int = 7, prototypes: int = 4, *, seed: int = 0) -> Tensor:
    """`(B, K)` numbers in [-1, 1], float64."""
    generator = torch.Generator().manual_seed(seed)
    return 2 * torch.rand(samples, prototypes, generator=generator, dtype=torch.float64) - 1


@settings(max_examples=20, deadline=None)
@given(
    seed=st.integers(0, 1000),
    samples=st.integers(1, 8),
    prototypes=st.integers(2, 6),
    epsilon=st.floats(0.02, 5),
    iterations=st.integers(1, 6),
)
def test_it_is_the_literal_iteration(seed: int, samples: int, prototypes: int, epsilon: float, iterations: int) -> None:
    scores = cosines(samples, prototypes, seed=seed)
    found = sinkhorn(scores, epsilon=epsilon, iterations=iterations)
    torch.testing.assert_close(found, literal_sinkhorn(scores, epsilon, iterations), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("iterations", [1, 3, 100])
def test_rows_sum_to_one_always_and_columns_in_the_limit(iterations: int) -> None:
    codes = sinkhorn(cosines(12, 5), iterations=iterations)
    torch.testing.assert_close(codes.sum(1), torch.ones(12, dtype=torch.float64), atol=1e-6, rtol=0)
    shares = codes.sum(0) - 12 / 5
    assert bool(shares.abs().max() < 1e-4) == (iterations == 100)  # three are too few, as the paper has it


def test_a_huge_epsilon_makes_all_codes_uniform() -> None:
    torch.testing.assert_close(sinkhorn(cosines(), epsilon=1e9), torch.full((7, 4), 0.25, dtype=torch.float64))


@pytest.mark.parametrize("iterations", [1, 3])
def test_samples_that_are_alike_get_one_code_which_is_uniform(iterations: int) -> None:
    codes = sinkhorn(cosines(1).expand(7, 4), iterations=iterations)
    torch.testing.assert_close(codes, torch.full((7, 4), 0.25, dtype=torch.float64))


@pytest.mark.parametrize("iterations", [1, 2, 3])
def test_a_constant_and_one_for_each_prototype_change_nothing(iterations: int) -> None:
    scores, offsets = cosines(), cosines(1, seed=1)
    codes = sinkhorn(scores, iterations=iterations)
    torch.testing.assert_close(sinkhorn(scores + 0.7, iterations=iterations), codes)
    torch.testing.assert_close(sinkhorn(scores + offsets, iterations=iterations), codes)


def test_a_constant_for_each_sample_changes_nothing_in_the_limit_alone() -> None:
    scores, offsets = cosines(), 0.2 * cosines(7, 2, seed=1)[:, :1]
    difference = sinkhorn(scores + offsets, epsilon=0.5) - sinkhorn(scores, epsilon=0.5)
    assert difference.abs().max() > 1e-4
    limits = [sinkhorn(x, epsilon=0.5, iterations=100) for x in (scores + offsets, scores)]
    torch.testing.assert_close(*limits, atol=1e-4, rtol=0)


def test_as_many_samples_as_prototypes_of_their_own_get_them() -> None:
    eye = torch.eye(6, dtype=torch.float64)
    torch.testing.assert_close(sinkhorn(10 * eye), eye)


def test_order_of_samples_and_of_prototypes_does_not_matter() -> None:
    scores, generator = cosines(), torch.Generator().manual_seed(1)
    samples, prototypes = torch.randperm(7, generator=generator), torch.randperm(4, generator=generator)
    torch.testing.assert_close(sinkhorn(scores[samples][:, prototypes]), sinkhorn(scores)[samples][:, prototypes])


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
@pytest.mark.parametrize("epsilon", [0.05, 0.001, 1e-6])
def test_nothing_overflows_and_nobody_divides_by_zero(epsilon: float, dtype: torch.dtype) -> None:
    scores = cosines().to(dtype)
    scores[:, 2] = -1.0  # a prototype that nobody is near to
    scores[3] = -1.0  # and a sample that is near to none
    codes = sinkhorn(scores, epsilon=epsilon)
    assert codes.dtype == torch.float32
    assert codes.isfinite().all()
    torch.testing.assert_close(codes.sum(1), torch.ones(7))
    assert math.isinf(float((torch.tensor(1.0, dtype=dtype) / epsilon).exp())) == (
        epsilon < 0.012 or dtype == torch.float16
    )


def test_autocast_and_transforms_change_nothing() -> None:
    scores = cosines().float()
    expected = sinkhorn(scores)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        torch.testing.assert_close(sinkhorn(scores), expected, rtol=0, atol=0)
    many = torch.vmap(objectives.sinkhorn)(torch.stack([scores, scores.flip(0)]))
    torch.testing.assert_close(many, torch.stack([expected, expected.flip(0)]))


@pytest.mark.parametrize(
    ("scores", "options", "word"),
    [
        (cosines(7, 2)[:, :1], {}, "2 or more"),
        (cosines(), {"epsilon": 0.0}, "epsilon must be a finite number above 0"),
        (cosines(), {"epsilon": -0.05}, "epsilon must be a finite number above 0"),
        (cosines(), {"epsilon": math.inf}, "epsilon must be a finite number above 0"),
        (cosines(), {"iterations": 0}, "iterations must be at least 1, got 0"),
        (cosines()[0], {}, "shape"),
        (cosines().long(), {}, "floating point"),
    ],
)
def test_bad_input_is_named(scores: Tensor, options: dict, word: str) -> None:
    with pytest.raises(ArgumentError, match=word):
        objectives.sinkhorn(scores, **options)


def test_scores_that_are_not_finite_are_named() -> None:
    with pytest.raises(NonFiniteError, match="scores holds 7 values"):
        objectives.sinkhorn(cosines() * torch.tensor([1.0, math.nan, 1.0, 1.0]))
