"""Contrast over numbers: against mixtures that are built, in closed forms, in blocks, at the ends of its options."""

from __future__ import annotations

import importlib
import math
from typing import Any

import pytest
import torch
from objective_cases import some_embeddings, value_and_gradient
from regression_literal import literal_supremix, triples
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.objectives import nt_xent, sup_con, supremix
from contrapose.objectives.regression.gaps import Gaps
from contrapose.objectives.regression.mixing import draw_shares, mixed_neighbours, neighbours
from contrapose.pairing import by_targets

module = importlib.import_module("contrapose.objectives.regression.supremix")  # its name is that of the function, too

AGES = torch.tensor([3.0, 1.0, 4.5, 1.0, 5.0, 9.0], dtype=torch.float64)  # one number twice, one far from all others


def seeded(number: int) -> torch.Generator:
    return torch.Generator().manual_seed(number)


def with_gradient(z: Tensor, targets: Tensor = AGES, **options: Any) -> tuple[Tensor, Tensor]:
    z = z.detach().clone().requires_grad_()
    loss = supremix(z, targets, **options)
    return loss.detach(), torch.autograd.grad(loss, z)[0]


def assert_literal(options: dict[str, Any], literal: dict[str, Any], targets: Tensor = AGES) -> None:
    z = some_embeddings(len(targets)).requires_grad_()
    expected = torch.stack(literal_supremix(z, targets, **literal))
    (expected_gradient,) = torch.autograd.grad(expected.mean(), z)
    value, gradient = with_gradient(z, targets, **options, generator=seeded(3))
    assert gradient.abs().max() > 1e-3
    torch.testing.assert_close(value, expected.detach().mean(), rtol=1e-12, atol=0)
    torch.testing.assert_close(gradient, expected_gradient, rtol=1e-10, atol=1e-13)
    each = supremix(z, targets, **{**options, "generator": seeded(3)}, reduction="none")
    torch.testing.assert_close(each, expected)


@pytest.mark.parametrize("detach", [True, False])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"mixtures": "negatives", "weighting": "squared"},
        {"mixtures": "positives", "weighting": "none", "window": 3.0},
        {"mixtures": "none"},
        {"unit_mixtures": True, "temperature": 0.1},
        {"window": 100.0, "temperature": 3.0},
    ],
    ids=str,
)
def test_value_and_gradient_are_those_of_mixtures_that_are_built(options: dict, detach: bool) -> None:
    assert_literal({**options, "detach": detach, "beta": 0.2}, {**options, "detach": detach})


@pytest.mark.parametrize("beta", [(2.0, 8.0), (8.0, 2.0), (0.05, 0.05)])
def test_every_pair_of_rows_has_a_share_of_its_own(beta: tuple[float, float]) -> None:
    assert_literal({"beta": beta}, {"share": draw_shares(beta, 12, AGES, seeded(3))})


def test_shares_are_drawn_from_the_beta_distribution() -> None:
    share = draw_shares((2.0, 8.0), 300, torch.zeros(()), seeded(0))  # (300, 300)
    assert float(share.mean()) == pytest.approx(0.2, abs=3e-3)
    assert float(share.var()) == pytest.approx(2 * 8 / (10**2 * 11), abs=5e-4)
    assert len(share.unique()) > 0.99 * share.numel()
    again = draw_shares((2.0, 8.0), 300, torch.zeros(()), seeded(0))
    assert torch.equal(share, again)
    assert draw_shares((1e-3, 1e-3), 100, torch.zeros(()), seeded(0)).isfinite().all()  # both may be 0


@pytest.mark.parametrize("views", [2, 3])
def test_numbers_without_mixtures_or_weights_are_classes(views: int) -> None:
    generator = seeded(0)
    z, labels = torch.randn(views, 7, 4, generator=generator), torch.tensor([4, 2, 2, 7, 4, 2, 0])
    plain: dict[str, Any] = {"mixtures": "none", "weighting": "none", "temperature": 0.2}
    torch.testing.assert_close(supremix(z, labels, **plain), sup_con(z, labels, temperature=0.2))
    unique = torch.randperm(7, generator=generator).float()
    torch.testing.assert_close(supremix(z, unique, **plain), nt_xent(z, temperature=0.2))


