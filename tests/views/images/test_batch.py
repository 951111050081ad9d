from __future__ import annotations

import pytest
import torch

from contrapose.errors import ArgumentError
from contrapose.views.images.batch import as_bytes, as_floats, check_pictures


def test_every_byte_survives_the_way_to_floats_and_back() -> None:
    images = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16)
    floats = as_floats(images)
    assert floats.dtype == torch.float32
    assert torch.equal(floats, images.to(torch.float32) / 255)
    assert torch.equal(as_bytes(floats), images)
    assert torch.equal(images, torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16))


def test_bytes_are_rounded_and_kept_in_range() -> None:
    values = torch.tensor([-0.0005, 0.0, 0.4 / 255, 0.6 / 255, 1.0, 1.0005]).view(1, 1, 1, 6)
    assert as_bytes(values).flatten().tolist() == [0, 0, 0, 1, 255, 255]


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
def test_any_float_type_is_taken(dtype: torch.dtype) -> None:
    images = torch.rand(2, 3, 4, 4).to(dtype)
    check_pictures(images, 3)
    assert as_floats(images).dtype == torch.float32


def test_rounding_noise_is_forgiven_and_no_more() -> None:
    check_pictures(torch.full((1, 1, 2, 2), 1.0005))
    with pytest.raises(ArgumentError, match=r"from 1\.01 to 1\.01; floats must lie in \[0, 1\]"):
        check_pictures(torch.full((1, 1, 2, 2), 1.01))
