"""The margin between right and wrong candidates: a literal loop, closed forms, samples with fewer candidates."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from contrapose.errors import ArgumentError, NonFiniteError
from contrapose.objectives import candidate_margin


def some(*, dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    right = torch.randn(5, generator=generator, dtype=torch.float64)
    wrong = torch.randn(5, 3, generator=generator, dtype=torch.float64)
    return right.to(dtype), wrong.to(dtype)


KNOWN = torch.tensor([[1, 1, 1], [1, 0, 0], [0, 0, 0], [0, 1, 1], [1, 1, 0]], dtype=torch.bool)


def literal(right: Tensor, wrong: Tensor, known: Tensor, margin: float) -> Tensor:
    samples = []
    for row in range(len(right)):
        terms = [
            torch.relu(margin - right[row] + wrong[row, place])
            for place in range(wrong.shape[1])
            if bool(known[row, place])
        ]
        if terms:
            samples.append(torch.stack(terms).mean())
    return torch.stack(samples).mean()


@pytest.mark.parametrize("margin", [0.0, 0.5, 2.0])
@pytest.mark.parametrize("known", [None, KNOWN])
def test_it_is_the_loop_in_value_and_gradient(margin: float, known: Tensor | None) -> None:
    leaves = [[x.clone().requires_grad_() for x in some()] for _ in range(2)]
    found = candidate_margin(*leaves[0], margin=margin, known=known)
    every = torch.ones(5, 3, dtype=torch.bool)
    expected = literal(*leaves[1], every if known is None else known, margin)
    found.backward()
    expected.backward()
    torch.testing.assert_close(found, expected)
    for one, other in zip(*leaves, strict=True):
        torch.testing.assert_close(one.grad, torch.zeros_like(one) if other.grad is None else other.grad)


def test_equal_scores_are_a_margin_apart_from_enough() -> None:
    assert float(candidate_margin(torch.full((4,), 7.0), torch.full((4, 3), 7.0), margin=0.3)) == pytest.approx(0.3)


def test_ahead_by_the_margin_is_enough() -> None:
    right = torch.full((4,), 2.0, requires_grad=True)
    loss = candidate_margin(right, torch.ones(4, 3), margin=1.0)
    loss.backward()
    assert float(loss.detach()) == 0.0
    assert right.grad is not None
    assert right.grad.eq(0).all()


def test_without_any_wrong_candidate_there_is_nothing_to_lose() -> None:
    right, wrong = some()
    assert float(candidate_margin(right, wrong, known=torch.zeros(5, 3, dtype=torch.bool))) == 0.0


def test_parts_of_a_batch_with_one_count_average_to_the_whole() -> None:
    right, wrong = some()
    count = KNOWN.any(dim=1).sum() / 2
    parts = [candidate_margin(right[r], wrong[r], known=KNOWN[r], count=count) for r in (slice(0, 1), slice(1, 5))]
    torch.testing.assert_close(sum(parts) / 2, candidate_margin(right, wrong, known=KNOWN))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_reduced_precision_is_computed_in_float32(dtype: torch.dtype) -> None:
    right, wrong = some(dtype=dtype)
    found = candidate_margin(right, wrong, known=KNOWN)
    assert found.dtype == torch.float32
    expected = literal(right.double(), wrong.double(), KNOWN, 1.0)
    torch.testing.assert_close(found.double(), expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"margin": -1.0}, "margin must be 0 or more, got -1"),
        ({"margin": float("nan")}, "margin must be a finite number"),
        ({"right": torch.zeros(4)}, r"right is \(4,\), wrong \(5, 3\)"),
        ({"known": KNOWN[:4]}, r"known \(4, 3\)"),
        ({"count": -2.0}, "count must be above 0, got -2"),
    ],
)
def test_slips_are_told(change: dict[str, Any], word: str) -> None:
    right, wrong = some()
    with pytest.raises(ArgumentError, match=word):
        candidate_margin(**{"right": right, "wrong": wrong, **change})


def test_a_score_that_is_no_number_is_told() -> None:
    with pytest.raises(NonFiniteError, match="wrong holds 1 values"):
        candidate_margin(torch.zeros(1), torch.tensor([[float("inf"), 0.0]]))