def test_equal_embeddings_without_weights_count_what_there_is() -> None:
    z = torch.ones(2, 6, 3, dtype=torch.float64)
    y = AGES.repeat(2).tolist()
    plain: dict[str, Any] = {"weighting": "none", "reduction": "none"}
    assert torch.allclose(supremix(z, AGES, mixtures="none", **plain), torch.tensor(math.log(11)).double())
    each = supremix(z, AGES, **plain)
    for i, loss in enumerate(each.tolist()):
        positives, negatives = len(triples(y, i, 5.0)), sum(number != y[i] for number in y)
        assert loss == pytest.approx(math.log(11 + positives + negatives))


def test_the_chance_is_the_loss_of_equal_embeddings() -> None:
    z = torch.ones(2, 6, 3, dtype=torch.float64)
    expected = float(supremix(z, AGES, beta=0.2))
    assert module.supremix_chance(by_targets(AGES, views=2)) == pytest.approx(expected)


@pytest.mark.parametrize("window", [1.0, 3.0, 50.0])
def test_a_positive_mixture_has_the_anchors_number(window: float) -> None:
    random = seeded(0)
    y = (20 * torch.rand(15, generator=random, dtype=torch.float64)).round(decimals=1).repeat(2).sort().values  # (30,)
    gaps = Gaps.of(y, torch.arange(30), 1e-9, torch.float64)
    sides = neighbours(gaps, window)
    # in place of an anchor's product with each row, the row's own number: what is mixed is then the mixture's number
    numbers, there = mixed_neighbours(y.expand(30, 30), gaps, sides)
    assert there.any()
    torch.testing.assert_close(numbers[there], y.unsqueeze(1).expand_as(numbers)[there], rtol=0, atol=1e-6)
    assert there.sum(dim=1).tolist() == [len(triples(y.tolist(), i, window)) for i in range(30)]
    assert not there[:2].any()  # nothing lies below the smallest number, in neither view
    assert not there[-2:].any()


def test_with_a_share_of_one_a_negative_mixture_is_the_anchor_and_with_none_the_negative() -> None:
    z = some_embeddings(6)
    options: dict[str, Any] = {"temperature": 0.3, "reduction": "none"}
    bare = supremix(z, AGES, mixtures="none", **options)
    others = torch.tensor([sum(number != own for number in AGES.repeat(2)) for own in AGES.repeat(2)])  # (N,)
    v = torch.nn.functional.normalize(z, dim=-1).flatten(0, 1)
    gap = (AGES.repeat(2).unsqueeze(1) - AGES.repeat(2)).abs()
    pull = (v @ v.T / 0.3 * ((gap == 0) & ~torch.eye(12, dtype=torch.bool))).sum(1) / (11 - others)
    every = (bare + pull).exp()
    itself = supremix(z, AGES, mixtures="negatives", beta=1.0, **options)
    torch.testing.assert_close((itself + pull).exp(), every + others * math.exp(1 / 0.3))
    doubled = supremix(z, AGES, mixtures="negatives", beta=0.0, **options)
    pushed = ((1 + gap) * (v @ v.T / 0.3).exp() * (gap > 0)).sum(1)
    torch.testing.assert_close((doubled + pull).exp(), every + pushed)


def test_positives_weigh_one_whatever_their_distance_within_the_tolerance() -> None:
    z, near = some_embeddings(4), torch.tensor([0.0, 0.4, 10.0, 20.0], dtype=torch.float64)
    options: dict[str, Any] = {"mixtures": "none", "tolerance": 0.5}
    assert_literal(options, {"mixtures": "none", "tolerance": 0.5}, near)
    assert not torch.allclose(supremix(z, near, **options), supremix(z, near.round(), mixtures="none"))


