from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from contrapose.encoders import ProjectionHead
from contrapose.errors import ArgumentError


def head(layers: int = 2, **more: bool) -> ProjectionHead:
    torch.manual_seed(0)
    return ProjectionHead(6, hidden_dimension=5, output_dimension=4, layers=layers, **more)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 4), st.booleans(), st.booleans())
def test_shapes_and_parameters(layers: int, norm: bool, last_norm: bool) -> None:
    projection = head(layers, norm=norm, last_norm=last_norm)
    z = projection(torch.randn(7, 6))
    assert z.shape == (7, projection.output_dimension)
    assert projection.output_dimension == (4 if layers else 6)
    widths = [6, *[5] * (layers - 1), 4] if layers else [6]
    linear = sum(a * b for a, b in pairwise(widths))
    hidden = (layers - 1) * (10 if norm else 5) if layers else 0  # scale and shift, or bias
    last = 4 if layers else 0  # a scale, or a bias
    assert sum(parameter.numel() for parameter in projection.parameters()) == linear + hidden + last
    if layers:
        z.square().sum().backward()
        assert all(parameter.grad is not None for parameter in projection.parameters())


def test_nothing_and_one_line() -> None:
    h = torch.randn(3, 6)
    assert head(0)(h) is h
    one = head(1)
    weight, bias = one.parameters()
    torch.testing.assert_close(one(h), h @ weight.T + bias)


def test_two_layers_are_the_equation() -> None:
    projection, h = head(2).train(), torch.randn(9, 6)
    first, norm, _, second = projection.layers
    u = h @ first.weight.T
    u = (u - u.mean(0)) / (u.var(0, unbiased=False) + norm.eps).sqrt()
    torch.testing.assert_close(projection(h), u.relu() @ second.weight.T + second.bias)


def test_the_last_normalisation_scales_and_does_not_shift() -> None:
    projection = head(2, last_norm=True).train()
    last = projection.layers[-1]
    assert isinstance(last, nn.BatchNorm1d)
    assert last.bias is None
    assert projection.layers[-2].bias is None
    with torch.no_grad():
        last.weight.fill_(3)
    z = projection(torch.randn(40, 6))
    torch.testing.assert_close(z.mean(0), torch.zeros(4), atol=1e-5, rtol=0)
    torch.testing.assert_close(z.std(0, unbiased=False), torch.full((4,), 3.0), rtol=1e-3, atol=0)
    assert projection.eval()(torch.randn(1, 6)).shape == (1, 4)


def test_without_normalisation_rows_do_not_know_each_other() -> None:
    projection, h = head(2, norm=False).train(), torch.randn(5, 6)
    torch.testing.assert_close(projection(h)[2:3], projection(h[2:3]))
    assert not any(isinstance(module, nn.BatchNorm1d) for module in projection.modules())


def test_bad_input() -> None:
    with pytest.raises(ArgumentError, match=r"\(N, 6\), and was given \(7, 5\)"):
        head()(torch.randn(7, 5))
    with pytest.raises(ArgumentError, match="Flatten views into rows first"):
        head()(torch.randn(2, 7, 6))
    with pytest.raises(ArgumentError, match="no statistics with one row"):
        head().train()(torch.randn(1, 6))
    with pytest.raises(ArgumentError, match="no statistics with one row"):
        head(1, last_norm=True).train()(torch.randn(1, 6))
    with pytest.raises(ArgumentError, match="layers=-1"):
        head(-1)
    with pytest.raises(ArgumentError, match="hidden_dimension=0"):
        ProjectionHead(6, hidden_dimension=0, output_dimension=4)
