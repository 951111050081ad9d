"""Perturbations: what the search finds where the answer is known, their sizes, padding, and gradients that fail."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from contrapose.encoders.texts.transformer import TextTransformer
from contrapose.errors import ArgumentError
from contrapose.robustness import divergence, perturbation

B, T, D, M = 3, 4, 6, 11
MASK = torch.tensor([[1, 1, 1, 1], [1, 1, 0, 0], [1, 0, 0, 0]], dtype=torch.bool)


def drawn(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def rows(*shape: int, seed: int = 1, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(*shape, generator=drawn(seed), dtype=dtype)


def network(dtype: torch.dtype = torch.float64) -> Callable[[Tensor], Tensor]:
    """Tokens that look at each other, and then say words."""
    torch.manual_seed(0)
    inner = TextTransformer(M, T, dimension=D, blocks=1, heads=2, pooling="mean", dropout=0.0).to(dtype)
    with torch.no_grad():
        for weight in inner.parameters():
            weight.mul_(8.0)
    words = rows(D, M).to(dtype)

    def answers(embedded: Tensor) -> Tensor:
        x = embedded
        for block in inner.blocks:
            x = block(x, MASK)
        return inner.norm(x) @ words

    return answers


def rise_of(answers: Callable[[Tensor], Tensor], embedded: Tensor) -> Callable[[Tensor], Tensor]:
    clean = answers(embedded).detach()
    return lambda change: divergence(clean, answers(embedded + change), mask=MASK, reduction="sum") / B


def lengths(change: Tensor) -> Tensor:
    return change.norm(dim=-1)


def test_of_a_quadratic_one_round_is_the_curvature_times_the_noise_and_many_its_largest_direction() -> None:
    basis = torch.linalg.qr(rows(D, D)).Q
    curvature = basis @ torch.diag(torch.tensor([9.0, 3.0, 2.0, 1.0, 0.5, 0.1], dtype=torch.float64)) @ basis.T

    def rise(change: Tensor) -> Tensor:
        return ((change @ curvature) * change).sum() / 2

    embedded = torch.zeros(B, T, D, dtype=torch.float64)
    once = perturbation(rise, embedded, radius=0.3, generator=drawn())
    noise = torch.randn(B, T, D, generator=drawn(), dtype=torch.float64)
    expected = noise @ curvature
    assert torch.allclose(once.change, 0.3 * expected / expected.norm(dim=-1, keepdim=True))
    cosine = torch.cosine_similarity(expected, noise, dim=-1).mean()
    assert float(once.cosine) == pytest.approx(float(cosine))
    many = perturbation(rise, embedded, radius=0.3, rounds=40, generator=drawn())
    assert torch.allclose((many.change @ basis[:, 0]).abs(), torch.tensor(0.3, dtype=torch.float64))


def test_the_released_step_is_its_formula_and_random_all_the_same() -> None:
    embedded, answers = rows(B, T, D), network()
    rise = rise_of(answers, embedded)
    found = perturbation(rise, embedded, mask=MASK, direction="released", rounds=2, step=1e-3, generator=drawn())
    noise = torch.randn(B, T, D, generator=drawn(), dtype=torch.float64) * MASK.unsqueeze(-1)
    expected = 1e-5 * noise
    for _ in range(2):
        place = expected.clone().requires_grad_()
        (slope,) = torch.autograd.grad(rise(place), place)
        for b in range(B):
            for t in range(T):
                moved = expected[b, t] + 1e-3 * slope[b, t]
                expected[b, t] = moved / (moved.norm() + 1e-6) if MASK[b, t] else 0.0
    assert torch.allclose(found.change, expected, atol=1e-12)
    once = perturbation(rise, embedded, mask=MASK, direction="released", generator=drawn())
    place = (1e-5 * noise).requires_grad_()
    (slope,) = torch.autograd.grad(rise(place), place)
    n = lengths(1e-5 * noise + 1e-3 * slope)
    assert torch.allclose(lengths(once.change), (n / (n + 1e-6)))
    assert float(once.cosine) > 0.99
    assert float(perturbation(rise, embedded, mask=MASK, generator=drawn()).cosine) < 0.9


def test_along_the_direction_that_was_found_predictions_change_more_than_along_a_random_one() -> None:
    embedded = rows(B, T, D)
    rise = rise_of(network(), embedded)
    found, random = [], []
    for seed in range(20):
        true = perturbation(rise, embedded, mask=MASK, radius=0.1, generator=drawn(seed))
        chance = perturbation(rise, embedded, mask=MASK, radius=0.1, direction="random", generator=drawn(seed + 100))
        assert torch.allclose(lengths(true.change)[MASK], torch.tensor(0.1, dtype=torch.float64), atol=1e-5)
        assert torch.allclose(lengths(chance.change)[MASK], torch.tensor(0.1, dtype=torch.float64), atol=1e-5)
        found.append(float(rise(true.change).detach()))
        random.append(float(rise(chance.change).detach()))
    assert sum(found) > 1.5 * sum(random)


@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16])
def test_in_lower_precision_the_direction_is_that_of_float64(kind: torch.dtype) -> None:
    embedded = rows(B, T, D).to(kind)
    rise = rise_of(network(torch.float32), embedded.float())
    found = perturbation(rise, embedded, mask=MASK, start=1e-2, generator=drawn())
    assert found.change.dtype == torch.float32
    noise = torch.randn(B, T, D, generator=drawn()).double() * MASK.unsqueeze(-1)
    place = (1e-2 * torch.nn.functional.normalize(noise, dim=-1)).requires_grad_()
    (slope,) = torch.autograd.grad(rise_of(network(), embedded.double())(place), place)
    assert float(torch.cosine_similarity(found.change.double(), slope, dim=-1)[MASK].min()) > 0.99


@pytest.mark.parametrize("direction", ["power", "released", "random"])
def test_padding_is_neither_changed_nor_looked_at(direction: str) -> None:
    embedded = rows(B, T, D)
    other = torch.where(MASK.unsqueeze(-1), embedded, rows(B, T, D, seed=9))
    one, two = (
        perturbation(rise_of(network(), x), x, mask=MASK, direction=direction, generator=drawn())
        for x in (embedded, other)
    )
    assert (one.change[~MASK] == 0).all()
    assert (lengths(one.change)[MASK] > 0.5).all()
    assert torch.allclose(one.change, two.change)


@pytest.mark.parametrize("direction", ["power", "released", "random"])
def test_of_a_row_the_tokens_share_the_radius(direction: str) -> None:
    embedded = rows(B, T, D)
    found = perturbation(
        rise_of(network(), embedded),
        embedded,
        mask=MASK,
        radius=0.5,
        unit="row",
        direction=direction,
        generator=drawn(),
    )
    assert torch.allclose(found.change.flatten(1).norm(dim=1), torch.tensor(0.5, dtype=torch.float64), rtol=0.1)
    assert (found.change[~MASK] == 0).all()


def test_other_norms_have_their_size() -> None:
    embedded = rows(B, T, D)
    rise = rise_of(network(), embedded)
    sign = perturbation(rise, embedded, mask=MASK, radius=0.2, norm="sign", generator=drawn()).change
    assert set(sign[MASK].abs().flatten().tolist()) == {0.2}
    largest = perturbation(rise, embedded, mask=MASK, radius=0.2, norm="largest", generator=drawn()).change
    assert torch.allclose(largest[MASK].abs().amax(dim=-1), torch.tensor(0.2, dtype=torch.float64))
    assert torch.equal(sign.sign(), largest.sign())


def test_a_network_that_ignores_its_input_is_left_alone() -> None:
    embedded = rows(B, T, D)
    weight = rows(T, M).requires_grad_()

    def constant(change: Tensor) -> Tensor:
        return divergence(weight.expand(B, T, M), weight.expand(B, T, M) + 0 * change.sum(), reduction="sum")

    for rise in (constant, lambda change: torch.zeros(()), lambda change: weight.sum()):
        found = perturbation(rise, embedded, generator=drawn())
        assert (found.change == 0).all()
        assert float(found.cosine) == 0.0
        assert bool(found.found)


@pytest.mark.parametrize("direction", ["power", "released"])
def test_a_gradient_that_is_not_finite_gives_no_change(direction: str) -> None:
    embedded = rows(B, T, D)
    for bad in (math.nan, math.inf):
        found = perturbation(
            lambda change, bad=bad: (change * bad).sum(), embedded, direction=direction, generator=drawn()
        )
        assert not bool(found.found)
        assert (found.change == 0).all()


def test_very_small_gradients_have_a_direction() -> None:
    way = rows(B, T, D, dtype=torch.float32)
    found = perturbation(lambda change: (1e-30 * way * change).sum(), way, generator=drawn())
    assert torch.allclose(found.change, way / way.norm(dim=-1, keepdim=True), atol=1e-6)


def test_it_is_the_same_within_transforms_and_leaves_no_trace_in_gradients() -> None:
    embedded, answers = rows(B, T, D), network()
    words = rows(D, M)

    def loss(words: Tensor) -> Tensor:
        def rise(change: Tensor) -> Tensor:
            clean, moved = answers(embedded), answers(embedded + change)
            return divergence(clean[..., :D] @ words, moved[..., :D] @ words, mask=MASK, reduction="sum")

        change = perturbation(rise, embedded, mask=MASK, generator=drawn()).change
        return rise(change)

    leaf = words.clone().requires_grad_()
    (expected,) = torch.autograd.grad(loss(leaf), leaf)
    assert torch.allclose(torch.func.grad(loss)(words), expected)
    change = perturbation(lambda x: (x * leaf.sum()).sum(), embedded, generator=drawn()).change
    assert not change.requires_grad


def test_the_generator_decides() -> None:
    embedded = rows(B, T, D)
    one, same, other = (
        perturbation(lambda x: x.sum(), embedded, direction="random", generator=drawn(seed)).change
        for seed in (1, 1, 2)
    )
    assert one.equal(same)
    assert not one.equal(other)
    noise = torch.randn(B, T, D, generator=drawn(1), dtype=torch.float64)
    assert one.equal(perturbation(lambda x: x.sum(), embedded, direction="random", noise=noise).change)
    with pytest.raises(ArgumentError, match=r"noise must be of the embedded shape \(3, 4, 6\)"):
        perturbation(lambda x: x.sum(), embedded, noise=noise[:2])


def test_slips_are_named() -> None:
    embedded = rows(B, T, D)

    def rise(change: Tensor) -> Tensor:
        return change.sum()

    with pytest.raises(ArgumentError, match="All tokens are padding"):
        perturbation(rise, embedded, mask=torch.zeros(B, T, dtype=torch.bool))
    with pytest.raises(ArgumentError, match=r"mask must be \(3, 4\)"):
        perturbation(rise, embedded, mask=MASK[:2])
    with pytest.raises(ArgumentError, match=r"shape \(B, T, D\), got \(4, 6\)"):
        perturbation(rise, embedded[0])
    with pytest.raises(ArgumentError, match="radius must be above 0, got 0"):
        perturbation(rise, embedded, radius=0)
    with pytest.raises(ArgumentError, match="rounds must be 1 or more"):
        perturbation(rise, embedded, rounds=0)
    for name in ("direction", "unit", "norm"):
        with pytest.raises(ArgumentError, match=f"{name} must be one of .*, got 'strong'"):
            perturbation(rise, embedded, **{name: "strong"})
