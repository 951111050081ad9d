"""Directions as long as the filters, and a grid with the weights in its middle."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from contrapose.errors import ArgumentError
from contrapose.robustness import filter_normalized, landscape


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4), nn.Dropout(0.5), nn.Flatten(), nn.Linear(16, 3))


def test_every_filter_of_a_direction_is_as_long_as_the_weights(generator: torch.Generator) -> None:
    net = network()
    with torch.no_grad():
        net[0].weight[1] = 0.0
    direction = filter_normalized(net, generator=generator)
    for name, weight in net.named_parameters():
        if weight.ndim < 2:
            assert bool((direction[name] == 0).all())
        else:
            torch.testing.assert_close(direction[name].flatten(1).norm(dim=1), weight.detach().flatten(1).norm(dim=1))


def test_the_middle_is_the_loss_and_the_corners_are_where_they_should_be() -> None:
    net = network()
    x = torch.randn(5, 2, 4, 4, generator=torch.Generator().manual_seed(1))

    def loss() -> Tensor:
        return net(x).square().mean()

    state = {name: value.clone() for name, value in net.state_dict().items()}
    found = landscape(net, loss, generator=torch.Generator().manual_seed(2), points=5, reach=0.5)
    assert found.losses.shape == (5, 5)
    assert found.places.tolist() == [-0.5, -0.25, 0.0, 0.25, 0.5]
    assert net.training
    assert all(torch.equal(value, state[name]) for name, value in net.state_dict().items())
    net.eval()
    assert float(found.losses[2, 2]) == float(loss().detach())
    generator = torch.Generator().manual_seed(2)
    first, second = (filter_normalized(net, generator=generator) for _ in range(2))
    with torch.no_grad():
        for name, weight in net.named_parameters():
            weight.add_(0.5 * first[name] - 0.25 * second[name])
        assert float(found.losses[4, 1]) == pytest.approx(float(loss()), rel=1e-5)


def test_mistakes(generator: torch.Generator) -> None:
    net = nn.Linear(2, 2)
    for points in (4, 1):
        with pytest.raises(ArgumentError, match="odd number"):
            landscape(net, lambda: net.weight.sum(), generator=generator, points=points)
    with pytest.raises(ArgumentError, match="reach"):
        landscape(net, lambda: net.weight.sum(), generator=generator, reach=0.0)
