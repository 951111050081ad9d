"""Common and salient patterns: against the definition, in closed forms, and who gets which gradient."""

from __future__ import annotations

import math

import pytest
import torch
from separation_literal import literal_terms
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.objectives import separation_terms, sepclr
from contrapose.objectives.separation.kernels import alignment, joint_entropy, squared_distances, uniformity

B, TARGET = 7, torch.tensor([1, 0, 1, 1, 0, 0, 1])
TERMS = ("common", "salient", "null", "independence")


def spaces(*, seed: int = 0, scale: float = 0.7) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    c = torch.randn(2, B, 4, generator=generator, dtype=torch.float64)
    s = scale * torch.randn(2, B, 3, generator=generator, dtype=torch.float64)
    return c.requires_grad_(), s.requires_grad_()


def gradients(value: Tensor, *of: Tensor) -> tuple[Tensor, ...]:
    found = torch.autograd.grad(value, of, allow_unused=True, retain_graph=True)
    return tuple(torch.zeros_like(x) if one is None else one for one, x in zip(found, of, strict=True))


@pytest.mark.parametrize("temperature", [0.5, 0.2, 3.0])
@pytest.mark.parametrize("term", TERMS)
def test_terms_and_gradients_are_those_of_the_definition(term: str, temperature: float) -> None:
    c, s = spaces()
    found = getattr(separation_terms(c, s, TARGET, temperature=temperature), term)
    expected = literal_terms(c, s, TARGET, temperature)[term]
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=0)
    for one, other in zip(gradients(found, c, s), gradients(expected, c, s), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-8, atol=1e-12)


def test_the_whole_is_the_weighted_sum() -> None:
    c, s = spaces()
    terms = literal_terms(c, s, TARGET)
    whole = sepclr(c, s, TARGET, salient_weight=3.0, null_weight=5.0, independence_weight=7.0)
    expected = terms["common"] + 3 * terms["salient"] + 5 * terms["null"] + 7 * terms["independence"]
    torch.testing.assert_close(whole, expected)
    usual = terms["common"] + 1000 * terms["salient"] + 1000 * terms["null"] + 10 * terms["independence"]
    torch.testing.assert_close(sepclr(c, s, TARGET.bool()), usual)


def test_closed_forms_of_alignment_and_uniformity() -> None:
    x, e = torch.randn(5, 3, dtype=torch.float64), torch.eye(4, dtype=torch.float64)
    assert float(alignment(x, x)) == 0
    assert float(alignment(e, -e)) == pytest.approx(4)
    assert float(uniformity(squared_distances(torch.ones(5, 3)))) == pytest.approx(0, abs=1e-6)
    assert float(uniformity(squared_distances(e[:2]))) == pytest.approx(-2)
    assert float(uniformity(squared_distances(torch.stack([e[0], -e[0]])))) == pytest.approx(-4)


def test_closed_forms_of_the_joint_entropy() -> None:
    c, s = spaces()
    dc, ds = squared_distances(c[0]), squared_distances(s[0])
    assert float(joint_entropy(torch.zeros(1, 1), torch.zeros(1, 1))) == 0
    assert float(joint_entropy(torch.zeros(B, B), torch.zeros(B, B))) == pytest.approx(0, abs=1e-6)
    torch.testing.assert_close(joint_entropy(torch.zeros_like(dc), ds), joint_entropy(ds))
    assert -math.log(B) <= float(joint_entropy(dc, ds).detach()) <= 0
    far = 1e6 * (1 - torch.eye(B, dtype=torch.float64))
    assert float(joint_entropy(far, ds).detach()) == pytest.approx(-math.log(B))
    pair = joint_entropy(dc[:2, :2], ds[:2, :2], temperature=0.3)
    expected = math.log((1 + math.exp(-float((dc[0, 1] + ds[0, 1]).detach()) / 0.6)) / 2)
    assert float(pair.detach()) == pytest.approx(expected)


def test_distances_are_exact_where_rows_are_equal_or_share_an_offset() -> None:
    x = torch.randn(6, 4, generator=torch.Generator().manual_seed(0))
    x[3] = x[1]
    found = squared_distances((x + 1000).requires_grad_())
    assert found.diagonal().abs().max() == 0
    assert (found >= 0).all()
    torch.testing.assert_close(found, torch.cdist(x + 1000, x + 1000).square(), rtol=1e-3, atol=1e-3)
    near = x.clone().requires_grad_()
    squared_distances(near)[1, 3].backward()
    assert near.grad is not None
    assert near.grad.abs().max() < 1e-5  # where a length would have none


def test_each_term_moves_what_it_is_about() -> None:
    c, s = spaces()
    terms = separation_terms(c, s, TARGET)
    background, targets = TARGET == 0, TARGET == 1
    assert gradients(terms.common, s)[0].abs().max() == 0
    of_salient, of_null = gradients(terms.salient, c, s), gradients(terms.null, c, s)
    assert of_salient[0].abs().max() == of_null[0].abs().max() == 0
    assert of_salient[1][:, background].abs().max() == 0
    assert of_salient[1][:, targets].abs().min(dim=-1).values.max() > 0
    assert of_null[1][:, targets].abs().max() == 0
    torch.testing.assert_close(of_null[1][:, background], s[:, background] / (3 * 2 * 0.5), rtol=1e-10, atol=0)
    joint = gradients(terms.independence, c, s)
    assert joint[0].abs().max() > 0
    assert joint[1][:, targets].abs().max() > 0
    assert joint[1][:, background].abs().max() == 0


