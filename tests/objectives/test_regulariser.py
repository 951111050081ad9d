"""The contrastive regulariser against its definition, written out row by row, and in closed form."""

from __future__ import annotations

import pytest
import torch
from objective_cases import some_embeddings
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.objectives import contrastive_regulariser
from contrapose.pairing import Pairing, beyond_groups, by_views


def literal(z: Tensor, pairing: Pairing | None = None, temperature: float = 1.0) -> Tensor:
    """Two brackets that are cut off at 0, for each row."""
    x = z.flatten(0, 1)  # (N, D)
    similarity = x @ x.T / temperature
    tile = (pairing or by_views(*z.shape[:2])).tile(torch.arange(len(x)), slice(0, len(x)))
    each = []
    for row in range(len(x)):
        positives, negatives = similarity[row, tile.positive[row]], similarity[row, tile.negative[row]]
        if not len(negatives):
            each.append(similarity.new_zeros(()))
            continue
        low = torch.minimum(positives.min(), negatives.max())
        high = torch.maximum(positives.min(), negatives.max())
        each.append((positives - low).clamp(min=0).mean() + (high - negatives).clamp(min=0).mean())
    return torch.stack(each)


def of_scores(positive: float, negative: float, samples: int = 4) -> Tensor:
    """Two views of which every row has this inner product with its partner, and that with all others."""
    gram = torch.full((samples, samples), negative, dtype=torch.float64).fill_diagonal_(positive)
    both = torch.cat([torch.cat([gram, gram], dim=1)] * 2)  # (2·B, 2·B), whose diagonal nobody looks at
    both.fill_diagonal_(positive + 9.0)
    values, vectors = torch.linalg.eigh(both)
    return (vectors * values.clamp(min=0).sqrt()).view(2, samples, -1)


@pytest.mark.parametrize("views", [2, 3])
def test_it_is_the_sum_of_the_two_brackets(views: int) -> None:
    z = torch.randn(views, 7, 5, generator=torch.Generator().manual_seed(views), dtype=torch.float64)
    each = contrastive_regulariser(z, temperature=0.7, reduction="none")
    assert torch.allclose(each, literal(z, temperature=0.7), atol=1e-12)
    assert torch.allclose(contrastive_regulariser(z, temperature=0.7), each.mean(), atol=1e-12)


def test_closed_forms() -> None:
    assert float(contrastive_regulariser(of_scores(2.0, 2.0))) == pytest.approx(0, abs=1e-9)
    assert float(contrastive_regulariser(of_scores(2.5, 1.0))) == pytest.approx(2 * 1.5, abs=1e-9)
    assert float(contrastive_regulariser(torch.randn(2, 1, 4))) == 0


def test_a_positive_below_equal_negatives_costs_nothing() -> None:
    gram = torch.tensor([[3.0, 0.5, -1.0, 0.5], [0.5, 3.0, 0.5, -1.0], [-1.0, 0.5, 3.0, 0.5], [0.5, -1.0, 0.5, 3.0]])
    z = torch.linalg.cholesky(gram.double()).view(2, 2, 4)
    assert float(contrastive_regulariser(z)) == pytest.approx(0, abs=1e-12)


def test_temperature_is_a_factor_and_the_order_of_the_two_does_not_matter() -> None:
    z = some_embeddings(5)
    value = contrastive_regulariser(z)
    assert torch.allclose(contrastive_regulariser(z, temperature=0.25), 4 * value)
    assert torch.allclose(contrastive_regulariser(z.flip(0)), value)
    assert float(value) > 0


def test_it_pulls_positives_down_and_negatives_up() -> None:
    z = of_scores(2.5, 1.0).requires_grad_()
    contrastive_regulariser(z).backward()
    with torch.no_grad():
        moved = z - 0.05 * z.grad  # type: ignore[operator]
    positive, negative = (moved[0] * moved[1]).sum(1).mean(), (moved[0] * moved[1].roll(1, 0)).sum(1).mean()
    assert positive < 2.5
    assert negative > 1.0


def test_pairs_of_views_and_any_other_pairing_agree() -> None:
    """The short way of two views, in small blocks too, and the way of any pairing."""
    z, rows = some_embeddings(6), torch.tensor([4, 1, 2])

    class Opaque(Pairing):
        anchors = candidates = 12

        def tile(self, rows, columns):  # type: ignore[no-untyped-def]
            return by_views(2, 6).tile(rows, columns)

        def to(self, device):  # type: ignore[no-untyped-def]
            return self

    for options in ({}, {"rows": rows}, {"reduction": "none"}, {"block_size": 5}):
        found = []
        for pairing in (None, by_views(2, 6), Opaque()):
            x = z.clone().requires_grad_()
            value = contrastive_regulariser(x, pairing, **options)  # type: ignore[arg-type]
            found.append((value.detach(), *torch.autograd.grad(value.sum(), x)))
        for value, gradient in found[1:]:
            assert torch.allclose(value, found[0][0], atol=1e-12)
            assert torch.allclose(gradient, found[0][1], atol=1e-12)


def test_who_is_left_out_counts_nowhere() -> None:
    z, groups = some_embeddings(5), torch.tensor([3, 3, 0, 3, -1])
    pairing = beyond_groups(by_views(2, 5), groups, views=2)
    each = contrastive_regulariser(z, pairing, reduction="none")
    assert torch.allclose(each, literal(z, pairing), atol=1e-12)
    alone = beyond_groups(by_views(2, 5), torch.zeros(5, dtype=torch.long), views=2)
    assert float(contrastive_regulariser(z, alone)) == 0


def test_a_width_of_nothing_is_refused() -> None:
    with pytest.raises(ArgumentError, match="temperature must be a finite number above 0"):
        contrastive_regulariser(some_embeddings(3), temperature=0.0)
