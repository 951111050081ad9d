"""SimCSE's loss: closed forms, the weight of an anchor's own hard negatives, and candidates that are not seen."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from objective_cases import some_embeddings
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.objectives import info_nce, simcse


def some_negatives(count: int, batch: int = 6, dim: int = 5) -> Tensor:
    return torch.randn(count, batch, dim, generator=torch.Generator().manual_seed(3), dtype=torch.float64)


def literal(z: Tensor, negatives: Tensor, temperature: float, log_weight: float) -> Tensor:
    """As the authors write it: one matrix beside the other, the weight added to the diagonal of the second."""
    cosine = torch.nn.functional.cosine_similarity
    blocks = [cosine(z[0].unsqueeze(1), other.unsqueeze(0), dim=-1) / temperature for other in (z[1], *negatives)]
    for block in blocks[1:]:
        block.diagonal().add_(log_weight)
    return torch.nn.functional.cross_entropy(torch.cat(blocks, 1), torch.arange(len(z[0])))


@pytest.mark.parametrize("hard", [0, 1, 2])
@pytest.mark.parametrize("temperature", [0.05, 1e9])
def test_equal_embeddings_and_a_high_temperature_give_the_log_of_all_candidates(hard: int, temperature: float) -> None:
    z = torch.ones(2, 6, 5, dtype=torch.float64) if temperature < 1 else some_embeddings()
    negatives = torch.ones(hard, 6, 5, dtype=torch.float64) if temperature < 1 else some_negatives(hard)
    loss = simcse(z[0], z[1], negatives if hard else None, temperature=temperature)
    assert float(loss) == pytest.approx(math.log((1 + hard) * 6), abs=1e-6)


@pytest.mark.parametrize("log_weight", [-math.inf, -2.0, 0.0, 1.5])
def test_one_anchor_whose_negative_is_its_positive(log_weight: float) -> None:
    z = some_embeddings(1)
    loss = simcse(z[0], z[1], z[1:], log_weight=log_weight)
    assert float(loss) == pytest.approx(math.log1p(math.exp(log_weight)))


@pytest.mark.parametrize("log_weight", [-1.0, 0.0, 0.7])
def test_it_is_the_authors_matrix(log_weight: float) -> None:
    z, negatives = some_embeddings(), some_negatives(2)
    found = simcse(z[0], z[1], negatives, temperature=0.3, log_weight=log_weight)
    torch.testing.assert_close(found, literal(z, negatives, 0.3, log_weight))


def test_without_hard_negatives_it_is_info_nce() -> None:
    z = some_embeddings()
    torch.testing.assert_close(simcse(z[0], z[1]), info_nce(z[0], z[1], temperature=0.05))


def test_the_length_of_no_row_matters() -> None:
    z, negatives = some_embeddings(), some_negatives(1)
    lengths = 0.1 + torch.rand(3, 6, 1, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    scaled = simcse(lengths[0] * z[0], lengths[1] * z[1], lengths[2:] * negatives)
    torch.testing.assert_close(scaled, simcse(z[0], z[1], negatives))


def test_who_is_ignored_is_not_seen_and_the_own_positive_always_is() -> None:
    z, negatives = some_embeddings(), some_negatives(1)
    ignored = torch.zeros(6, 12, dtype=torch.bool)
    ignored[0, 2:] = True  # anchor 0 is left with positives 0 and 1
    each = simcse(z[0], z[1], negatives, ignored=ignored, reduction="none")
    two = torch.nn.functional.cosine_similarity(z[0, :1], z[1, :2]) / 0.05
    assert float(each[0]) == pytest.approx(float(two.logsumexp(0) - two[0]))
    torch.testing.assert_close(each[1:], simcse(z[0], z[1], negatives, reduction="none")[1:])
    everybody = torch.ones_like(ignored)
    assert simcse(z[0], z[1], negatives, ignored=everybody).abs() < 1e-12


def of_several() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Six anchors, two positives and one negative of each, and weights, of which one is 0."""
    z, draws = some_embeddings(), torch.Generator().manual_seed(5)
    positives = torch.stack([z[1], torch.randn(6, 5, generator=draws, dtype=torch.float64)])
    weights = torch.rand(3, 6, generator=draws, dtype=torch.float64)
    weights[1, 2] = 0.0
    return z[0], positives, some_negatives(1), weights