def test_independence_pushes_the_closest_pair_apart() -> None:
    c, s = spaces(seed=3)
    with torch.no_grad():
        c[:, 1] = c[:, 0] + 0.05 * c[:, 1]
        s[:, 2] = s[:, 0] + 0.05 * s[:, 2]
    target = torch.ones(B)
    for of in (c, s):
        (gradient,) = gradients(separation_terms(c, s, target, missing="skip").independence, of)
        with torch.no_grad():
            unit = torch.nn.functional.normalize if of is c else (lambda x, dim: x)
            before, after = (squared_distances(unit(x, dim=-1)[0]) for x in (of, of - 0.01 * gradient))
            off = before.masked_fill(torch.eye(B, dtype=torch.bool), math.inf)
            place = divmod(int(off.argmin()), B)
            assert after[place] > before[place]


def test_the_order_of_samples_and_of_views_does_not_matter() -> None:
    c, s = spaces()
    order = torch.randperm(B, generator=torch.Generator().manual_seed(1))
    whole = separation_terms(c, s, TARGET)
    moved = separation_terms(c[:, order], s[:, order], TARGET[order])
    turned = separation_terms(c.flip(0), s.flip(0), TARGET)
    for term in TERMS:
        for other in (moved, turned):
            torch.testing.assert_close(getattr(other, term), getattr(whole, term))


def test_nothing_told_apart_is_zero() -> None:
    terms = separation_terms(torch.ones(2, B, 4), torch.zeros(2, B, 3), TARGET)
    assert all(float(getattr(terms, term)) == pytest.approx(0, abs=1e-6) for term in TERMS)


@pytest.mark.parametrize("bit", [0, 1])
def test_a_missing_set_is_refused_or_passed_over(bit: int) -> None:
    c, s = spaces()
    target = torch.full((B,), bit)
    with pytest.raises(ArgumentError, match="no targets" if bit == 0 else "no background"):
        separation_terms(c, s, target)
    terms = separation_terms(c, s, target, missing="skip")
    assert float((terms.null if bit else terms.salient).detach()) == 0
    assert float((terms.salient if bit else terms.null).detach()) != 0
    total = sepclr(c, s, target, missing="skip")
    assert all(one.isfinite().all() for one in gradients(total, c, s))


def test_without_a_null_the_background_is_spread_as_well() -> None:
    c, s = spaces()
    terms = separation_terms(c, s, TARGET, null_zeroed=False)
    everyone = torch.ones(B)
    agree = alignment(s[0, TARGET == 1], s[1, TARGET == 1])
    spread = separation_terms(c, s, everyone, missing="skip").salient - alignment(s[0], s[1])
    torch.testing.assert_close(terms.salient, agree + spread)
    assert gradients(terms.salient, s)[0][:, TARGET == 0].abs().max() > 0


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e4])
def test_finite_in_low_precision_and_at_any_scale(dtype: torch.dtype, scale: float) -> None:
    c, s = (x.detach().to(dtype).requires_grad_() for x in spaces(scale=scale))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = sepclr(c, s, TARGET)
    assert loss.dtype == torch.float32
    torch.testing.assert_close(loss.double(), sepclr(c.double(), s.double(), TARGET), rtol=1e-4, atol=1e-3)
    assert all(one.isfinite().all() for one in gradients(loss, c, s))


def test_it_is_the_derivative_and_torch_may_transform_it() -> None:
    c, s = spaces()
    assert torch.autograd.gradcheck(lambda c, s: sepclr(c, s, TARGET), (c, s), atol=1e-5)
    c, s = c.detach(), s.detach()
    expected = gradients(sepclr(c.requires_grad_(), s.requires_grad_(), TARGET), c, s)
    for one, other in zip(
        torch.func.grad(lambda c, s: sepclr(c, s, TARGET), argnums=(0, 1))(c, s), expected, strict=True
    ):
        torch.testing.assert_close(one, other)
    many = torch.vmap(lambda c: sepclr(c, s, TARGET))(torch.stack([c, c.flip(1)]))
    torch.testing.assert_close(many, torch.stack([sepclr(c, s, TARGET), sepclr(c.flip(1), s, TARGET)]))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"target": torch.tensor([0, 1, 2, 0, 1, 0, 1])}, "0 .background. or 1"),
        ({"target": TARGET[:3]}, "one bit for each of the 7"),
        ({"common": torch.rand(3, B, 4)}, "two views"),
        ({"salient": torch.rand(2, B - 1, 3)}, "same samples"),
        ({"common": torch.rand(2, 1, 4), "salient": torch.rand(2, 1, 3), "target": TARGET[:1]}, "two at least"),
        ({"common": torch.full((2, B, 4), math.nan)}, "common"),
        ({"salient": torch.full((2, B, 3), math.inf)}, "salient"),
        ({"temperature": 0.0}, "temperature"),
        ({"uniformity_weight": -1.0}, "uniformity_weight"),
        ({"null_weight": -1.0}, "null_weight"),
        ({"missing": "drop"}, "missing"),
    ],
)
def test_bad_input_is_named(change: dict, words: str) -> None:
    c, s = spaces()
    given = {"common": c, "salient": s, "target": TARGET, **change}
    with pytest.raises(ArgumentError, match=words):
        sepclr(given.pop("common"), given.pop("salient"), given.pop("target"), **given)