def test_the_unit_of_the_targets_matters() -> None:
    z = some_embeddings(6)
    assert not torch.allclose(supremix(z, AGES, mixtures="none"), supremix(z, 10 * AGES, mixtures="none"))
    assert torch.allclose(supremix(z, AGES, beta=0.2), supremix(z, AGES + 7, beta=0.2))
    assert torch.allclose(supremix(z, AGES, beta=0.2), supremix(z, -AGES, beta=0.2))


def test_large_numbers_lose_no_digits() -> None:
    z, seconds = some_embeddings(6, dtype=torch.float32), 1.7e9 + AGES
    torch.testing.assert_close(supremix(z, seconds, beta=0.2), supremix(z, AGES, beta=0.2))
    whole = torch.tensor([5, 6, 9, 6, 7, 1])
    torch.testing.assert_close(supremix(z, 2**40 + whole, beta=0.2), supremix(z, whole, beta=0.2))


@pytest.mark.parametrize("numbers", [1, 60, 200])
def test_blocks_of_anchors_are_the_whole(numbers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    z = some_embeddings(6)
    drawn = {"rows": torch.tensor([4, 1, 5])}
    expected = [with_gradient(z, generator=seeded(1), **rows) for rows in ({}, drawn)]
    monkeypatch.setattr(module, "BLOCK_NUMBERS", numbers)
    for (value, gradient), rows in zip(expected, ({}, drawn), strict=True):
        found = with_gradient(z, generator=seeded(1), **rows)
        torch.testing.assert_close(found, (value, gradient), rtol=1e-12, atol=1e-14)


def test_processes_that_share_the_anchors_draw_alike() -> None:
    z = some_embeddings(6)

    def of(rows: Tensor | None) -> tuple[Tensor, Tensor]:
        return with_gradient(z, rows=rows, generator=seeded(1))

    (first, left), (second, right) = of(torch.tensor([0, 1, 2])), of(torch.tensor([3, 4, 5]))
    torch.testing.assert_close(((first + second) / 2, (left + right) / 2), of(None), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("temperature", [1e-3, 0.01, 100.0])
def test_float32_is_float64_at_any_temperature(temperature: float) -> None:
    z = some_embeddings(6)
    value, gradient = with_gradient(z.float(), temperature=temperature, beta=0.2)
    expected, expected_gradient = with_gradient(z, temperature=temperature, beta=0.2)
    assert float(value) == pytest.approx(float(expected), rel=1e-5)
    assert float((gradient - expected_gradient).norm() / expected_gradient.norm()) < 1e-3


def test_a_temperature_can_be_learned() -> None:
    z, temperature = some_embeddings(6), torch.tensor(0.4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda t: supremix(z, AGES, temperature=t, beta=0.2), temperature)
    assert value_and_gradient("supremix", z)[1].abs().max() > 1e-3


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"targets": torch.ones(5)}, "targets has 5 entries for 4 samples"),
        ({"targets": torch.ones(4, 1)}, "targets must be a non-empty list of numbers"),
        ({"targets": torch.tensor([True, False, True, True])}, "of bool"),
        ({"targets": torch.tensor([0.0, math.nan, 1.0, math.inf])}, "2 of 4 are NaN or infinite"),
        ({"targets": [1.0, 2.0, 3.0, 4.0]}, "must be a tensor"),
        ({"window": 0.0}, "window"),
        ({"window": math.nan}, "window"),
        ({"temperature": 0.0}, "temperature"),
        ({"tolerance": -1.0}, "tolerance"),
        ({"mixtures": "negative"}, "Did you mean 'negatives'"),
        ({"weighting": "l1"}, "weighting"),
        ({"beta": (2.0, 0.0)}, "beta"),
        ({"beta": (2.0, 8.0, 1.0)}, "beta"),
        ({"beta": 1.5}, "in \\[0, 1\\]"),
        ({"z": torch.ones(2, 1, 3), "targets": torch.ones(1)}, "1 sample"),
        ({"z": torch.ones(1, 4, 3)}, "1 view"),
    ],
)
def test_bad_input_is_named(change: dict, word: str) -> None:
    with pytest.raises(ArgumentError, match=word):
        supremix(**{"z": torch.ones(2, 4, 3), "targets": torch.arange(4.0), **change})
