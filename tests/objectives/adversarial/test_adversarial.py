"""The critic's game and what a translator is asked besides: closed forms, a literal loop, gradients, bad input."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from contrapose.errors import ArgumentError, NonFiniteError
from contrapose.objectives import critic_loss, gradient_penalty, maker_loss, reconstruction
from contrapose.objectives.adversarial.translation import check_classes, named_as
from contrapose.objectives.adversarial.wasserstein import mixed, slopes


def linear(weights: Tensor) -> nn.Module:
    return lambda x: x.flatten(1) @ weights  # type: ignore[return-value]


@pytest.mark.parametrize("length", [0.25, 1.0, 3.0])
def test_a_linear_critic_pays_for_the_length_of_its_weights(length: float, generator: torch.Generator) -> None:
    weights = torch.randn(12, generator=generator, dtype=torch.float64)
    weights *= length / weights.norm()
    places = torch.randn(5, 3, 2, 2, generator=generator, dtype=torch.float64)
    assert float(gradient_penalty(linear(weights), places)) == pytest.approx((length - 1) ** 2)
    assert float(gradient_penalty(linear(weights), places, slope=length)) == pytest.approx(0, abs=1e-12)


def test_a_flat_critic_pays_1_and_gets_a_finite_gradient() -> None:
    weights = torch.zeros(4, requires_grad=True)
    penalty = gradient_penalty(linear(weights), torch.randn(3, 4))
    penalty.backward()
    assert float(penalty.detach()) == 1
    assert weights.grad is not None
    assert bool(weights.grad.isfinite().all())


def test_the_penalty_and_its_gradient_are_those_of_a_literal_loop(generator: torch.Generator) -> None:
    torch.manual_seed(0)
    critic = nn.Sequential(nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 1)).double()
    real, made = torch.randn(2, 4, 6, generator=generator, dtype=torch.float64)
    share = torch.rand(4, generator=generator, dtype=torch.float64)

    def score(x: Tensor) -> Tensor:
        found: Tensor = critic(x)
        return found[:, 0]

    fast = gradient_penalty(score, mixed(real, made, share))
    own = torch.autograd.grad(fast, list(critic.parameters()), allow_unused=True)
    terms = []
    for number in range(4):
        place = (share[number] * real[number] + (1 - share[number]) * made[number]).requires_grad_(True)
        (slope,) = torch.autograd.grad(critic(place[None])[0, 0], place, create_graph=True)
        terms.append((slope.pow(2).sum().sqrt() - 1) ** 2)
    slow = sum(terms) / 4
    expected = torch.autograd.grad(slow, list(critic.parameters()), allow_unused=True)
    torch.testing.assert_close(fast, slow)
    for one, two in zip(own[:-1], expected[:-1], strict=True):  # the last bias moves no slope
        torch.testing.assert_close(one, two)
    assert float(own[0].abs().max()) > 1e-3


def test_the_game_is_of_differences_of_scores() -> None:
    real, made = torch.tensor([1.0, 3.0]), torch.tensor([0.5, 0.5, 2.0])
    assert float(critic_loss(real, made)) == pytest.approx(1.0 - 2.0)
    assert float(critic_loss(real + 7, made + 7)) == pytest.approx(-1.0)  # a critic has no zero
    assert float(critic_loss(torch.ones(4), torch.ones(4))) == 0  # chance
    assert float(maker_loss(made)) == -1
    assert critic_loss(real.bfloat16(), made.bfloat16()).dtype == torch.float32


def test_places_lie_between_real_and_made_and_carry_no_gradient() -> None:
    real, made = torch.zeros(2, 3), torch.ones(2, 3, requires_grad=True)
    places = mixed(real, made, torch.tensor([0.25, 1.0]))
    assert places.tolist() == [[0.75] * 3, [0.0] * 3]
    assert not places.requires_grad


def test_the_identity_reconstructs_and_a_constant_does_not() -> None:
    picture = torch.tensor([[0.0, 1.0], [-1.0, 0.5]])
    assert float(reconstruction(picture, picture)) == 0
    constant = torch.full_like(picture, 0.25)
    assert float(reconstruction(picture, constant)) == pytest.approx((0.25 + 0.75 + 1.25 + 0.25) / 4)
    with pytest.raises(ArgumentError, match=r"of another size than it takes"):
        reconstruction(picture, picture[:, :1])


def test_naming_at_chance_costs_the_logarithm_of_the_classes() -> None:
    assert float(named_as(torch.zeros(3, 5), torch.tensor([0, 4, 2]))) == pytest.approx(math.log(5))
    with pytest.raises(ArgumentError, match="There is no class 5: classes are 0 to 4"):
        named_as(torch.zeros(2, 5), torch.tensor([0, 5]))
    with pytest.raises(ArgumentError, match="There is no class -1"):
        check_classes(torch.tensor([-1, 0]), 5)
    with pytest.raises(ArgumentError, match="K >= 2"):
        named_as(torch.zeros(2, 1), torch.tensor([0, 0]))


def test_bad_input_is_told() -> None:
    with pytest.raises(NonFiniteError):
        critic_loss(torch.tensor([float("nan")]), torch.ones(1))
    with pytest.raises(ArgumentError, match="one score a sample"):
        slopes(lambda x: x, torch.ones(2, 3))
    with pytest.raises(ArgumentError, match="slope must be above 0"):
        gradient_penalty(linear(torch.ones(3)), torch.ones(2, 3), slope=0)
    with pytest.raises(ArgumentError, match="real, made and share"):
        mixed(torch.ones(2, 3), torch.ones(2, 3), torch.ones(3))
