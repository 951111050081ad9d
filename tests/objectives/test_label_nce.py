"""label_nce: closed forms, a literal loop, masks, rows of two processes, slips in words."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.objectives import label_nce


def drawn(batch: int = 6, candidates: int = 5, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    """Logits, positives and who is asked; the last text has no positive."""
    generator = torch.Generator().manual_seed(seed)
    logits = 3 * torch.randn(batch, candidates, generator=generator, dtype=torch.float64)
    valid = torch.rand(batch, candidates, generator=generator) < 0.8
    positive = torch.rand(batch, candidates, generator=generator) < 0.4
    positive[:, 0] = valid[:, 0] = True
    positive[-1] = False
    return logits.requires_grad_(), positive, valid


def literal(logits: Tensor, positive: Tensor, valid: Tensor) -> Tensor:
    """The equation, a text and a candidate at a time."""
    losses = []
    for row in range(len(logits)):
        asked = [column for column in range(logits.shape[1]) if valid[row, column]]
        if not any(positive[row, column] for column in asked):
            continue
        terms = []
        for column in asked:
            p = 1 / (1 + torch.exp(-logits[row, column]))
            terms.append(-torch.log(p if positive[row, column] else 1 - p))
        losses.append(sum(terms[1:], terms[0]) / len(terms))
    return sum(losses[1:], losses[0]) / len(losses)


def test_it_is_the_equation_in_value_and_gradient() -> None:
    logits, positive, valid = drawn()
    expected = literal(logits, positive, valid)
    (slope,) = torch.autograd.grad(expected, logits)
    loss = label_nce(logits, positive, valid)
    (found,) = torch.autograd.grad(loss, logits)
    torch.testing.assert_close(loss, expected, rtol=1e-12, atol=0)
    torch.testing.assert_close(found, slope, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize(("g", "b"), [(1, 1), (4, 32), (7, 2), (3, 0)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
def test_where_nothing_is_told_apart_it_is_the_logarithm_of_two(g: int, b: int, dtype: torch.dtype) -> None:
    positive = torch.arange(g + b).expand(3, -1) < g
    loss = label_nce(torch.zeros(3, g + b, dtype=dtype), positive)
    assert loss.dtype == (torch.float64 if dtype == torch.float64 else torch.float32)
    assert float(loss) == pytest.approx(math.log(2), rel=1e-6)


@pytest.mark.parametrize("size", [30.0, 1e4])
def test_perfect_logits_cost_nothing_and_wrong_ones_keep_their_gradient(size: float) -> None:
    positive = torch.arange(6).expand(2, -1) < 2
    right = torch.where(positive, size, -size)
    assert float(label_nce(right, positive)) < 1e-9
    wrong = (-right).requires_grad_()
    label_nce(wrong, positive).backward()
    assert wrong.grad is not None
    torch.testing.assert_close(wrong.grad, torch.where(positive, -1.0, 1.0) / 12)


def test_a_text_without_a_positive_is_dropped_counted_or_refused() -> None:
    logits, positive, valid = drawn()
    each = label_nce(logits, positive, valid, reduction="none")
    assert not each[-1].detach().any()
    torch.testing.assert_close(label_nce(logits, positive, valid), each[:-1].mean())
    torch.testing.assert_close(label_nce(logits, positive, valid, empty="zero"), each.mean())
    with pytest.raises(ArgumentError, match=r'1 of 6 texts have no positive label.*empty="drop"'):
        label_nce(logits, positive, valid, empty="error")
    nobody = label_nce(logits, torch.zeros_like(positive))
    (slope,) = torch.autograd.grad(nobody, logits)
    assert float(nobody) == 0
    assert not slope.any()


def test_who_is_not_asked_does_not_matter() -> None:
    logits, positive, valid = drawn()
    other = torch.where(valid, logits.detach(), 17.0)
    turned = torch.where(valid, positive, ~positive)
    torch.testing.assert_close(label_nce(other, turned, valid), label_nce(logits, positive, valid))


def test_the_average_over_processes_is_the_loss_of_one() -> None:
    logits, positive, valid = drawn()
    positive[1] = False  # one is dropped in the first half, one in the second
    halves = [label_nce(logits, positive, valid, rows=torch.tensor(rows)) for rows in ([0, 1, 2], [3, 4, 5])]
    torch.testing.assert_close(sum(halves) / 2, label_nce(logits, positive, valid))
    assert not torch.isclose(halves[0], halves[1])


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"positive": torch.ones(2, 2, dtype=torch.bool)}, r"positive must be a bool mask of shape \(2, 3\)"),
        ({"valid": torch.ones(2, 3)}, r"valid must be a bool mask .* got float32"),
        ({"logits": torch.full((2, 3), math.nan)}, "logits holds 6 values that are NaN"),
        ({"empty": "none"}, "Unknown empty 'none'"),
        ({"reduction": "sum"}, "Unknown reduction"),
        ({"rows": torch.tensor([2])}, "rows names 2"),
    ],
)
def test_slips_are_told(change: dict[str, Any], word: str) -> None:
    given: dict[str, Any] = {"logits": torch.zeros(2, 3), "positive": torch.ones(2, 3, dtype=torch.bool)} | change
    with pytest.raises((ArgumentError, RuntimeError), match=word):
        label_nce(**given)
