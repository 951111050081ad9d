from __future__ import annotations

import math

import pytest
import torch
from objective_cases import some_embeddings
from softmax_literal import literal_nt_xent, literal_softmax, mean_of_present
from torch.nn import functional

from contrapose.errors import ArgumentError
from contrapose.objectives import nt_xent, sup_con
from contrapose.pairing import by_pairs, by_towers, by_views


def test_one_sample_has_nothing_to_lose() -> None:
    assert nt_xent(torch.randn(2, 1, 4)).abs() < 1e-6


def test_two_samples_in_closed_form() -> None:
    """Four rows at 0, 90, 60 and 150 degrees: each anchor's three cosines are known."""
    degrees = torch.tensor([[0.0, 90.0], [60.0, 150.0]], dtype=torch.float64).deg2rad()
    z = torch.stack([degrees.cos(), degrees.sin()], dim=-1)  # (2, 2, 2)
    half, root = 0.5, math.sqrt(3) / 2
    # to the partner, then to the two rows of the other sample
    outer = -half + math.log(math.exp(half) + math.exp(0.0) + math.exp(-root))  # rows at 0 and 150
    inner = -half + math.log(math.exp(half) + math.exp(root) + math.exp(0.0))  # rows at 90 and 60
    assert torch.allclose(nt_xent(z, temperature=1.0), torch.tensor((outer + inner) / 2, dtype=torch.float64))


@pytest.mark.parametrize("batch", [2, 5, 32])
def test_equal_embeddings_and_high_temperature_give_the_log_of_the_terms(batch: int) -> None:
    expected = math.log(2 * batch - 1)
    assert float(nt_xent(torch.ones(2, batch, 3))) == pytest.approx(expected, abs=1e-5)
    warm = nt_xent(some_embeddings(batch), temperature=1e6)
    assert float(warm) == pytest.approx(expected, abs=1e-5)


def test_of_inner_products_it_is_symmetric_and_a_temperature_is_a_length() -> None:
    """As sequential recommendation has it: rows as they are, the mean over the rows of both views."""
    z = some_embeddings(6)
    value = nt_xent(z, temperature=0.3, normalize=False)
    assert torch.allclose(value, literal_softmax_of(z.flatten(0, 1) @ z.flatten(0, 1).T / 0.3))
    assert torch.allclose(value, nt_xent(z.flip(0), temperature=0.3, normalize=False), atol=1e-12)
    assert torch.allclose(value, nt_xent(z / math.sqrt(0.3), temperature=1.0, normalize=False), atol=1e-12)
    assert float(nt_xent(torch.randn(2, 1, 4), temperature=1.0, normalize=False)) == pytest.approx(0, abs=1e-6)
    same = torch.ones(2, 2, 5, dtype=torch.float64)
    assert float(nt_xent(same, temperature=1.0, normalize=False)) == pytest.approx(math.log(3))


