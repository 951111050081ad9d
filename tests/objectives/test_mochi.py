"""Hard negative mixing: what is mixed, what it adds to MoCo's loss, and that it is a constant of the gradient."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from queue_literal import literal_mochi
from torch import Tensor
from torch.nn import functional

from contrapose.errors import ArgumentError
from contrapose.objectives import info_nce, mochi
from contrapose.objectives.hardness import hard_mixing
from contrapose.objectives.hardness.hard_mixing import Draws, draw, mix


def inputs(batch: int = 5, queue: int = 12, dim: int = 4, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    """Queries that require a gradient, keys that resemble them, a queue; unit rows in float64."""
    generator = torch.Generator().manual_seed(seed)
    q, noise = torch.randn(2, batch, dim, generator=generator, dtype=torch.float64)
    n = torch.randn(queue, dim, generator=generator, dtype=torch.float64)
    q, k, n = (functional.normalize(x, dim=1) for x in (q, q + 0.5 * noise, n))
    return q.requires_grad_(), k, n


def seeded(seed: int = 7) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def literal_mixtures(q: Tensor, queue: Tensor, hardest: int, pairs: int, with_query: int) -> list[list[Tensor]]:
    """The mixtures that `seeded()` draws, one at a time."""
    d = draw(len(q), hardest, pairs, with_query, generator=seeded())
    mixtures = []
    for i, row in enumerate(q.detach()):
        near = sorted(queue, key=lambda n, row=row: -float(row @ n))[:hardest]
        points = [a * near[x] + (1 - a) * near[y] for x, y, a in zip(d.first[i], d.second[i], d.share[i], strict=True)]
        points += [b * row + (1 - b) * near[x] for x, b in zip(d.partner[i], d.query_share[i], strict=True)]
        mixtures.append([point / point.norm() for point in points])
    return mixtures


def one_mixture(q: Tensor, queue: Tensor, index: list[int], **shares: float) -> Tensor:
    """The mixtures of one query with all shares given: one of each kind, `(2, D)`."""
    whole = {name: torch.full((1, 1), value, dtype=q.dtype) for name, value in shares.items()}
    zero, one = torch.zeros(1, 1, dtype=torch.long), torch.full((1, 1), len(index) - 1)
    return mix(q[None], queue, torch.tensor([index]), Draws(zero, one, whole["share"], zero, whole["query_share"]))[0]


@pytest.mark.parametrize(("pairs", "with_query"), [(3, 2), (0, 4), (4, 0)])
def test_it_is_the_literal_loss_in_value_and_gradient(pairs: int, with_query: int) -> None:
    q, k, queue = inputs()
    options = {"hardest": 4, "pair_mixes": pairs, "query_mixes": with_query, "generator": seeded()}
    loss = mochi(q, k, queue, temperature=0.3, **options)
    expected = literal_mochi(q, k, queue, literal_mixtures(q, queue, 4, pairs, with_query), temperature=0.3)
    torch.testing.assert_close(loss, expected, rtol=1e-6, atol=0)  # shares are drawn in float32 in both
    gradients = [torch.autograd.grad(value, q)[0] for value in (loss, expected)]
    torch.testing.assert_close(*gradients, rtol=1e-6, atol=1e-9)


def test_without_mixtures_it_is_moco() -> None:
    q, k, queue = inputs()
    for options in ({}, {"return_statistics": True}):
        loss = mochi(q, k, queue, hardest=3, pair_mixes=0, query_mixes=0, **options)  # type: ignore[call-overload]
        loss = loss[0] if options else loss
        expected = info_nce(q, k, queue=queue, in_batch_negatives=False, temperature=0.2)
        assert torch.equal(loss, expected)
        assert torch.equal(torch.autograd.grad(loss, q)[0], torch.autograd.grad(expected, q)[0])


def test_decoupled_the_key_leaves_the_denominator() -> None:
    """exp(l_i) = 1 + exp(decoupled l_i), of the same mixtures."""
    q, k, queue = inputs()
    each, decoupled = (
        mochi(q, k, queue, hardest=4, decoupled=choice, reduction="none", generator=seeded())
        for choice in (False, True)
    )
    torch.testing.assert_close(each.exp(), 1 + decoupled.exp())
    equal = mochi(torch.ones(3, 2), torch.ones(3, 2), torch.ones(8, 2), hardest=4, decoupled=True)
    assert float(equal) == pytest.approx(math.log(8 + 64 + 32), abs=1e-5)


def test_one_hardest_negative_is_mixed_with_itself_alone() -> None:
    q, k, queue = inputs()
    each = mochi(q, k, queue, hardest=1, pair_mixes=6, query_mixes=0, temperature=1.0, reduction="none")
    cosines = q @ queue.T
    terms = torch.cat([cosines, cosines.amax(1, keepdim=True).expand(-1, 6)], dim=1).exp().sum(1)
    positive = (q * k).sum(1).exp()
    torch.testing.assert_close(each, ((positive + terms) / positive).log())


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 1000), share=st.floats(0, 0.499))
def test_a_mixture_with_the_query_has_this_cosine_and_is_harder_than_its_parent(seed: int, share: float) -> None:
    q, _, queue = inputs(seed=seed)
    row, parent = q[0].detach(), queue[0]
    h = one_mixture(row, queue, [0], share=0.5, query_share=share)[1]
    c = float(row @ parent)
    expected = (share + (1 - share) * c) / math.sqrt(share**2 + (1 - share) ** 2 + 2 * share * (1 - share) * c)
    assert float(row @ h) == pytest.approx(expected, abs=1e-12)
    if share == 0:
        torch.testing.assert_close(h, parent)
    elif share > 1e-6:
        assert float(row @ h) > c


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 1000), share=st.floats(0, 1, exclude_max=True))
def test_a_mixture_of_two_negatives_is_their_direction_at_length_one(seed: int, share: float) -> None:
    q, _, queue = inputs(seed=seed)
    first, second = queue[3], queue[8]
    h = one_mixture(q[0].detach(), queue, [3, 8], share=share, query_share=0.0)[0]
    length = math.sqrt(share**2 + (1 - share) ** 2 + 2 * share * (1 - share) * float(first @ second))
    torch.testing.assert_close(h, (share * first + (1 - share) * second) / length)
    assert float(h.norm()) == pytest.approx(1.0)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000), pairs=st.integers(0, 4), with_query=st.integers(0, 4))
def test_mixtures_only_add_to_the_loss(seed: int, pairs: int, with_query: int) -> None:
    q, k, queue = inputs(seed=seed)
    each = mochi(q, k, queue, hardest=5, pair_mixes=pairs, query_mixes=with_query, reduction="none")
    plain = mochi(q, k, queue, hardest=5, pair_mixes=0, query_mixes=0, reduction="none")
    assert bool((each >= plain).all())
    assert bool((each > plain).all()) == (pairs + with_query > 0)


def test_the_gradient_takes_everything_but_the_query_as_constant() -> None:
    q, k, queue = inputs()
    k.requires_grad_()
    queue.requires_grad_()
    loss = mochi(
        q, k, queue, hardest=4, pair_mixes=3, query_mixes=2, temperature=0.3, normalize=False, generator=seeded()
    )
    gradient, *others = torch.autograd.grad(loss, (q, k, queue), allow_unused=True)
    assert others == [None, None]
    for i, mixtures in enumerate(literal_mixtures(q, queue.detach(), 4, 3, 2)):
        candidates = torch.stack([k[i], *queue, *mixtures]).detach()
        p = (candidates @ q[i].detach() / 0.3).softmax(0)
        expected = (p[1:] @ candidates[1:] - (1 - p[0]) * candidates[0]) / 0.3 / len(q)
        torch.testing.assert_close(gradient[i], expected, rtol=1e-6, atol=1e-9)


def test_a_learned_temperature_has_its_derivative() -> None:
    q, k, queue = inputs()

    def loss(temperature: Tensor) -> Tensor:
        return mochi(q.detach(), k, queue, hardest=4, temperature=temperature, generator=seeded())

    assert torch.autograd.gradcheck(loss, torch.tensor(0.3, dtype=torch.float64, requires_grad=True))


def test_draws_repeat_with_their_generator_and_stay_in_range() -> None:
    one, two, other = (draw(200, 3, 20, 20, generator=seeded(seed)) for seed in (1, 1, 2))
    for name in ("first", "second", "share", "partner", "query_share"):
        assert torch.equal(getattr(one, name), getattr(two, name))
        assert not torch.equal(getattr(one, name), getattr(other, name))
    for chosen in (one.first, one.second, one.partner):
        assert chosen.unique().tolist() == [0, 1, 2]
    assert float(one.share.min()) >= 0
    assert 0.99 < float(one.share.max()) < 1
    assert float(one.query_share.min()) >= 0
    assert 0.49 < float(one.query_share.max()) < 0.5
    assert not torch.equal(one.share[0], one.share[1])  # every query has draws of its own


def test_opposite_parents_stay_finite() -> None:
    q = torch.tensor([[1.0, 0.0]], requires_grad=True)
    queue = torch.tensor([[0.0, 1.0], [0.0, -1.0]])
    h = one_mixture(q[0].detach(), queue, [0, 1], share=0.5, query_share=0.0)[0]
    assert h.tolist() == [0.0, 0.0]
    loss = mochi(q, q.detach(), queue, hardest=2, pair_mixes=50, query_mixes=0)
    (gradient,) = torch.autograd.grad(loss, q)
    assert loss.isfinite()
    assert gradient.isfinite().all()


def test_blocks_of_queries_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    q, k, queue = inputs(batch=7)

    def step() -> tuple[Tensor, Tensor]:
        loss = mochi(q, k, queue, hardest=4, generator=seeded())
        return loss, torch.autograd.grad(loss, q)[0]

    whole = step()
    monkeypatch.setattr(hard_mixing, "BLOCK_ELEMENTS", 3 * (12 + 4 * 96))  # three queries at a time
    for part, expected in zip(step(), whole, strict=True):
        torch.testing.assert_close(part, expected, rtol=1e-12, atol=1e-14)


def test_ranks_that_share_the_queries_share_the_draws() -> None:
    q, k, queue = inputs(batch=6)
    options = {"hardest": 4, "pair_mixes": 3, "query_mixes": 2}
    whole = mochi(q, k, queue, generator=seeded(), reduction="none", **options)
    parts = [
        mochi(q, k, queue, generator=seeded(), reduction="none", rows=rows, **options)
        for rows in (torch.tensor([3, 4, 5]), torch.tensor([0, 1, 2]))
    ]
    torch.testing.assert_close(torch.cat([parts[1], parts[0]]), whole)


def test_statistics_count_what_beats_the_positive() -> None:
    q = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]])
    k = functional.normalize(torch.tensor([[1.0, 0.1], [1.0, 0.2], [1.0, 0.9]]), dim=1)
    queue = functional.normalize(torch.tensor([[1.0, 1.0], [-1.0, 0.0]]), dim=1)
    _, found = mochi(q, k, queue, hardest=1, pair_mixes=0, query_mixes=40, return_statistics=True, generator=seeded())
    assert float(found.proxy_accuracy_unmixed) == pytest.approx(2 / 3)  # 0.74 beats 0.707, until it is mixed with q
    assert float(found.proxy_accuracy) == pytest.approx(1 / 3)
    assert float(found.harder_share) == 1.0
    _, found = mochi(q, k, queue, hardest=1, pair_mixes=0, query_mixes=0, return_statistics=True)
    assert float(found.proxy_accuracy) == float(found.proxy_accuracy_unmixed) == pytest.approx(2 / 3)
    assert float(found.harder_share) == 0.0


def test_statistics_are_the_top_of_the_logits() -> None:
    q, k, queue = inputs()
    loss, found = mochi(q, k, queue, hardest=4, pair_mixes=3, query_mixes=2, return_statistics=True, generator=seeded())
    mixtures = torch.stack([torch.stack(points) for points in literal_mixtures(q, queue, 4, 3, 2)])
    assert loss.requires_grad
    assert not found.positive_cosine.requires_grad
    torch.testing.assert_close(found.positive_cosine, (q * k).sum(1).mean().detach())
    torch.testing.assert_close(found.hardest_cosine, (q @ queue.T).amax(1).mean().detach())
    expected = torch.einsum("bd,bsd->bs", q, mixtures).amax(1).mean().detach()
    torch.testing.assert_close(found.hardest_mixed_cosine, expected, rtol=1e-6, atol=0)
    _, found = mochi(q, k, queue, hardest=4, pair_mixes=0, query_mixes=0, return_statistics=True)
    assert found.hardest_mixed_cosine is None


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"hardest": 13}, "hardest is 13.*queue of 12"),
        ({"hardest": 0}, "hardest is 0"),
        ({"pair_mixes": -1}, "pair_mixes is -1"),
        ({"query_mixes": -2}, "query_mixes is -2"),
        ({"temperature": 0.0}, "temperature"),
    ],
)
def test_bad_numbers_are_named(options: dict[str, float], words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        mochi(*inputs(), **{"hardest": 4, **options})  # type: ignore[arg-type]


def test_bad_tensors_are_named() -> None:
    q, k, queue = inputs()
    with pytest.raises(ArgumentError, match="queries must be a non-empty tensor"):
        mochi(q[:0], k[:0], queue, hardest=4)
    with pytest.raises(ArgumentError, match="normalize=False needs a queue of unit rows"):
        mochi(q, k, 2 * queue, hardest=4, normalize=False)
    with pytest.raises(ArgumentError, match="keys has 3 dimensions"):
        mochi(q, k[:, :3], queue, hardest=4)
    with pytest.raises(ArgumentError, match="4 keys for 5 queries"):
        mochi(q, k[:4], queue, hardest=4)
