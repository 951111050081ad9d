"""Who gets the repulsion: a Boltzmann distribution over the negatives, whose entropy the temperature sets."""

from __future__ import annotations

import math
import sys

import numpy as np
import pytest
import torch
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.evaluation import hardness, penalty_entropy, penalty_share, relative_penalty


def some_cosines(rows: int = 4, count: int = 20) -> Tensor:
    return 2 * torch.rand(rows, count, generator=torch.Generator().manual_seed(0), dtype=torch.float64) - 1


def some_views(views: int = 2, batch: int = 6, dim: int = 5) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    base = torch.randn(1, batch, dim, generator=generator, dtype=torch.float64)
    return base + 0.5 * torch.randn(views, batch, dim, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize("temperature", [0.05, 0.5, 2.0])
def test_the_penalty_is_the_gradient_of_the_softmax_loss(temperature: float) -> None:
    positive = torch.tensor([0.3, -0.2, 0.9, 0.0], dtype=torch.float64).requires_grad_()
    negatives = some_cosines().requires_grad_()
    logits = torch.cat([positive.unsqueeze(1), negatives], dim=1) / temperature  # (4, 1 + N)
    (logits.logsumexp(dim=1) - logits[:, 0]).sum().backward()
    assert positive.grad is not None
    assert negatives.grad is not None
    # the pull of the positive equals the push of all negatives together
    assert torch.allclose(-positive.grad, negatives.grad.sum(dim=1))
    penalty = relative_penalty(negatives.detach(), temperature)
    assert torch.allclose(penalty, negatives.grad / -positive.grad.unsqueeze(1))
    assert torch.allclose(penalty.sum(dim=1), torch.ones(4, dtype=torch.float64))


@pytest.mark.parametrize("temperature", [0.01, 0.2, 10.0])
def test_equal_negatives_are_pushed_alike_at_every_temperature(temperature: float) -> None:
    negatives = torch.full((3, 50), 0.4, dtype=torch.float64)
    assert torch.allclose(relative_penalty(negatives, temperature), torch.tensor(1 / 50, dtype=torch.float64))
    assert torch.allclose(penalty_entropy(negatives, temperature), torch.tensor(math.log(50), dtype=torch.float64))
    for hardest in (0.01, 0.1, 0.33, 1.0):
        share = penalty_share(negatives, temperature, hardest=hardest)
        assert torch.allclose(share, torch.tensor(hardest, dtype=torch.float64))


def test_entropy_rises_with_the_temperature_by_the_variance_of_the_cosines() -> None:
    negatives, step = some_cosines(), 1e-5
    entropies = torch.stack([penalty_entropy(negatives, t) for t in (0.02, 0.05, 0.1, 0.3, 0.7, 1.0, 5.0)])
    assert (entropies.diff(dim=0) > 0).all()
    for temperature in (0.1, 0.5, 1.0):
        slope = (penalty_entropy(negatives, temperature + step) - penalty_entropy(negatives, temperature - step)) / (
            2 * step
        )
        penalty = relative_penalty(negatives, temperature)
        mean = (penalty * negatives).sum(dim=1)
        variance = (penalty * negatives.square()).sum(dim=1) - mean.square()
        assert torch.allclose(slope, variance / temperature**3, rtol=1e-5)


def test_the_share_counts_the_hardest_first_and_one_of_them_in_part() -> None:
    negatives = torch.tensor([[0.0, math.log(2), math.log(5)]])  # penalties 1/8, 2/8, 5/8 at temperature 1
    for hardest, expected in ((1 / 3, 5 / 8), (0.5, 6 / 8), (2 / 3, 7 / 8), (1.0, 1.0), (1 / 6, 5 / 16)):
        assert float(penalty_share(negatives, 1.0, hardest=hardest)) == pytest.approx(expected)
    assert float(penalty_share(negatives, 1e-3, hardest=1 / 3)) == pytest.approx(1.0)


def literal(views: Tensor, temperature: float, alpha: float) -> list[Tensor]:
    """The penalties of each anchor, the hardest first, from a loop over its negatives."""
    unit = torch.nn.functional.normalize(views, dim=-1)
    found = []
    for v in range(len(unit)):
        for i in range(unit.shape[1]):
            cosines = [unit[v, i] @ unit[w, j] for w in range(len(unit)) for j in range(unit.shape[1]) if j != i]
            kept = sorted(map(float, cosines), reverse=True)[: max(1, math.ceil(alpha * len(cosines)))]
            powers = torch.tensor([math.exp(cosine / temperature) for cosine in kept])
            found.append(powers / powers.sum())
    return found


@pytest.mark.parametrize("alpha", [1.0, 0.3])
@pytest.mark.parametrize("views", [2, 3])
def test_hardness_of_views_is_the_mean_over_anchors(views: int, alpha: float, monkeypatch: pytest.MonkeyPatch) -> None:
    z = some_views(views)
    monkeypatch.setattr(sys.modules["contrapose.evaluation.hardness"], "BLOCK", 40)  # several blocks
    found = hardness(z, temperature=0.2, alpha=alpha, shares=(0.2, 1.0), hardest=2)
    penalties = literal(z, 0.2, alpha)
    count = views * 5
    entropies = [float(-(p * p.log()).sum()) for p in penalties]
    assert found.negatives == count
    assert found.entropy == pytest.approx(np.mean(entropies) / math.log(count), rel=1e-6)
    assert found.effective_negatives == pytest.approx(np.mean(np.exp(entropies)), rel=1e-6)
    assert found.shares[0.2] == pytest.approx(np.mean([float(p[: count // 5].sum()) for p in penalties]), rel=1e-6)
    assert found.shares[1.0] == pytest.approx(1.0)
    unit = torch.nn.functional.normalize(z, dim=-1)
    pairs = [float((unit[v] * unit[w]).sum(-1).mean()) for v in range(views) for w in range(v)]
    assert found.positive == pytest.approx(np.mean(pairs))
    assert found.positive > found.hardest > found.rest


def test_orthogonal_samples_with_equal_views() -> None:
    found = hardness(np.eye(4, dtype=np.float32)[None].repeat(2, axis=0), temperature=0.5)
    assert found.negatives == 6
    assert found.hardest == 0.0
    assert found.rest == 0.0
    assert found.shares[0.1] == pytest.approx(0.1)
    assert found.entropy == pytest.approx(1.0)
    assert found.positive == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"temperature": 0.0}, "temperature"),
        ({"temperature": 0.5, "alpha": 0.0}, "alpha"),
        ({"temperature": 0.5, "alpha": 1.5}, "alpha"),
        ({"temperature": 0.5, "shares": (2.0,)}, "hardest"),
        ({"temperature": 0.5, "hardest": 0}, "hardest"),
    ],
)
def test_bad_options_are_named(options: dict, word: str) -> None:
    with pytest.raises(ArgumentError, match=word):
        hardness(some_views(), **options)


@pytest.mark.parametrize("views", [2, 3])
@pytest.mark.parametrize("block", [40, 2**20])
def test_histograms_are_of_the_cosines_that_are_averaged(
    views: int, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules["contrapose.evaluation.hardness"], "BLOCK", block)
    z = some_views(views, batch=12)
    found = hardness(z, temperature=0.2, hardest=3)
    centres = (np.arange(40) + 0.5) / 20 - 1
    assert list(found.histograms) == ["positive", "hardest", "rest"]
    for name, histogram in found.histograms.items():
        assert sum(histogram) == pytest.approx(1)
        assert float(centres @ histogram) == pytest.approx(getattr(found, name), abs=0.025)
    unit = torch.nn.functional.normalize(z, dim=-1)
    pairs = torch.stack([(unit[v] * unit[w]).sum(-1) for v in range(views) for w in range(v)])
    assert found.histograms["positive"] == pytest.approx(np.histogram(pairs, 40, (-1, 1))[0] / pairs.numel())
    flat = unit.flatten(0, 1)
    others = torch.arange(12).repeat(views)
    negatives = (flat @ flat.T)[others[:, None] != others].view(len(flat), -1).sort(dim=1, descending=True).values
    for name, part in (("hardest", negatives[:, :3]), ("rest", negatives[:, 3:])):
        assert found.histograms[name] == pytest.approx(np.histogram(part, 40, (-1, 1))[0] / part.numel())


def test_cosines_at_the_ends_are_counted() -> None:
    line = torch.tensor([[1.0], [-1.0], [1.0]]).repeat(2, 1, 1)
    found = hardness(line, temperature=0.5, hardest=2)
    assert found.histograms["positive"][-1] == 1
    assert found.histograms["rest"][0] == 1  # the two of the other sign come last
    assert found.histograms["hardest"][0] == pytest.approx(1 / 3)
    assert found.histograms["hardest"][-1] == pytest.approx(2 / 3)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=str)
def test_half_precision_is_counted_in_float32(dtype: torch.dtype) -> None:
    half = some_cosines(count=300).to(dtype)
    assert torch.equal(relative_penalty(half, 0.1), relative_penalty(half.float(), 0.1))
    assert torch.equal(penalty_entropy(half, 0.1), penalty_entropy(half.float(), 0.1))
    assert torch.equal(penalty_share(half, 0.1, hardest=0.01), penalty_share(half.float(), 0.1, hardest=0.01))


@pytest.mark.parametrize("value", [-math.inf, math.nan, math.inf])
def test_a_row_in_which_nobody_pushes_is_refused(value: float) -> None:
    negatives = some_cosines()
    negatives[1] = value
    for function in (relative_penalty, penalty_entropy):
        with pytest.raises(ArgumentError, match="1 of 4 rows"):
            function(negatives, 0.5)


def test_one_that_pushes_is_enough() -> None:
    negatives = torch.full((1, 3), -math.inf)
    negatives[0, 1] = 0.3
    assert relative_penalty(negatives, 0.5).tolist() == [[0, 1, 0]]
    assert float(penalty_entropy(negatives, 0.5)) == 0


def test_what_has_no_negative_is_refused() -> None:
    with pytest.raises(ArgumentError, match="two samples"):
        hardness(some_views(batch=1), temperature=0.5)
    with pytest.raises(ArgumentError, match="at least 2"):
        hardness(some_views(views=1), temperature=0.5)
    for bad in (torch.zeros(3, 0), torch.tensor(1.0), torch.ones(3, dtype=torch.long)):
        with pytest.raises(ArgumentError, match="cosines"):
            relative_penalty(bad, 0.5)
