"""Gradient steps on inputs: how far they go, where they stop, and what they leave alone."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from contrapose.errors import ArgumentError
from contrapose.robustness import Steps, climb, project, random_start

SHAPE = (6, 2, 4, 4)


@pytest.fixture
def x(generator: torch.Generator) -> Tensor:
    """Pictures far from black and white."""
    return 0.4 + 0.2 * torch.rand(SHAPE, generator=generator)


@pytest.fixture
def linear(generator: torch.Generator) -> Tensor:
    return torch.randn(SHAPE[1:], generator=generator)


def along(w: Tensor) -> Any:
    return lambda x: (x * w).flatten(1).sum(dim=1)


def moved(x: Tensor, to: Tensor) -> Tensor:
    return (to - x).flatten(1).norm(dim=1)


def test_no_step_gives_a_copy(x: Tensor, linear: Tensor) -> None:
    found = climb(along(linear), x, Steps(0, 0.1))
    assert found.equal(x)
    assert found.data_ptr() != x.data_ptr()


@pytest.mark.parametrize("count", [1, 3])
def test_of_a_linear_score_steps_move_by_their_length(count: int, x: Tensor, linear: Tensor) -> None:
    way = (climb(along(linear), x, Steps(count, 0.05)) - x).flatten(1)  # (B, D)
    expected = count * 0.05 * linear.flatten() / linear.norm()  # (D,)
    torch.testing.assert_close(way, expected.expand_as(way), rtol=1e-4, atol=1e-6)
    signs = climb(along(linear), x, Steps(count, 0.05, "linf")) - x
    torch.testing.assert_close(signs, (count * 0.05 * linear.sign()).expand_as(signs))


def test_without_a_ball_nothing_is_projected_and_white_is_never_left(x: Tensor, linear: Tensor) -> None:
    free, wide = (climb(along(linear), x, Steps(40, 0.2, radius=radius)) for radius in (math.inf, 1e6))
    torch.testing.assert_close(free, wide)
    assert float(free.min()) == 0.0
    assert float(free.max()) == 1.0  # pushed against both ends


@pytest.mark.parametrize(("norm", "order"), [("l2", 2), ("linf", math.inf)])
def test_the_ball_is_not_left_and_reached(norm: str, order: float, x: Tensor, linear: Tensor) -> None:
    found = climb(along(linear), x, Steps(9, 0.05, norm, 0.12))
    far = torch.linalg.vector_norm((found - x).flatten(1), ord=order, dim=1)
    assert float(far.max()) <= 0.12 + 1e-6
    torch.testing.assert_close(far, torch.full_like(far, 0.12), rtol=1e-4, atol=0)
    outside = x + 3 * torch.randn(SHAPE, generator=torch.Generator().manual_seed(1))
    back = project(outside, x, norm, 0.5) - x
    assert float(torch.linalg.vector_norm(back.flatten(1), ord=order, dim=1).max()) <= 0.5 + 1e-6
    assert project(x + 1e-3, x, norm, 0.5).equal(x + 1e-3) or norm == "l2"  # what is inside stays


def test_flat_scores_move_nothing_and_small_slopes_as_far_as_large_ones(x: Tensor, linear: Tensor) -> None:
    for flat in (lambda x: torch.zeros(len(x)), lambda x: 0.0 * x.flatten(1).sum(dim=1)):
        assert climb(flat, x, Steps(3, 0.1)).equal(x)
    small = climb(lambda x: 1e-6 * along(linear)(x), x, Steps(1, 0.1))
    torch.testing.assert_close(moved(x, small), torch.full((6,), 0.1), rtol=1e-3, atol=0)
    tiny = x.clone().requires_grad_()
    (1e-25 * along(linear)(tiny)).sum().backward()
    assert tiny.grad is not None
    assert climb(lambda x: 1e-25 * along(linear)(x), x, Steps(1, 0.1)).isfinite().all()


def test_each_sample_goes_its_own_way_whatever_the_batch(x: Tensor) -> None:
    """The scores are summed: a mean would make a step depend on how many are beside, in half precision at least."""
    network = nn.Sequential(nn.Flatten(), nn.Linear(32, 8), nn.Tanh(), nn.Linear(8, 1))
    slopes = []

    def score(x: Tensor) -> Tensor:
        x.register_hook(slopes.append)
        return network(x).squeeze(1)

    together = climb(score, x, Steps(4, 0.1, radius=0.3))
    alone = torch.cat([climb(score, one[None], Steps(4, 0.1, radius=0.3)) for one in x])
    torch.testing.assert_close(together, alone)
    torch.testing.assert_close(slopes[0][:1], slopes[4])
    assert all(weight.grad is None for weight in network.parameters())
    assert not together.requires_grad


def test_noise_comes_from_the_generator(x: Tensor, linear: Tensor) -> None:
    def noisy(seed: int) -> Tensor:
        return climb(along(linear), x, Steps(2, 0.01), noise=0.05, generator=torch.Generator().manual_seed(seed))

    assert noisy(0).equal(noisy(0))
    assert not noisy(0).equal(noisy(1))
    spread = (noisy(0) - climb(along(linear), x, Steps(2, 0.01))).std()
    assert 0.05 < float(spread) < 0.09  # of two steps: 0.05 sqrt(2)


def test_random_starts_fill_the_ball_evenly() -> None:
    x = torch.full((4000, 3), 0.5)
    l2 = random_start(x, "l2", 0.2, generator=torch.Generator().manual_seed(0))
    far = moved(x, l2) / 0.2
    assert float(far.max()) <= 1 + 1e-5
    assert abs(float((far**3).mean()) - 0.5) < 0.03  # the share of the volume that lies nearer is even
    linf = random_start(x, "linf", 0.2, generator=torch.Generator().manual_seed(0)) - x
    assert float(linf.abs().max()) <= 0.2 + 1e-6
    assert abs(float(linf.std()) - 0.2 / math.sqrt(3)) < 0.005
    assert float(random_start(torch.zeros(50, 3), "l2", 0.2).min()) >= 0


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda x: Steps(-1, 0.1), "0 steps or more"),
        (lambda x: Steps(1, 0.0), "above 0"),
        (lambda x: Steps(1, -0.1), "above 0"),
        (lambda x: Steps(1, 0.1, "l1"), "norm must be one of l2, linf"),
        (lambda x: Steps(1, 0.1, radius=0.0), "radius must be above 0"),
        (lambda x: climb(along(x[0]), 255 * x, Steps(1, 0.1)), "must lie in"),
        (lambda x: climb(along(x[0]), x * math.nan, Steps(0, 0.1)), "must lie in"),
        (lambda x: climb(along(x[0]), (255 * x).byte(), Steps(1, 0.1)), "Divide bytes by 255"),
        (lambda x: climb(along(x[0]), x, Steps(1, 0.1), start=x[:2]), "start must be of the shape"),
        (lambda x: climb(along(x[0]), x, Steps(1, 0.1), noise=-1.0), "noise must be 0 or more"),
        (lambda x: climb(lambda x: x, x, Steps(1, 0.1)), "a number a sample"),
        (lambda x: random_start(x, "l2", math.inf), "needs a ball"),
    ],
)
def test_bad_input_is_told(call: Any, said: str, x: Tensor) -> None:
    with pytest.raises(ValueError, match=said) as refused:
        call(x)
    assert isinstance(refused.value, ArgumentError)
