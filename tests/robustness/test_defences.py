"""Defences: closed forms, gradients of those that an attacker sees through, and that originals stay."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from contrapose.errors import ArgumentError
from contrapose.robustness import blurred, levelled, noisy, pruned


def test_blur() -> None:
    torch.testing.assert_close(blurred(torch.full((2, 3, 5, 4), 0.3)), torch.full((2, 3, 5, 4), 0.3))
    x = torch.zeros(1, 2, 5, 5)
    x[0, 1, 2, 2] = 1
    found = blurred(x)
    assert float(found[0, 1, 2, 2]) == 0.25
    assert float(found[0, 1, 1, 2]) == 0.125
    assert float(found[0, 1].sum()) == 1
    assert float(found[0, 0].abs().max()) == 0  # channels do not mix


def test_levels() -> None:
    x = torch.tensor([0.0, 0.2, 0.49, 0.51, 1.0]).view(1, 1, 1, 5).requires_grad_()
    found = levelled(x, 2)
    assert found.flatten().tolist() == [0, 0, 0, 1, 1]
    found.sum().backward()
    assert x.grad is not None
    assert x.grad.unique().tolist() == [1]
    with pytest.raises(ArgumentError, match="two levels at least, got 1"):
        levelled(x, 1)


def test_noise_is_that_of_the_generator() -> None:
    x = torch.full((2, 1, 40, 40), 0.5)
    one, other = (noisy(x, generator=torch.Generator().manual_seed(seed)) for seed in (0, 0))
    assert torch.equal(one, other)
    assert 0.09 < float((one - x).std()) < 0.11
    assert float(noisy(x, deviation=5, generator=torch.Generator()).max()) <= 1
    with pytest.raises(ArgumentError, match="must be 0 or more"):
        noisy(x, deviation=-1, generator=torch.Generator())


def test_pruning_takes_the_smallest_of_all_matrices_together() -> None:
    network = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1))
    with torch.no_grad():
        network[0].weight.copy_(torch.tensor([[1.0, -0.1], [3.0, 0.4]]))  # type: ignore[arg-type]
        network[1].weight.copy_(torch.tensor([[0.2, -5.0]]))  # type: ignore[arg-type]
    before = {name: weight.clone() for name, weight in network.state_dict().items()}
    found = pruned(network, 0.5)
    assert found[0].weight.tolist() == [[1, 0], [3, 0]]  # type: ignore[index]
    assert found[1].weight.tolist() == [[0, -5]]  # type: ignore[index]
    assert torch.equal(found[0].bias, before["0.bias"])  # type: ignore[index]
    assert all(torch.equal(weight, before[name]) for name, weight in network.state_dict().items())
    assert all(torch.equal(weight, before[name]) for name, weight in pruned(network, 0).state_dict().items())
    with pytest.raises(ArgumentError, match=r"must lie in \[0, 1\), got 1"):
        pruned(network, 1)