def literal_softmax_of(similarity: torch.Tensor) -> torch.Tensor:
    """The mean over 2·B rows of the cross-entropy of the partner among all rows but oneself."""
    rows = len(similarity)
    return functional.cross_entropy(
        similarity.clone().fill_diagonal_(-math.inf), (torch.arange(rows) + rows // 2) % rows
    )


def test_is_cross_entropy_of_the_masked_similarities() -> None:
    z = some_embeddings(9)
    flat = functional.normalize(z, dim=-1).flatten(0, 1)
    logits = (flat @ flat.T / 0.2).fill_diagonal_(-math.inf)
    expected = functional.cross_entropy(logits, (torch.arange(18) + 9) % 18)
    assert torch.allclose(nt_xent(z, temperature=0.2), expected, atol=1e-12)


def test_counts_all_other_rows_as_candidates_not_only_the_other_view() -> None:
    z = some_embeddings(6)
    x, y = functional.normalize(z, dim=-1)
    cross_view = functional.cross_entropy(x @ y.T / 0.5, torch.arange(6))
    assert float(nt_xent(z)) > float(cross_view) + 0.1


def test_of_three_views_every_positive_stays_in_the_denominator() -> None:
    z = torch.randn(3, 4, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    value = nt_xent(z, temperature=0.3)
    assert torch.allclose(value, literal_nt_xent(z, 0.3), atol=1e-12)
    assert torch.allclose(value, sup_con(z, torch.arange(4), temperature=0.3), atol=1e-12)


def test_gradient_of_one_anchor_is_expected_minus_actual_partner() -> None:
    """d l_i / d q = (sum_a p_a z_a - z_positive) / temperature, for rows taken as they are."""
    z = functional.normalize(some_embeddings(4), dim=-1)
    temperature = 0.3
    flat = z.flatten(0, 1)
    anchor = flat[0].clone().requires_grad_()
    whole = torch.cat([anchor[None], flat[1:].detach()])
    own = nt_xent(whole.unflatten(0, (2, 4)), temperature=temperature, normalize=False, reduction="none")[0]
    (gradient,) = torch.autograd.grad(own, anchor)
    shares = torch.softmax(flat[1:] @ flat[0] / temperature, dim=0)
    assert torch.allclose(gradient, (shares @ flat[1:] - flat[4]) / temperature, atol=1e-12)


def test_a_learned_temperature_gets_its_gradient() -> None:
    z = some_embeddings(5)
    temperature = torch.tensor(0.4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda t: nt_xent(z, temperature=t), temperature)
    assert torch.allclose(nt_xent(z, temperature=temperature), nt_xent(z, temperature=0.4))


def test_normalize_false_takes_the_rows_as_they_are() -> None:
    z = some_embeddings(5)
    unit = functional.normalize(z, dim=-1)
    assert torch.allclose(nt_xent(unit, normalize=False), nt_xent(z))
    assert not torch.allclose(nt_xent(z, normalize=False), nt_xent(z), atol=1e-3)


def test_each_anchor_is_answered_in_view_major_order() -> None:
    z, rows = some_embeddings(5), torch.tensor([3, 1])
    everyone = nt_xent(z, reduction="none")
    assert everyone.shape == (10,)
    assert torch.allclose(nt_xent(z, rows=rows, reduction="none"), everyone[[3, 1, 8, 6]])


def test_scores_weigh_the_positives() -> None:
    z = functional.normalize(some_embeddings(2), dim=-1)
    pairs, scores = torch.tensor([[0, 1], [0, 2], [3, 1]]), torch.tensor([3.0, 1.0, 2.0])
    pairing = by_pairs(pairs, anchors=4, scores=scores)
    tile = pairing.tile(torch.arange(4), slice(0, 4))
    flat = z.flatten(0, 1)
    expected = literal_softmax(flat, flat, tile.weight.double(), tile.valid, 0.5)
    assert torch.allclose(nt_xent(z, pairing), mean_of_present(expected), atol=1e-12)
    each = nt_xent(z, pairing, reduction="none")
    assert each[1] == 0
    assert each[2] == 0


def test_a_pairing_with_empty_anchors_is_shared_fairly_by_ranks() -> None:
    z = some_embeddings(2)
    pairing = by_pairs(torch.tensor([[0, 1], [0, 2], [1, 3]]), anchors=4)  # anchors 2 and 3 are empty
    parts = [nt_xent(z, pairing, rows=torch.tensor([sample])) for sample in range(2)]
    assert torch.allclose(sum(parts) / 2, nt_xent(z, pairing), atol=1e-12)


@pytest.mark.parametrize(
    ("z", "options", "word"),
    [
        (torch.randn(1, 4, 3), {}, "1 view"),
        (torch.randn(2, 4, 3), {"temperature": -1.0}, "temperature"),
        (torch.randn(2, 4, 3), {"temperature": math.nan}, "temperature"),
        (torch.randn(2, 4, 3), {"temperature": torch.ones(2)}, "temperature"),
        (torch.randn(2, 4, 3), {"pairing": by_views(2, 5)}, "pairing"),
        (torch.randn(2, 4, 3), {"pairing": by_towers(4)}, "pairing"),
        (torch.randn(2, 4, 3), {"rows": torch.tensor([-1])}, "rows"),
        (torch.randn(2, 4, 3), {"rows": torch.tensor([1, 1])}, "twice"),
        (torch.randn(2, 4, 3), {"rows": torch.tensor([True, False])}, "rows"),
        (torch.randn(2, 0, 3), {}, "non-empty"),
        ([[1.0]], {}, "tensor"),
    ],
)
def test_bad_input_is_named(z: torch.Tensor, options: dict, word: str) -> None:
    with pytest.raises(ArgumentError, match=word):
        nt_xent(z, **options)
