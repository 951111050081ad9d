from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from contrapose.encoders.images import small_conv as module
from contrapose.encoders.images.small_conv import SmallConv, Stage, small_conv
from contrapose.errors import ArgumentError


def bare(grid: int, width: int = 5) -> SmallConv:
    """Nothing but the grid of averages."""
    return SmallConv([Stage(1, width, 3, 1, 1, "stride")], grid, 0)


@settings(max_examples=20, deadline=None)
@given(
    st.lists(st.integers(1, 6), min_size=1, max_size=3),
    st.integers(1, 3),
    st.integers(1, 3),
    st.sampled_from([0, 7]),
    st.sampled_from(["max", "stride"]),
    st.integers(12, 35),
)
def test_the_dimension_and_the_weights_follow_from_the_arguments(
    widths: list[int], depth: int, pool: int, embedding: int, shrink: str, side: int
) -> None:
    net = small_conv(
        channels=2, image_size=side, widths=widths, depth=depth, pool=pool, embedding=embedding, shrink=shrink
    )
    flat = widths[-1] * pool**2
    assert net(torch.rand(2, 2, side, side)).shape == (2, net.dimension)
    assert net.dimension == (embedding or flat)
    assert net.stage_dimensions == tuple(widths)
    each = [
        (9 if number else 25) * i * o + 2 * o + (depth - 1) * (9 * o * o + 2 * o)
        for number, (i, o) in enumerate(zip([2, *widths[:-1]], widths, strict=True))
    ]
    linear = flat * embedding + 2 * embedding
    assert sum(parameter.numel() for parameter in net.parameters()) == sum(each) + linear


def test_default_for_characters() -> None:
    net = small_conv(channels=1, image_size=35)
    maps = net.feature_maps(torch.rand(2, 1, 35, 35))
    assert [tuple(m.shape[1:]) for m in maps] == [(32, 18, 18), (64, 9, 9), (128, 5, 5), (256, 5, 5)]
    assert net.dimension == 256
    assert sum(parameter.numel() for parameter in net.parameters()) == 2_027_744


def test_the_default_grid_is_the_last_map_of_small_pictures_and_never_larger_than_five() -> None:
    assert small_conv(channels=1, image_size=16).grid == 2
    assert small_conv(channels=3, image_size=32).grid == 4
    assert small_conv(channels=3, image_size=64).grid == 5


def test_shrinking_by_max_keeps_the_strongest_response() -> None:
    net = small_conv(channels=1, image_size=8, widths=[2, 3], strides=[1, 2], kernel=3, embedding=0).eval()
    x = torch.rand(1, 1, 8, 8)
    first, (filters, _, norm, _) = net.stages
    full = norm(filters(first(x))).relu()  # the scale of a new norm is 1: pooling last is the same
    torch.testing.assert_close(net.stages[1](first(x)), functional.max_pool2d(full, 2))


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 4), st.integers(1, 3), st.integers(1, 3))
def test_the_grid_is_an_average_of_windows(pool: int, height: int, width: int) -> None:
    x = torch.rand(2, 5, pool * height, pool * width)
    # Where windows tile the map they are those of adaptive pooling, and their mean is the mean of the map.
    grid = bare(pool).pool(x)
    torch.testing.assert_close(grid, functional.adaptive_avg_pool2d(x, pool).flatten(1))
    torch.testing.assert_close(grid.view(2, 5, -1).mean(2), x.mean((2, 3)))


def test_windows_overlap_where_they_must() -> None:
    x = torch.arange(25.0).view(1, 1, 5, 5)
    assert bare(2, width=1).pool(x).tolist() == [[6.0, 8.0, 16.0, 18.0]]  # means of the four 3 x 3 corners


@pytest.mark.parametrize("arguments", [{}, {"pool": 2}, {"embedding": 0}])
def test_one_layout_in_the_backward_pass(arguments: dict[str, int], monkeypatch: pytest.MonkeyPatch) -> None:
    """The map and its gradient are stored alike, and nothing is changed but the time."""
    net = small_conv(channels=1, image_size=35, widths=[4, 8], **arguments).to(memory_format=torch.channels_last)  # type: ignore[arg-type, call-overload]
    x = torch.rand(3, 1, 35, 35)
    layouts = []
    net.stages[-1].register_forward_hook(
        lambda _, __, last: last.register_hook(lambda g: layouts.append((last.stride(), g.stride()))) and None
    )
    gradients = torch.autograd.grad(net(x).square().sum(), list(net.parameters()))
    ((of_map, of_gradient),) = layouts
    assert of_map == of_gradient != torch.empty(3, 8, *net.feature_maps(x)[-1].shape[2:]).stride()
    monkeypatch.setattr(module, "_flat", lambda averages: averages.flatten(1))
    for new, plain in zip(gradients, torch.autograd.grad(net(x).square().sum(), list(net.parameters())), strict=True):
        assert torch.equal(new, plain)


def test_gradients_of_functions_and_of_gradients() -> None:
    net = small_conv(channels=1, image_size=12, widths=[4, 8]).to(memory_format=torch.channels_last).eval()  # type: ignore[call-overload]
    weights = {name: weight.detach() for name, weight in net.named_parameters()}
    x = torch.rand(2, 1, 12, 12)

    def loss(weights: dict[str, Tensor], x: Tensor) -> Tensor:
        return torch.func.functional_call(net, weights, (x,)).square().sum()

    each = torch.func.vmap(torch.func.grad(loss), in_dims=(None, 0))(weights, x[:, None])
    net(x).square().sum().backward()
    for name, weight in net.named_parameters():
        torch.testing.assert_close(each[name].sum(0), weight.grad)


@pytest.mark.parametrize(("height", "width", "rows", "columns"), [(14, 14, 2, 2), (8, 32, 1, 4), (20, 40, 3, 5)])
def test_the_map_of_a_small_view_is_stretched_over_the_grid(height: int, width: int, rows: int, columns: int) -> None:
    net = small_conv(channels=1, image_size=32, widths=[4, 4, 4, 8], embedding=0).eval()
    x = torch.rand(2, 1, height, width)
    last = net.feature_maps(x)[-1]
    assert last.shape[2:] == (rows, columns)
    down = [(row * rows) // 4 if rows < 4 else row for row in range(4)]
    if columns < 4:
        stretched = last[:, :, down][:, :, :, [(column * columns) // 4 for column in range(4)]]
    else:  # more columns than the grid has: windows of neighbours are averaged, as ever
        stretched = functional.avg_pool2d(last[:, :, down], (1, columns - 3), 1)
    torch.testing.assert_close(net(x), stretched.flatten(1))


def test_bad_arguments() -> None:
    with pytest.raises(ArgumentError, match="2 widths and 3 strides"):
        small_conv(channels=1, image_size=32, widths=[4, 4], strides=[1, 2, 2])
    with pytest.raises(ArgumentError, match="shrink"):
        small_conv(channels=1, image_size=32, shrink="min")
    with pytest.raises(ArgumentError, match="leaves a 1 x 1 map of 8 x 8"):
        small_conv(channels=1, image_size=8, pool=2)
