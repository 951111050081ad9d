from __future__ import annotations

import pytest
import torch

from contrapose.encoders import build
from contrapose.errors import ArgumentError


@pytest.mark.parametrize("norm", [True, False])
def test_layers_and_parameters(norm: bool) -> None:
    encoder = build("mlp", channels=2, image_size=3, seed=0, widths=[5, 4], norm=norm).eval()
    extra = 2 * (5 + 4) if norm else 5 + 4  # scale and shift, or bias
    assert sum(parameter.numel() for parameter in encoder.parameters()) == 18 * 5 + 5 * 4 + extra
    assert (encoder(torch.rand(6, 2, 3, 3)) >= 0).all()
    with pytest.raises(ArgumentError, match="built for 18 numbers a sample and was given 32"):
        encoder(torch.rand(6, 2, 4, 4))


def test_a_picture_that_is_not_one_pixel_cannot_be_a_row() -> None:
    with pytest.raises(ArgumentError, match=r"\(B, 2, H, W\) and was given \(6, 18\)"):
        build("mlp", channels=2, image_size=3)(torch.rand(6, 18))
