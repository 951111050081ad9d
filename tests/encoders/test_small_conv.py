from __future__ import annotations

import pytest
import torch
from encoder_cases import draw, make
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from contrapose.encoders.small_conv import SmallConv, small_conv
from contrapose.errors import ArgumentError


@settings(max_examples=20, deadline=None)
@given(
    st.lists(st.integers(1, 6), min_size=1, max_size=3),
    st.integers(1, 3),
    st.integers(1, 3),
    st.booleans(),
    st.integers(12, 35),
)
def test_the_dimension_follows_from_the_arguments(
    widths: list[int], depth: int, pool: int, residual: bool, side: int
) -> None:
    net = small_conv(
        channels=2, image_size=side, widths=widths, depth=depth, pool=pool, residual=residual and depth > 1
    )
    x = torch.rand(2, 2, side, side)
    assert net(x).shape == (2, net.dimension)
    assert net.dimension == widths[-1] * pool**2
    assert net.stage_dimensions == tuple(widths)
    inputs = [2, *widths[:-1]]
    each = [
        9 * i * o + 2 * o + (depth - 1) * (9 * o * o + 2 * o) for i, o in zip(inputs, widths, strict=True)
    ]
    assert sum(parameter.numel() for parameter in net.parameters()) == sum(each)


def test_default_for_characters() -> None:
    net = small_conv(channels=1, image_size=35)
    maps = net.feature_maps(torch.rand(2, 1, 35, 35))
    assert [tuple(m.shape[1:]) for m in maps] == [(32, 35, 35), (64, 18, 18), (128, 9, 9), (256, 5, 5)]
    assert net.dimension == 1024


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 4), st.integers(1, 3), st.integers(1, 3))
def test_the_grid_is_an_average_of_windows(pool: int, height: int, width: int) -> None:
    net = SmallConv(1, (5,), (1,), 1, False, pool)
    x = torch.rand(2, 5, pool * height, pool * width)
    # Where windows tile the map they are those of adaptive pooling, and their mean is the mean of the map.
    expected = functional.adaptive_avg_pool2d(x, pool)
    torch.testing.assert_close(net.pool(x), expected.flatten(1))
    torch.testing.assert_close(net.pool(x).view(2, 5, -1).mean(2), x.mean((2, 3)))


def test_windows_overlap_where_they_must() -> None:
    x = torch.arange(25.0).view(1, 1, 5, 5)
    grid = SmallConv(1, (1,), (1,), 1, False, 2).pool(x)
    assert grid.tolist() == [[6.0, 8.0, 16.0, 18.0]]  # means of the four 3 x 3 corners


def test_residual_adds_the_input() -> None:
    plain = make("small_conv", widths=[4], depth=2, pool=1).eval()
    residual = make("small_conv", widths=[4], depth=2, pool=1, residual=True).eval()
    with torch.no_grad():
        first, activation, block = residual.backbone.stages[0]
        h = activation(first(residual.normalize(draw(2))))
        (without,), (with_,) = plain.feature_maps(draw(2)), residual.feature_maps(draw(2))
        torch.testing.assert_close(without, block.body(h).relu())  # the same seed, so the same weights
        torch.testing.assert_close(with_, (block.body(h) + h).relu())


def test_bad_arguments() -> None:
    with pytest.raises(ArgumentError, match="2 widths and 3 strides"):
        small_conv(channels=1, image_size=32, widths=[4, 4], strides=[1, 2, 2])
    with pytest.raises(ArgumentError, match="residual=True does nothing"):
        small_conv(channels=1, image_size=32, residual=True)
    with pytest.raises(ArgumentError, match="leaves a 1 x 1 map of 8 x 8"):
        small_conv(channels=1, image_size=8)
    with pytest.raises(ArgumentError, match=r"The last map is 1 x 4, smaller than the pooling grid 2 x 2"):
        small_conv(channels=1, image_size=32)(torch.rand(2, 1, 8, 32))