def by_hand(anchors: Tensor, positives: Tensor, negatives: Tensor, weights: Tensor, ignored: Tensor) -> Tensor:
    """One exponential after the other."""
    losses, candidates = [], [*positives, *negatives]
    for i in range(6):
        own, everybody = torch.zeros((), dtype=torch.float64), torch.zeros((), dtype=torch.float64)
        for view, rows in enumerate(candidates):
            for j in range(6):
                term = (
                    weights[view, j] * (torch.nn.functional.cosine_similarity(anchors[i], rows[j], dim=0) / 0.4).exp()
                )
                if i == j and view >= len(positives):
                    term = term * math.exp(0.7)
                if i == j and view < len(positives):
                    own = own + term
                elif ignored[i, view * 6 + j]:
                    continue
                everybody = everybody + term
        losses.append(-(own / everybody).log())
    return torch.stack(losses).mean()


def test_several_positives_with_weights_are_the_sums_by_hand() -> None:
    anchors, positives, negatives, weights = (given.requires_grad_() for given in of_several())
    ignored = torch.rand(6, 18, generator=torch.Generator().manual_seed(2)) < 0.3
    options: dict[str, Any] = {"ignored": ignored, "temperature": 0.4, "log_weight": 0.7}
    found = simcse(anchors, positives, negatives, weights=weights.detach(), **options)
    expected = by_hand(anchors, positives, negatives, weights.detach(), ignored)
    torch.testing.assert_close(found, expected)
    for one, other in zip(
        torch.autograd.grad(found, (anchors, positives, negatives)),
        torch.autograd.grad(expected, (anchors, positives, negatives)),
        strict=True,
    ):
        torch.testing.assert_close(one, other)


def test_one_positive_of_all_the_weight_is_that_positive() -> None:
    anchors, positives, negatives, _ = of_several()
    weights = torch.tensor([0.0, 1.0, 1.0]).repeat(6, 1).T
    expected = simcse(anchors, positives[1], negatives)
    torch.testing.assert_close(simcse(anchors, positives, negatives, weights=weights), expected)
    torch.testing.assert_close(simcse(anchors, positives[:1], negatives), simcse(anchors, positives[0], negatives))


def test_equal_embeddings_with_weights_give_the_log_of_all_over_that_of_the_own() -> None:
    ones = torch.ones(3, 6, 5, dtype=torch.float64)
    weights = torch.tensor([[0.7], [0.3], [2.0]], dtype=torch.float64).repeat(1, 6)
    assert float(simcse(ones[0], ones[:2], ones[2:], weights=weights)) == pytest.approx(math.log(3 * 6))


@pytest.mark.parametrize(
    ("weights", "word"),
    [
        (torch.ones(2, 6), r"weights must be \(3, 6\), one of each candidate of each anchor; got \(2, 6\)"),
        (torch.full((3, 6), -1.0), "none may be below 0 or NaN"),
        (torch.full((3, 6), math.nan), "none may be below 0 or NaN"),
        (torch.tensor([0.0, 0.0, 1.0]).repeat(6, 1).T, "weights leave an anchor without a positive"),
    ],
)
def test_weights_that_make_no_sense_are_named(weights: Tensor, word: str) -> None:
    with pytest.raises(ArgumentError, match=word):
        simcse(*of_several()[:3], weights=weights)


def test_calls_for_parts_of_the_anchors_average_to_the_whole() -> None:
    z, negatives = some_embeddings(), some_negatives(1)
    ignored = torch.rand(6, 12, generator=torch.Generator().manual_seed(2)) < 0.3
    parts = [simcse(z[0], z[1], negatives, ignored=ignored, rows=torch.tensor(rows)) for rows in ([0, 1, 2], [3, 4, 5])]
    torch.testing.assert_close(sum(parts) / 2, simcse(z[0], z[1], negatives, ignored=ignored))


@pytest.mark.parametrize(
    ("negatives", "options", "word"),
    [
        (torch.ones(1, 4, 5, dtype=torch.float64), {}, "negatives are 4 rows of 5 numbers and anchors 6 of 5"),
        (torch.ones(6, 5, dtype=torch.float64), {}, r"negatives must be a non-empty tensor of shape \(H, B, D\)"),
        (None, {"ignored": torch.zeros(6, 5, dtype=torch.bool)}, r"ignored must be \(6, 6\)"),
        (None, {"log_weight": math.inf}, "log_weight must be a number or -inf"),
        (None, {"temperature": 0.0}, "temperature must be a finite number above 0"),
    ],
)
def test_what_does_not_fit_is_named(negatives: Any, options: dict[str, Any], word: str) -> None:
    z = some_embeddings()
    with pytest.raises(ArgumentError, match=word):
        simcse(z[0], z[1], negatives, **options)
