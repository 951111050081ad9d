"""A salient dimension for each attribute: against the definition, and what follows what."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.objectives import salient_attributes

B, TARGET, DISCRETE = 7, torch.tensor([1, 0, 1, 1, 0, 0, 1]), torch.tensor([False, True])


def made() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    s = torch.randn(B, 2, generator=generator, dtype=torch.float64).requires_grad_()
    a = torch.rand(B, 2, generator=generator, dtype=torch.float64)
    a[:, 1] = torch.tensor([0, 0, 1, 0, 1, 0, 1])
    return s, a


def literal(s: Tensor, a: Tensor) -> Tensor:
    targets, background = [i for i in range(B) if TARGET[i]], [i for i in range(B) if not TARGET[i]]
    losses = []
    for k in range(2):
        x = [s[i, k] if TARGET[i] else torch.zeros((), dtype=s.dtype) for i in range(B)]
        kernels = [(-((x[i] - x[j]) ** 2)).exp() for i in range(B) for j in range(i)]
        pairs = [(i, j) for i in targets for j in targets if j < i]

        def weight(i: int, j: int, k: int = k) -> float:
            apart = float(a[i, k] - a[j, k])
            return float(apart == 0) if k == 1 else math.exp(-(apart**2) / 0.05)

        follow = sum(weight(i, j) * (s[i, k] - s[j, k]) ** 2 for i, j in pairs) / len(pairs)
        width = 0.5 if k == 1 else 0.025
        null = sum(s[i, k] ** 2 / (2 * width) for i in background) / len(background)
        losses.append((sum(kernels) / len(kernels)).log() + (follow + null) / 2)  # type: ignore[operator]
    return sum(losses) / 2  # type: ignore[return-value]


def test_value_and_gradient_are_those_of_the_definition() -> None:
    s, a = made()
    found, expected = salient_attributes(s, a, TARGET, discrete=DISCRETE), literal(s, a)
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=0)
    torch.testing.assert_close(*(torch.autograd.grad(loss, s)[0] for loss in (found, expected)), rtol=1e-9, atol=1e-12)


def test_nothing_salient_is_zero_and_following_the_attribute_is_less() -> None:
    _, a = made()
    assert float(salient_attributes(torch.zeros(B, 2), a, TARGET)) == pytest.approx(0, abs=1e-6)
    follows = torch.where(TARGET.unsqueeze(1) == 1, 2 * a + 1, 0.0)
    turned = follows.clone()
    turned[TARGET == 1] = follows[TARGET == 1].flip(0)  # the same values, of other samples
    options = {"discrete": DISCRETE}
    assert salient_attributes(follows, a, TARGET, **options) < salient_attributes(turned, a, TARGET, **options)


def test_attributes_of_the_background_are_not_looked_at() -> None:
    s, a = made()
    blank = a.clone()
    blank[TARGET == 0] = torch.nan
    assert torch.equal(salient_attributes(s, blank, TARGET), salient_attributes(s, a, TARGET))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"attributes": torch.rand(B, 3)}, "attributes must be"),
        ({"target": torch.zeros(B)}, "0 of 7 samples are targets"),
        ({"target": torch.ones(B)}, "7 of 7 samples are targets"),
        ({"attributes": torch.full((B, 2), torch.nan)}, "NaN"),
        ({"discrete": torch.tensor([True])}, "discrete"),
        ({"attribute_temperature": 0.0}, "attribute_temperature"),
    ],
)
def test_bad_input_is_named(change: dict, words: str) -> None:
    s, a = made()
    given = {"salient": s, "attributes": a, "target": TARGET, **change}
    with pytest.raises(ArgumentError, match=words):
        salient_attributes(given.pop("salient"), given.pop("attributes"), given.pop("target"), **given)
