"""Sharpness-aware steps: against the formula, around every base, and what a step must leave alone."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from contrapose.errors import ArgumentError
from contrapose.training.optimizers import LARS, OPTIMIZERS
from contrapose.training.sharpness_aware import SharpnessAware

CURVATURES = torch.tensor([4.0, 1.0, 0.25, 9.0], dtype=torch.float64)


def closure_of(optimizer: torch.optim.Optimizer, loss: Callable[[], Tensor]) -> Callable[[], Tensor]:
    def closure() -> Tensor:
        optimizer.zero_grad()
        value = loss()
        value.backward()
        return value.detach()

    return closure


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 3)).double()


def loss_of(net: nn.Module, seed: int = 1) -> Callable[[], Tensor]:
    x = torch.randn(16, 4, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return lambda: (net(x) - x[:, :3].sin()).square().mean()


@pytest.mark.parametrize(
    "make",
    [
        lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.1),
        lambda p: torch.optim.AdamW(p, lr=0.1, weight_decay=0.1),
        lambda p: LARS(p, lr=0.1, weight_decay=0.1),
    ],
)
def test_a_radius_of_zero_is_the_base(make: Callable[..., torch.optim.Optimizer]) -> None:
    plain, wrapped = network(), network()
    base, sharp = make(plain.parameters()), SharpnessAware(make(wrapped.parameters()), radius=0.0)
    for seed in range(6):
        base.step(closure_of(base, loss_of(plain, seed)))
        sharp.step(closure_of(sharp, loss_of(wrapped, seed)))
    for one, other in zip(plain.parameters(), wrapped.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-12)


@pytest.mark.parametrize("start", [2.0, -0.3])
def test_one_dimension_by_hand(start: float) -> None:
    weight = nn.Parameter(torch.tensor(start, dtype=torch.float64))
    optimizer = SharpnessAware(torch.optim.SGD([weight], lr=0.1), radius=0.05)
    first = optimizer.step(closure_of(optimizer, lambda: 3.0 * weight.square() / 2))
    assert weight.item() == pytest.approx(start - 0.1 * 3.0 * (start + 0.05 * (1 if start > 0 else -1)), abs=1e-14)
    assert float(first) == pytest.approx(1.5 * start**2)  # the loss at w


@pytest.mark.parametrize("scale", [1e-8, 1.0, 1e8])
def test_the_norm_is_over_all_groups_whatever_the_scale_of_the_loss(scale: float) -> None:
    torch.manual_seed(0)
    start = torch.randn(4, dtype=torch.float64)
    parts = [nn.Parameter(start[:1].clone()), nn.Parameter(start[1:].clone())]
    idle = nn.Parameter(torch.ones(2, dtype=torch.float64))
    groups = [{"params": [parts[0], idle], "lr": 1.0}, {"params": [parts[1]], "lr": 1.0}]
    optimizer = SharpnessAware(torch.optim.SGD(groups), radius=0.2)

    def loss() -> Tensor:
        return scale * (CURVATURES * torch.cat(parts).square()).sum() / 2

    closure = closure_of(optimizer, loss)
    closure()
    optimizer.ascend()
    way = torch.cat([part.detach() for part in parts]) - start
    want = CURVATURES * start
    torch.testing.assert_close(way, 0.2 * want / want.norm(), rtol=1e-6, atol=0)
    assert float(way.norm()) == pytest.approx(0.2, rel=1e-6)
    closure()
    torch.testing.assert_close(torch.cat([part.grad for part in parts]), scale * CURVATURES * (start + way))
    optimizer.descend()
    moved = torch.cat([part.detach() for part in parts])
    torch.testing.assert_close(moved, start - scale * CURVATURES * (start + way))
    assert bool((idle == 1).all())


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("adaptive", [False, True])
def test_weights_come_back_to_the_last_bit(dtype: torch.dtype, adaptive: bool) -> None:
    torch.manual_seed(0)
    net = nn.Linear(5, 5).to(dtype)
    before = copy.deepcopy(net.state_dict())
    optimizer = SharpnessAware(torch.optim.SGD(net.parameters(), lr=0.0), radius=0.7, adaptive=adaptive)
    x = torch.randn(8, 5, dtype=dtype)
    seen = []

    def loss() -> Tensor:
        seen.append(net.weight.detach().clone())
        return net(x).square().mean()

    for _ in range(5):
        optimizer.step(closure_of(optimizer, loss))
    assert not torch.equal(seen[0], seen[1])
    for name, value in before.items():
        assert torch.equal(net.state_dict()[name], value)


def test_a_zero_gradient_shows_no_way_up() -> None:
    weight = nn.Parameter(torch.zeros(3))
    optimizer = SharpnessAware(torch.optim.SGD([weight], lr=0.1), radius=1.0)
    seen = []

    def loss() -> Tensor:
        seen.append(weight.detach().clone())
        return weight.square().sum()

    optimizer.step(closure_of(optimizer, loss))
    assert torch.equal(seen[1], torch.zeros(3))
    assert torch.equal(weight, torch.zeros(3))


def test_the_adaptive_way_does_not_know_how_the_layers_share_their_scale() -> None:
    def raised(factor: float, adaptive: bool) -> float:
        torch.manual_seed(0)
        first, second = (nn.Linear(4, 4, bias=False).double() for _ in range(2))
        with torch.no_grad():
            first.weight.mul_(factor)
            second.weight.div_(factor)
        optimizer = SharpnessAware(
            torch.optim.SGD([first.weight, second.weight], lr=0.1), radius=0.3, adaptive=adaptive
        )
        x = torch.randn(8, 4, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
        values = []

        def loss() -> Tensor:
            values.append(second(first(x)).square().mean())
            return values[-1]

        optimizer.step(closure_of(optimizer, loss))
        return float(values[1])

    assert raised(7.0, adaptive=True) == pytest.approx(raised(1.0, adaptive=True), rel=1e-10)
    assert raised(7.0, adaptive=False) != pytest.approx(raised(1.0, adaptive=False), rel=0.1)


@pytest.mark.parametrize("name", list(OPTIMIZERS))
def test_state_is_the_base_s_and_a_resumed_trajectory_the_same(name: str, tmp_path: Any) -> None:
    def made(net: nn.Module) -> SharpnessAware:
        return SharpnessAware(OPTIMIZERS[name](list(net.parameters()), 0.05), radius=0.1)

    def train(net: nn.Module, optimizer: SharpnessAware, steps: range) -> None:
        for step in steps:
            for group in optimizer.param_groups:
                group["lr"] = 0.05 / (1 + step)
            optimizer.step(closure_of(optimizer, loss_of(net, step)))

    net = network()
    optimizer = made(net)
    train(net, optimizer, range(3))
    torch.save({"net": net.state_dict(), "optimizer": optimizer.state_dict()}, tmp_path / "state.pt")
    state = torch.load(tmp_path / "state.pt", weights_only=True)
    other = network()
    other.load_state_dict(state["net"])
    resumed = made(other)
    resumed.load_state_dict(state["optimizer"])
    assert resumed.param_groups is resumed.base.param_groups
    assert resumed.state is resumed.base.state
    copied, copied_optimizer = pickle.loads(pickle.dumps((net, optimizer)))
    for one, its in ((net, optimizer), (other, resumed), (copied, copied_optimizer)):
        train(one, its, range(3, 6))
    for weights in zip(net.parameters(), other.parameters(), copied.parameters(), strict=True):
        assert torch.equal(weights[0], weights[1])
        assert torch.equal(weights[0], weights[2])


def test_a_scheduler_of_torch_and_accelerate_reach_the_base() -> None:
    from accelerate import Accelerator

    plain, wrapped = network(), network()
    base = torch.optim.AdamW(wrapped.parameters(), lr=0.1)
    bare = SharpnessAware(torch.optim.AdamW(plain.parameters(), lr=0.1), radius=0.1)
    accelerator = Accelerator(cpu=True)
    model, optimizer = accelerator.prepare(wrapped, SharpnessAware(base, radius=0.1))
    schedules = [torch.optim.lr_scheduler.StepLR(one, step_size=1, gamma=0.5) for one in (bare, optimizer.optimizer)]
    for step in range(4):
        bare.step(closure_of(bare, loss_of(plain, step)))
        optimizer.step(closure_of(optimizer, loss_of(model, step)))
        for schedule in schedules:
            schedule.step()
    assert base.param_groups[0]["lr"] == pytest.approx(0.1 / 16)
    for one, other in zip(plain.parameters(), wrapped.parameters(), strict=True):
        assert torch.equal(one, other)


def test_weights_are_back_after_an_error_uphill() -> None:
    weight = nn.Parameter(torch.ones(2))
    optimizer = SharpnessAware(torch.optim.SGD([weight], lr=0.1), radius=1.0)
    passes = 0

    def closure() -> Tensor:
        nonlocal passes
        passes += 1
        if passes == 2:
            raise ValueError("not finite")
        loss = weight.square().sum()
        loss.backward()
        return loss

    with pytest.raises(ValueError, match="not finite"):
        optimizer.step(closure)
    assert torch.equal(weight, torch.ones(2))
    optimizer.ascend()  # a step may begin anew


def test_mistakes() -> None:
    weight = nn.Parameter(torch.ones(2))
    base = torch.optim.SGD([weight], lr=0.1)
    for radius in (-0.1, float("nan")):
        with pytest.raises(ArgumentError, match="radius must be 0 or more"):
            SharpnessAware(base, radius=radius)
    with pytest.raises(ArgumentError, match="optimiser of torch's kind"):
        SharpnessAware([weight])  # type: ignore[arg-type]
    optimizer = SharpnessAware(base, radius=0.1)
    with pytest.raises(ArgumentError, match="its own base"):
        SharpnessAware(optimizer)
    with pytest.raises(ArgumentError, match="closure"):
        optimizer.step()
    with pytest.raises(ArgumentError, match="No parameter has a gradient"):
        optimizer.ascend()
    weight.square().sum().backward()
    with pytest.raises(ArgumentError, match="needs ascend"):
        optimizer.descend()
    optimizer.ascend()
    with pytest.raises(ArgumentError, match="called twice"):
        optimizer.ascend()
