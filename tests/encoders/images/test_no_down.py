"""Encoders that look at every pixel first."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from contrapose.encoders import build
from contrapose.errors import ArgumentError


def test_the_first_stages_keep_the_resolution() -> None:
    small: Any = build("no_down_conv", channels=1, image_size=32, seed=0)
    assert [tuple(one.shape[1:]) for one in small.feature_maps(torch.zeros(2, 1, 32, 32))] == [
        (16, 32, 32),
        (24, 32, 32),
        (48, 16, 16),
        (64, 8, 8),
    ]
    assert small.dimension == 64
    large: Any = build("resnet50_no_down", channels=3, image_size=16, seed=0)
    assert [one.shape[-1] for one in large.feature_maps(torch.zeros(1, 3, 16, 16))] == [16, 8, 4, 2]
    assert large.backbone.stages[0][0][0][0].kernel_size == (7, 7)


def test_its_first_filters_begin_blind_to_what_is_coarse() -> None:
    y, x = torch.meshgrid(torch.arange(16.0), torch.arange(16.0), indexing="ij")
    coarse = (0.2 + 0.01 * x - 0.02 * y + 0.001 * x * y + 0.0005 * y * y)[None, None].double()
    fine = ((x + y) % 2)[None, None].double()
    seen = []
    for detail in (True, False):
        encoder: Any = build("no_down_conv", channels=1, image_size=16, seed=0, detail=detail).double()
        first = next(one for one in encoder.modules() if isinstance(one, torch.nn.Conv2d))
        seen.append([float(first(picture)[..., 2:-2, 2:-2].detach().abs().mean()) for picture in (coarse, fine)])
    assert seen[0][0] < 1e-6  # the weights are of single precision
    assert seen[0][1] > 0.05
    assert seen[1][0] > 0.01
    assert torch.isfinite(build("no_down_conv", channels=1, image_size=16, kernel=1)(torch.rand(2, 1, 16, 16))).all()
    with pytest.raises(ArgumentError, match="detail"):
        build("no_down_conv", channels=1, image_size=16, detail="yes")
