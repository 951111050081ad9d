from __future__ import annotations

import pytest
import torch

from contrapose.encoders import build
from contrapose.errors import ArgumentError


def test_rows_and_pictures_of_one_pixel_are_the_same() -> None:
    encoder = build("mlp", channels=7, image_size=1, seed=0, widths=[5, 3]).eval()
    rows = torch.randn(4, 7)
    with torch.no_grad():
        assert encoder(rows).shape == (4, 3)
        assert torch.equal(encoder(rows), encoder(rows[:, :, None, None]))
    with pytest.raises(ArgumentError, match=r"was given \(4, 6\)"):
        encoder(rows[:, :6])


def test_columns_are_standardised_one_by_one() -> None:
    rows = torch.randn(50, 3) * torch.tensor([1.0, 10.0, 100.0]) + 5
    encoder = build("mlp", channels=3, image_size=1, mean=rows.mean(0), std=rows.std(0))
    x = encoder.normalize(rows)
    torch.testing.assert_close(x.mean(0).flatten(), torch.zeros(3), atol=1e-5, rtol=0)
    torch.testing.assert_close(x.std(0).flatten(), torch.ones(3))


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
