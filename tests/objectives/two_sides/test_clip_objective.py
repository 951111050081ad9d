"""CLIP's loss and its companions in closed form."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from contrapose.errors import ArgumentError
from contrapose.objectives import (
    clip,
    cross_correlation,
    cross_prediction,
    siglip,
    sinkhorn,
    swapped_assignment,
    weak_strong_clip,
)


def some(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def literal(x: Tensor, y: Tensor, temperature: float, smoothing: float) -> Tensor:
    logits = functional.normalize(x, dim=1) @ functional.normalize(y, dim=1).T / temperature
    own = torch.arange(len(x))
    return (
        functional.cross_entropy(logits, own, label_smoothing=smoothing)
        + functional.cross_entropy(logits.T, own, label_smoothing=smoothing)
    ) / 2


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_equal_embeddings_are_worth_the_logarithm_of_the_batch(smoothing: float) -> None:
    x = torch.ones(6, 4)
    for temperature in (0.01, 0.07, 1e6):
        assert float(clip(x, x, temperature=temperature, smoothing=smoothing)) == pytest.approx(math.log(6), rel=1e-5)


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.9])
def test_without_a_scale_every_embedding_is_worth_the_logarithm_of_the_batch(smoothing: float) -> None:
    loss = clip(some(6, 4), some(6, 4, seed=1), temperature=1e9, smoothing=smoothing)
    assert float(loss) == pytest.approx(math.log(6), abs=1e-8)


def test_two_orthonormal_pairs() -> None:
    for scale in (1.0, 3.0, 10.0):
        two = torch.eye(2, dtype=torch.float64)
        loss = clip(two, two, temperature=1 / scale)
        assert float(loss) == pytest.approx(math.log(1 + math.exp(-scale)), rel=1e-4)


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.5])
def test_it_is_cross_entropy_both_ways_with_smoothed_targets(smoothing: float) -> None:
    x, y = some(7, 5).requires_grad_(), some(7, 5, seed=1).requires_grad_()
    found, expected = clip(x, y, temperature=0.2, smoothing=smoothing), literal(x, y, 0.2, smoothing)
    assert torch.allclose(found, expected)
    for mine, theirs in zip(torch.autograd.grad(found, (x, y)), torch.autograd.grad(expected, (x, y)), strict=True):
        assert torch.allclose(mine, theirs)
    parts = torch.cat([clip(x, y, smoothing=smoothing, rows=torch.tensor([r]), reduction="none") for r in range(7)])
    assert torch.allclose(parts.mean(), clip(x, y, smoothing=smoothing))


def test_weak_and_strong_views_are_averaged_and_only_strong_ones_are_smoothed() -> None:
    weak, strong = some(2, 5, 4), some(2, 2, 5, 4, seed=1)
    of_weak = literal(weak[0], weak[1], 0.07, 0.0)
    combinations = [literal(one, other, 0.1, 0.1) for one in strong[0] for other in strong[1]]
    expected = (of_weak + 2 * torch.stack(combinations).mean()) / 3
    assert torch.allclose(weak_strong_clip(weak, strong, smoothing=0.1), expected)
    assert torch.allclose(weak_strong_clip(weak, strong, smoothing=0.1, total="sum"), 2 * expected)
    assert not torch.allclose(weak_strong_clip(weak, strong, smoothing=0.0), expected)


def test_without_strong_views_it_is_plain_and_smoothing_plays_no_part() -> None:
    weak = some(2, 5, 4)
    plain = clip(weak[0], weak[1])
    assert torch.allclose(weak_strong_clip(weak, smoothing=0.3), plain)
    assert torch.allclose(weak_strong_clip(weak, smoothing=0.3, total="sum"), 2 * plain)


def test_sigmoid_closed_forms() -> None:
    assert float(siglip(torch.ones(5, 3), torch.ones(5, 3))) == pytest.approx(5 * math.log(2), rel=1e-5)
    loss = siglip(torch.eye(2), torch.eye(2), temperature=1.0, bias=0.0)
    assert float(loss) == pytest.approx(math.log(1 + math.exp(-1)) + math.log(2), rel=1e-5)


def test_sides_that_agree_dimension_by_dimension_cost_nothing() -> None:
    whole = torch.linalg.qr(some(8, 3))[0] * math.sqrt(8)  # (8, 3) with whole^T whole = 8 I
    assert float(cross_correlation(whole, whole)) == pytest.approx(0.0, abs=1e-12)
    assert float(cross_correlation(whole, -whole)) == pytest.approx(0.025 * 4 * 3)
    mixed = whole[:, [1, 2, 0]]
    assert float(cross_correlation(whole, mixed)) == pytest.approx(0.025 * (3 + 5e-3 * 3))


def test_a_prediction_is_compared_with_what_stands_still() -> None:
    p, v = some(6, 4).requires_grad_(), some(6, 4, seed=1).requires_grad_()
    assert float(cross_prediction(p, p).detach()) == pytest.approx(0.0, abs=1e-12)
    assert float(cross_prediction(p, -p).detach()) == pytest.approx(4.0)
    cross_prediction(p, v).backward()
    assert v.grad is None
    assert p.grad is not None
    assert bool(p.grad.abs().sum() > 0)


def test_assignments_are_balanced_and_come_from_the_other_views() -> None:
    codes = sinkhorn(some(5, 5).float())
    assert torch.allclose(codes.sum(dim=1), torch.ones(5), atol=1e-6)
    assert torch.allclose(sinkhorn(torch.zeros(5, 5)), torch.full((5, 5), 0.2))
    equal = torch.ones(2, 4, 3)
    assert float(swapped_assignment(equal, equal)) == pytest.approx(0.2 * math.log(4), rel=1e-5)
    first, second = some(2, 4, 3), some(2, 4, 3, seed=1)
    unit = [functional.normalize(side, dim=2) for side in (first, second)]
    expected = 0.0
    for v in range(2):
        for u in range(2):
            scores, other = unit[0][v] @ unit[1][u].T, unit[0][1 - v] @ unit[1][1 - u].T
            for mine, theirs in ((scores, other), (scores.T, other.T)):
                expected -= float((sinkhorn(theirs) * (mine / 0.1).log_softmax(dim=1)).sum(dim=1).mean()) / 8
    assert float(swapped_assignment(first, second)) == pytest.approx(0.2 * expected)


def test_no_gradient_flows_through_assignments() -> None:
    """The gradient is that of a cross-entropy with the codes as constants."""
    first, second = some(2, 4, 3).requires_grad_(), some(2, 4, 3, seed=1).requires_grad_()
    found = torch.autograd.grad(swapped_assignment(first, second), (first, second))
    x, y = functional.normalize(first, dim=2), functional.normalize(second, dim=2)
    scores = torch.einsum("vid,ujd->vuij", x, y)  # (2, 2, 4, 4)
    parts = []
    for mine, theirs in ((scores, scores.flip(0, 1)), (scores.mT, scores.flip(0, 1).mT)):
        for own, other in zip(mine.flatten(0, 1), theirs.flatten(0, 1), strict=True):
            parts.append(-(sinkhorn(other.detach()) * (own / 0.1).log_softmax(dim=1)).sum(dim=1).mean())
    expected = torch.autograd.grad(0.2 * torch.stack(parts).mean(), (first, second))
    for one, other in zip(found, expected, strict=True):
        assert torch.allclose(one, other, atol=1e-10)


@pytest.mark.parametrize("loss", [cross_correlation, cross_prediction])
def test_companions_name_slips_too(loss: Callable[[Tensor, Tensor], Tensor]) -> None:
    x = some(4, 3)
    with pytest.raises(ArgumentError, match="row b of both belongs together"):
        loss(x, x[:3])
    with pytest.raises(ArgumentError, match="NaN"):
        loss(x * torch.nan, x)


def test_slips_are_named() -> None:
    x = some(4, 3)
    with pytest.raises(ArgumentError, match="One pair has nothing to be told apart from"):
        clip(x[:1], x[:1])
    with pytest.raises(ArgumentError, match="give as many of both"):
        clip(x, x[:3])
    with pytest.raises(ArgumentError, match="give as many of both"):
        siglip(x, x[:3])
    for wrong in (-0.1, 1.0):
        with pytest.raises(ArgumentError, match=r"smoothing must be in \[0, 1\)"):
            weak_strong_clip(some(2, 4, 3), smoothing=wrong)
    for loss in (clip, siglip):
        with pytest.raises(ArgumentError, match="NaN"):
            loss(x * torch.nan, x)
    with pytest.raises(ArgumentError, match="NaN"):
        swapped_assignment(some(2, 4, 3) * torch.nan, some(2, 4, 3))
    with pytest.raises(ArgumentError, match="2 strong views of each side, got 3 and 3"):
        swapped_assignment(some(3, 4, 3), some(3, 4, 3))
