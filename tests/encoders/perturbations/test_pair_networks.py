"""Networks that make one delta and one word: their sizes, what they are conditioned on, and that they repeat it."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from contrapose.encoders.perturbations import DeltaGenerator, WordGenerator
from contrapose.errors import ArgumentError

N, D = 10, 6


def context(seed: int = 0) -> Tensor:
    return torch.randn(N, D, generator=torch.Generator().manual_seed(seed))


def delta(side: int = 16, *, codes: int = N, told: int = D, channels: int = 3) -> DeltaGenerator:
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(1)
    return DeltaGenerator(
        channels=channels, image_size=side, codes=codes, context=told, width=4, generator=generator
    ).train()  # fmt: skip


def word(*, told: int = D) -> WordGenerator:
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(1)
    return WordGenerator(dimension=7, codes=N, context=told, width=4, generator=generator).train()


@pytest.mark.parametrize(("side", "steps", "conditions"), [(8, 1, 1), (16, 2, 1), (24, 2, 1), (60, 4, 1), (224, 6, 2)])
def test_one_delta_at_the_size_of_the_pictures(side: int, steps: int, conditions: int) -> None:
    made = delta(side)
    assert made(context()).shape == (3, side, side)
    assert (len(made.maps.steps), len(made.maps.conditions)) == (steps, conditions)
    assert word()(context()).shape == (7,)


def test_it_is_the_same_in_training_and_after_and_when_made_again() -> None:
    made, again = delta(), delta(codes=N)
    assert torch.equal(made(context()), made.eval()(context()))
    assert torch.equal(made(context()), again(context()))
    with torch.no_grad():
        for weight in again.parameters():
            weight.add_(1)
    again.maps.codes.zero_()
    again.load_state_dict(made.state_dict())
    assert torch.equal(made(context()), again(context()))
    assert not any("running" in name for name in made.state_dict())


def test_it_hangs_on_the_condition_where_it_has_one() -> None:
    for made, other in ((delta(), delta(told=0)), (word(), word(told=0))):
        assert not torch.equal(made(context()), made(context(1)))
        assert torch.equal(other(context()), other(None))
        assert not other.maps.conditions
    made = delta()
    made(context()).square().sum().backward()
    assert all(weight.grad is not None for weight in made.parameters())


def test_as_many_conditions_as_codes() -> None:
    with pytest.raises(ArgumentError, match=r"10 codes.*conditions of 9 rows"):
        delta()(context()[:9])
    with pytest.raises(ArgumentError, match="conditions of none rows"):
        word()(None)
    with pytest.raises(ArgumentError, match="codes"):
        delta(codes=1)
    with pytest.raises(ArgumentError, match="dimension"):
        WordGenerator(dimension=0, codes=2, context=0)
