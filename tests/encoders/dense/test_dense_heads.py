"""Heads and attention on maps, and the encoder whose map they are made for."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from contrapose.encoders import ProjectionHead, build
from contrapose.encoders.dense import DenseProjection, Propagation, propagate
from contrapose.errors import ArgumentError


def maps(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def test_the_projection_is_the_head_on_every_cell() -> None:
    torch.manual_seed(0)
    dense = DenseProjection(6, hidden_dimension=8, output_dimension=5).double()
    head = ProjectionHead(6, hidden_dimension=8, output_dimension=5).double()
    head.load_state_dict(dense.cells.state_dict())
    x = maps(2, 6, 3, 4)
    rows = torch.stack([x[b, :, r, q] for b in range(2) for r in range(3) for q in range(4)])  # (24, 6)
    made = dense(x)
    assert made.shape == (2, 5, 3, 4)
    torch.testing.assert_close(made.permute(0, 2, 3, 1).reshape(24, 5), head(rows))
    assert dense.output_dimension == 5


def literal(x: Tensor, values: Tensor, sharpness: float) -> Tensor:
    made = torch.zeros_like(values)
    places = [(r, q) for r in range(x.shape[2]) for q in range(x.shape[3])]
    for b in range(len(x)):
        for r, q in places:
            for s, t in places:
                a, c = x[b, :, r, q], x[b, :, s, t]
                likeness = max(float(a @ c / (a.norm() * c.norm())), 0.0) ** sharpness
                made[b, :, r, q] += likeness * values[b, :, s, t]
    return made


@pytest.mark.parametrize("sharpness", [1.0, 2.0, 3.5])
def test_propagation_is_the_sum_over_the_map(sharpness: float) -> None:
    x, values = maps(2, 5, 2, 3), maps(2, 4, 2, 3, seed=1)
    torch.testing.assert_close(propagate(x, values, sharpness=sharpness), literal(x, values, sharpness))


def test_cells_that_are_equal_add_up() -> None:
    unit = torch.zeros(1, 4, 3, 3)
    unit[:, 1] = 1
    torch.testing.assert_close(propagate(unit, unit), 9 * unit)
    torch.testing.assert_close(Propagation(4, layers=0)(unit), 9 * unit)


def test_cells_at_right_angles_keep_their_own_value() -> None:
    x = torch.eye(6).view(1, 6, 2, 3)
    values = maps(1, 4, 2, 3).float()
    torch.testing.assert_close(propagate(x, values), values)


def test_what_points_away_adds_nothing() -> None:
    x = torch.stack([torch.tensor([1.0, 0.0]), torch.tensor([-1.0, 0.1])], dim=1).view(1, 2, 1, 2)
    values = torch.tensor([1.0, 100.0]).view(1, 1, 1, 2)
    torch.testing.assert_close(propagate(x, values), values)  # the square of the cosine would add nearly 100


@pytest.mark.parametrize("sharpness", [0.0, 0.5, 1.0, 2.0])
def test_gradients_are_finite_also_where_cells_are_at_right_angles(sharpness: float) -> None:
    x = torch.eye(6).view(1, 6, 2, 3).requires_grad_()
    (gradient,) = torch.autograd.grad(propagate(x, x, sharpness=sharpness).square().sum(), x)
    assert bool(gradient.isfinite().all())


def test_values_are_of_length_one_before_they_are_summed() -> None:
    torch.manual_seed(0)
    module = Propagation(6).double()
    x = maps(2, 6, 3, 3)
    values = module.transform(x)
    torch.testing.assert_close(module(x), propagate(x, values / values.norm(dim=1, keepdim=True)))
    assert [type(part) for part in Propagation(6, layers=2).transform] == [
        nn.Conv2d,
        nn.BatchNorm2d,
        nn.ReLU,
        nn.Conv2d,
    ]


def test_propagation_is_in_full_precision_under_autocast() -> None:
    x = maps(1, 8, 4, 4).float()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(propagate(x, x), propagate(x.clone(), x))
        found = propagate(x, x)
    assert torch.equal(found, propagate(x, x))


def test_bad_arguments_are_refused() -> None:
    x = maps(1, 4, 2, 2)
    with pytest.raises(ArgumentError, match="sharpness must be 0 or more"):
        propagate(x, x, sharpness=-1)
    with pytest.raises(ArgumentError, match="not the same cells"):
        propagate(x, maps(1, 4, 2, 3))
    with pytest.raises(ArgumentError, match="layers"):
        Propagation(4, layers=-1)


def test_dense_conv_has_a_cell_for_every_four_pixels_and_no_weights_behind_them() -> None:
    encoder = build("dense_conv", channels=1, image_size=48, seed=0)
    x = torch.rand(2, 1, 48, 48)
    last = encoder.feature_maps(x)[-1]
    assert last.shape == (2, 64, 12, 12)
    assert encoder.feature_maps(x[..., :32, :32])[-1].shape == (2, 64, 8, 8)
    torch.testing.assert_close(encoder.eval()(x), encoder.feature_maps(x)[-1].mean(dim=(2, 3)))
    pooled = encoder.pool(torch.zeros(2, 64, 8, 8))
    assert not pooled.requires_grad
