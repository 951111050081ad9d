"""Replaced tokens as a loss: against a literal loop, in closed forms, and every slip in a sentence."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from contrapose.errors import ArgumentError, NonFiniteError
from contrapose.objectives import replaced_tokens

LENGTHS = (5, 1, 3)


def some(*, dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor, Tensor]:
    """Logits, what was replaced, and a mask, of three texts; beside them NaN."""
    generator = torch.Generator().manual_seed(0)
    mask = torch.arange(5) < torch.tensor(LENGTHS)[:, None]  # (3, 5)
    logits = 3 * torch.randn(3, 5, generator=generator, dtype=torch.float64)
    replaced = torch.rand(3, 5, generator=generator) < 0.4
    return logits.masked_fill(~mask, math.nan).to(dtype), replaced, mask


def literal(logits: Tensor, replaced: Tensor, mask: Tensor) -> Tensor:
    """One token after the other, by the chance of each."""
    terms = []
    for row in range(len(logits)):
        for place in range(logits.shape[1]):
            if mask[row, place]:
                chance = torch.sigmoid(logits[row, place])
                terms.append(-(chance if replaced[row, place] else 1 - chance).log())
    return torch.stack(terms).mean()


def test_it_is_the_loop_over_all_real_tokens_in_value_and_gradient() -> None:
    logits, replaced, mask = some()
    one, other = logits.clone().requires_grad_(), logits.clone().requires_grad_()
    found, expected = replaced_tokens(one, replaced, mask), literal(other, replaced, mask)
    found.backward()
    expected.backward()
    torch.testing.assert_close(found, expected)
    assert one.grad is not None
    assert other.grad is not None
    torch.testing.assert_close(one.grad[mask], other.grad[mask])
    assert one.grad[mask].ne(0).all()  # tokens that nobody touched count as well
    assert one.grad[~mask].eq(0).all()


def test_it_knows_nothing_at_zero_and_all_at_thirty() -> None:
    _, replaced, mask = some()
    assert float(replaced_tokens(torch.zeros(3, 5), replaced, mask)) == pytest.approx(math.log(2))
    right = torch.where(replaced, 30.0, -30.0).double()
    assert float(replaced_tokens(right, replaced, mask)) < 1e-9
    assert float(replaced_tokens(-right, replaced, mask)) == pytest.approx(30.0)


def test_parts_of_a_batch_with_one_count_average_to_the_whole() -> None:
    logits, replaced, mask = some()
    count = mask.sum() / 2
    parts = [replaced_tokens(logits[r], replaced[r], mask[r], count=count) for r in (slice(0, 1), slice(1, 3))]
    torch.testing.assert_close(sum(parts) / 2, replaced_tokens(logits, replaced, mask))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_reduced_precision_is_computed_in_float32(dtype: torch.dtype) -> None:
    logits, replaced, mask = some(dtype=dtype)
    found = replaced_tokens(logits, replaced, mask)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found.double(), literal(logits.double(), replaced, mask), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"replaced": torch.zeros(3, 4, dtype=torch.bool)}, r"must be of one shape \(B, T\), got \(3, 5\)"),
        ({"mask": torch.zeros(3, 5, dtype=torch.bool)}, r"logits must be a non-empty tensor of shape \(N\)"),
        ({"count": 0.0}, "count must be above 0, got 0"),
    ],
)
def test_slips_are_told(change: dict[str, Any], word: str) -> None:
    logits, replaced, mask = some()
    with pytest.raises(ArgumentError, match=word):
        replaced_tokens(**{"logits": logits, "replaced": replaced, "mask": mask, **change})


def test_a_logit_of_a_real_token_that_is_no_number_is_told() -> None:
    _, replaced, mask = some()
    with pytest.raises(NonFiniteError, match="logits holds 9 values that are NaN"):
        replaced_tokens(torch.full((3, 5), math.nan), replaced, mask)
