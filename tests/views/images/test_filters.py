from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from contrapose.views.images.filters import erase, gaussian_blur, solarize, thicken


def blur_by_convolution(image: Tensor, sigma: float) -> Tensor:
    """The definition, slowly: one wide 2-d kernel, divided by what it weighs inside the picture."""
    reach = max(image.shape[-2:])
    line = torch.exp(-torch.arange(-reach, reach + 1.0, dtype=image.dtype).square() / (2 * sigma**2))
    kernel = (line[:, None] * line)[None, None]
    weight = functional.conv2d(torch.ones_like(image[:, :1]), kernel, padding=reach)
    channels = [functional.conv2d(channel[:, None], kernel, padding=reach) for channel in image.unbind(1)]
    return torch.cat(channels, dim=1) / weight


@pytest.mark.parametrize("sigma", [0.3, 1.0, 2.5])
def test_blur_equals_an_explicit_convolution(sigma: float) -> None:
    image = torch.rand(1, 3, 9, 13, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    blurred = gaussian_blur(image, torch.tensor([sigma], dtype=torch.float64))
    torch.testing.assert_close(blurred, blur_by_convolution(image, sigma))


def test_blur_has_a_width_of_its_own_for_each_sample() -> None:
    images = torch.rand(3, 2, 8, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    sigma = torch.tensor([0.2, 0.9, 2.0], dtype=torch.float64)
    blurred = gaussian_blur(images, sigma)
    for row in range(3):
        torch.testing.assert_close(
            blurred[row : row + 1], blur_by_convolution(images[row : row + 1], float(sigma[row]))
        )


@settings(max_examples=20, deadline=None)
@given(sigma=st.floats(0, 50), value=st.floats(0, 1), height=st.integers(1, 9), width=st.integers(1, 9))
def test_blur_keeps_a_constant_up_to_its_edge(sigma: float, value: float, height: int, width: int) -> None:
    image = torch.full((1, 2, height, width), value)
    torch.testing.assert_close(gaussian_blur(image, torch.tensor([sigma])), image, atol=1e-5, rtol=0)


def test_no_width_is_no_blur() -> None:
    images = torch.rand(2, 3, 6, 6)
    torch.testing.assert_close(gaussian_blur(images, torch.zeros(2)), images)


def test_solarize_inverts_from_the_threshold_up() -> None:
    values = torch.tensor([0.0, 0.3, 0.59, 0.6, 0.8, 1.0])
    expected = torch.tensor([0.0, 0.3, 0.59, 0.4, 0.2, 0.0])
    torch.testing.assert_close(solarize(values, 0.6), expected)


def test_erase_blacks_out_each_sample_s_own_box() -> None:
    images = torch.ones(3, 2, 6, 7)
    boxes = torch.tensor([[1, 2, 3, 4], [0, 0, 6, 7], [2, 2, 0, 0]])
    erased = erase(images, boxes)
    expected = torch.ones(3, 2, 6, 7)
    expected[0, :, 1:4, 2:6] = 0
    expected[1] = 0
    torch.testing.assert_close(erased, expected)
    assert images.min() == 1  # the input is left alone


def test_thicken_by_whole_pixels_is_dilation() -> None:
    picture = torch.zeros(1, 1, 7, 7)
    picture[..., 3, 3] = 1
    expected = torch.zeros(1, 1, 7, 7)
    expected[..., 2:5, 2:5] = 1
    torch.testing.assert_close(thicken(picture, torch.tensor([1.0])), expected)
    expected[..., 1:6, 1:6] = 1
    torch.testing.assert_close(thicken(picture, torch.tensor([2.0])), expected)


def test_thinning_is_dilation_of_the_negative() -> None:
    pictures = torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(2))
    amount = torch.tensor([1.0, 1.6])
    torch.testing.assert_close(thicken(pictures, -amount), 1 - thicken(1 - pictures, amount))


def test_a_fraction_of_a_pixel_lies_between() -> None:
    pictures = torch.rand(1, 1, 8, 8, generator=torch.Generator().manual_seed(3))
    one, two = thicken(pictures, torch.tensor([1.0])), thicken(pictures, torch.tensor([2.0]))
    torch.testing.assert_close(thicken(pictures, torch.tensor([1.25])), 0.75 * one + 0.25 * two)
    torch.testing.assert_close(thicken(pictures, torch.tensor([0.5])), 0.5 * pictures + 0.5 * one)
    torch.testing.assert_close(thicken(pictures, torch.tensor([0.0])), pictures)


def test_thicken_takes_each_sample_s_own_amount() -> None:
    pictures = torch.rand(3, 1, 8, 8, generator=torch.Generator().manual_seed(4))
    amounts = torch.tensor([0.4, -2.0, 1.0])
    together = thicken(pictures, amounts)
    for row in range(3):
        torch.testing.assert_close(together[row : row + 1], thicken(pictures[row : row + 1], amounts[row : row + 1]))
