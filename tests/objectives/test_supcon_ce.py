"""supcon_ce: both of its halves alone, closed forms, a literal loop, rows of two processes, slips in words."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from contrapose.errors import ArgumentError
from contrapose.objectives import sup_con, supcon_ce


def drawn(views: int = 2, batch: int = 6, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    z = torch.randn(views, batch, 4, generator=generator, dtype=torch.float64)
    logits = torch.randn(views, batch, 3, generator=generator, dtype=torch.float64)
    return z.requires_grad_(), logits.requires_grad_(), torch.tensor([0, 0, 1, 2, -1, 1])[:batch]


def literal(z: Tensor, logits: Tensor, labels: Tensor, weight: float, temperature: float) -> Tensor:
    """The equation, row by row; an unlabelled sample has its own views alone."""
    views, batch, _ = z.shape
    rows = [functional.normalize(z[v, b], dim=0) for v in range(views) for b in range(batch)]
    of = [int(labels[b]) if labels[b] >= 0 else -1 - b for _ in range(views) for b in range(batch)]
    entropies = [
        -torch.log_softmax(logits[v, b], dim=0)[labels[b]] for v in range(views) for b in range(batch) if labels[b] >= 0
    ]
    contrasts = []
    for i, row in enumerate(rows):
        partners = [p for p in range(len(rows)) if p != i and of[p] == of[i]]
        if not partners:
            continue
        total = sum(torch.exp(row @ rows[k] / temperature) for k in range(len(rows)) if k != i)
        terms = [-torch.log(torch.exp(row @ rows[p] / temperature) / total) for p in partners]
        contrasts.append(sum(terms[1:], terms[0]) / len(terms))
    contrast = sum(contrasts[1:], contrasts[0]) / len(contrasts)
    return (1 - weight) * sum(entropies[1:], entropies[0]) / len(entropies) + weight * contrast


@pytest.mark.parametrize("views", [1, 2])
def test_it_is_the_equation_in_value_and_gradient(views: int) -> None:
    z, logits, labels = drawn(views)
    expected = literal(z, logits, labels, 0.7, 0.4)
    slopes = torch.autograd.grad(expected, (z, logits))
    loss = supcon_ce(z, logits, labels, weight=0.7, temperature=0.4)
    torch.testing.assert_close(loss, expected, rtol=1e-10, atol=0)
    for found, slope in zip(torch.autograd.grad(loss, (z, logits)), slopes, strict=True):
        torch.testing.assert_close(found, slope, rtol=1e-8, atol=1e-12)


def test_without_contrast_it_is_cross_entropy_and_without_that_it_is_contrast() -> None:
    z, logits, labels = drawn()
    entropy = functional.cross_entropy(logits.flatten(0, 1), labels.repeat(2), ignore_index=-1)
    torch.testing.assert_close(supcon_ce(z, logits, labels, weight=0), entropy)
    torch.testing.assert_close(supcon_ce(z, logits, labels, weight=1), sup_con(z, labels, temperature=0.3))


def test_closed_forms() -> None:
    logits = torch.randn(1, 4, 2, generator=torch.Generator().manual_seed(0))
    z = torch.randn(1, 2, 3, generator=torch.Generator().manual_seed(0))
    assert float(supcon_ce(z, logits[:, :2], torch.tensor([1, 1]), weight=1)) == pytest.approx(0, abs=1e-6)
    four = torch.ones(1, 4, 3)
    assert float(supcon_ce(four, logits, torch.tensor([0, 0, 1, 1]), weight=1)) == pytest.approx(math.log(3))
    for dtype in (torch.float32, torch.bfloat16):
        alone = torch.randn(1, 4, 3, dtype=dtype, requires_grad=True)
        many = torch.randn(1, 4, 4, dtype=dtype, requires_grad=True)
        loss = supcon_ce(alone, many, torch.arange(4), weight=1)
        assert float(loss) == 0
        loss.backward()
        assert alone.grad is not None
        assert not alone.grad.any()
        mixed = supcon_ce(alone, many, torch.arange(4), weight=0.9)
        entropy = functional.cross_entropy(many.float().flatten(0, 1), torch.arange(4))
        torch.testing.assert_close(mixed, 0.1 * entropy)


def test_a_batch_without_labels_has_no_cross_entropy() -> None:
    z, logits, _ = drawn(1)
    assert float(supcon_ce(z, logits, torch.full((6,), -1))) == 0


def test_the_average_over_processes_is_the_loss_of_one() -> None:
    z, logits, labels = drawn()
    halves = [supcon_ce(z, logits, labels, rows=torch.tensor(rows)) for rows in ([0, 1, 2], [3, 4, 5])]
    torch.testing.assert_close(sum(halves) / 2, supcon_ce(z, logits, labels))
    assert not torch.isclose(halves[0], halves[1])


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"weight": 1.5}, r"weight must be in \[0, 1\], got 1.5"),
        ({"labels": torch.tensor([0, 1, 3])}, "A label is 3, and there are logits for 3 classes"),
        ({"labels": torch.tensor([0, 1])}, "wants logits"),
        ({"logits": torch.zeros(2, 3, 3)}, "wants logits"),
        ({"temperature": 0.0}, "temperature must be a finite number above 0"),
    ],
)
def test_slips_are_told(change: dict[str, Any], word: str) -> None:
    given = {"z": torch.randn(1, 3, 2), "logits": torch.zeros(1, 3, 3), "labels": torch.tensor([0, 1, 1])} | change
    with pytest.raises(ArgumentError, match=word):
        supcon_ce(**given)
