"""LARS against its definition, and every optimiser through one contract."""

from __future__ import annotations

import pytest
import torch

from contrapose.errors import ArgumentError
from contrapose.training.config import OPTIMIZERS as NAMES
from contrapose.training.optimizers import LARS, OPTIMIZERS
from contrapose.training.uncompiled import uncompiled


def test_lars_two_steps_by_hand() -> None:
    torch.manual_seed(0)
    matrix, vector = torch.nn.Parameter(torch.randn(3, 4)), torch.nn.Parameter(torch.randn(3))
    start_matrix, start_vector = matrix.detach().clone(), vector.detach().clone()
    optimizer = LARS([matrix, vector], lr=0.5, momentum=0.9, weight_decay=0.1, trust=0.02)
    gradients = [(torch.randn(3, 4), torch.randn(3)) for _ in range(2)]
    want_m, want_v = start_matrix.clone(), start_vector.clone()
    velocity_m, velocity_v = torch.zeros(3, 4), torch.zeros(3)
    for gm, gv in gradients:
        matrix.grad, vector.grad = gm.clone(), gv.clone()
        optimizer.step()
        gm, gv = gm + 0.1 * want_m, gv + 0.1 * want_v
        velocity_m = 0.9 * velocity_m + 0.02 * want_m.norm() / gm.norm() * gm
        velocity_v = 0.9 * velocity_v + gv  # a vector is not adapted
        want_m, want_v = want_m - 0.5 * velocity_m, want_v - 0.5 * velocity_v
    torch.testing.assert_close(matrix.detach(), want_m)
    torch.testing.assert_close(vector.detach(), want_v)


def test_lars_survives_zero_weights_and_zero_gradients() -> None:
    weight = torch.nn.Parameter(torch.zeros(2, 2))
    optimizer = LARS([weight], lr=1.0)
    weight.grad = torch.zeros(2, 2)
    optimizer.step()
    weight.grad = torch.ones(2, 2)
    optimizer.step()
    assert bool(weight.isfinite().all())


@pytest.mark.parametrize("name", list(OPTIMIZERS))
def test_every_optimizer_goes_downhill_and_its_state_is_plain(name: str, tmp_path: object) -> None:
    torch.manual_seed(0)
    weight = torch.nn.Parameter(torch.randn(4, 4))
    optimizer = OPTIMIZERS[name]([{"params": [weight], "weight_decay": 0.0}], 0.1)
    first = weight.square().sum()
    for _ in range(20):
        optimizer.zero_grad()
        weight.square().sum().backward()
        optimizer.step()
    assert weight.square().sum() < first
    path = tmp_path / "state.pt"  # type: ignore[operator]
    torch.save(optimizer.state_dict(), path)
    optimizer.load_state_dict(torch.load(path, weights_only=True))


def test_the_configuration_knows_the_same_names() -> None:
    assert set(NAMES) == set(OPTIMIZERS)


def test_negative_values_are_refused() -> None:
    with pytest.raises(ArgumentError, match="momentum"):
        LARS([torch.nn.Parameter(torch.zeros(1))], lr=0.1, momentum=-1.0)


@pytest.mark.parametrize("kind", [torch.optim.AdamW, torch.optim.SGD, LARS])
def test_without_the_compiler_it_is_the_same_optimiser(kind: type[torch.optim.Optimizer]) -> None:
    """Step by step, through a state that is saved and put back, and with the closure that `take_step` gives."""
    made = uncompiled(kind)
    assert issubclass(made, kind)
    moved = []
    for one in (kind, made):
        torch.manual_seed(0)
        layer = torch.nn.Linear(3, 2)
        optimizer = one([{"params": [layer.weight], "weight_decay": 0.1}, {"params": [layer.bias]}], lr=0.1)

        def closure(layer: torch.nn.Linear = layer, optimizer: torch.optim.Optimizer = optimizer) -> torch.Tensor:
            optimizer.zero_grad()
            assert layer.weight.grad is None
            loss = layer(torch.ones(1, 3)).square().sum()
            loss.backward()
            return loss

        for _ in range(2):
            assert optimizer.step(closure).requires_grad
            state = optimizer.state_dict()
            optimizer = one(optimizer.param_groups, lr=0.1)
            optimizer.load_state_dict(state)
        moved.append(layer.weight.detach())
    assert torch.equal(*moved)
