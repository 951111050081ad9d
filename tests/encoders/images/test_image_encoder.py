from __future__ import annotations

import numpy as np
import pytest
import torch
from encoder_cases import draw, make
from hypothesis import given, settings
from hypothesis import strategies as st

from contrapose.encoders import build
from contrapose.errors import ArgumentError

FINITE = st.floats(-2, 2, width=32)
POSITIVE = st.floats(0.0625, 2, width=32)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(FINITE, POSITIVE), min_size=1, max_size=4))
def test_normalisation_is_one_line_a_channel(statistics: list[tuple[float, float]]) -> None:
    mean, std = (list(column) for column in zip(*statistics, strict=True))
    encoder = build("mlp", channels=len(mean), image_size=2, mean=mean, std=std, widths=[2])
    x = draw(3, len(mean), 2)
    for channel, (m, s) in enumerate(statistics):
        expected = (x[:, channel].float() / 255 - m) / s
        torch.testing.assert_close(encoder.normalize(x)[:, channel], expected, rtol=1e-4, atol=1e-5)


def test_statistics_of_any_kind() -> None:
    for mean in (0.25, [0.25, 0.25], (0.25, 0.25), np.array([0.25, 0.25]), torch.tensor(0.25)):
        encoder = build("mlp", channels=2, image_size=1, mean=mean, std=1)
        assert encoder.mean.tolist() == [0.25, 0.25]
        assert encoder.std.tolist() == [1.0, 1.0]
        assert encoder.mean.dtype == torch.float32
    assert build("mlp", channels=2, image_size=1).mean.tolist() == [0.5, 0.5]
    assert build("mlp", channels=2, image_size=1).std.tolist() == [0.5, 0.5]


def test_statistics_are_copied() -> None:
    mean = torch.zeros(2)
    encoder = build("mlp", channels=2, image_size=1, mean=mean)
    mean.fill_(9)
    assert encoder.mean.tolist() == [0.0, 0.0]
    encoder.mean[0] = 1
    assert encoder.mean.tolist() == [1.0, 0.0]


@pytest.mark.parametrize("mean", [[0.5], [0.5] * 4, float("nan"), "grey", [[0.5] * 3]])
def test_statistics_that_do_not_fit(mean: object) -> None:
    with pytest.raises(ArgumentError, match="mean="):
        build("small_conv", channels=3, image_size=32, mean=mean)


@pytest.mark.parametrize("std", [0.0, [0.1, 0.0, 0.1], -1.0])
def test_deviations_are_positive(std: object) -> None:
    with pytest.raises(ArgumentError, match="1 for a channel that is constant"):
        build("small_conv", channels=3, image_size=32, std=std)


def test_inputs_that_are_not_pictures() -> None:
    encoder = make("small_conv")
    with pytest.raises(ArgumentError, match=r"was given \(3, 24, 24\)"):
        encoder(draw(1)[0])
    with pytest.raises(ArgumentError, match=r"was given \(2, 24, 24, 3\)"):
        encoder(draw(2).permute(0, 2, 3, 1))
    for dtype in (torch.int64, torch.bool, torch.int8):
        with pytest.raises(ArgumentError, match=f"was given {dtype}"):
            encoder(draw(2).to(dtype))


def test_half_precision_pictures_and_weights() -> None:
    encoder, x = make("small_conv").eval(), draw(2)
    with torch.no_grad():
        expected = encoder(x)
        from_half = encoder((x / 255).half())
        assert from_half.dtype == torch.float32
        torch.testing.assert_close(from_half, expected, rtol=0.05, atol=0.01)
        assert encoder.bfloat16()(x).dtype == torch.bfloat16


def test_prints_what_it_is() -> None:
    assert "name='small_conv', channels=3, image_size=24, dimension=" in repr(make("small_conv"))
