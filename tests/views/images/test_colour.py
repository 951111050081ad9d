from __future__ import annotations

import colorsys

import pytest
import torch
from torch import Tensor

from contrapose.views.images.colour import GREY, apply_colour, colour_matrix, hue_matrix, mean_grey


@pytest.fixture
def images() -> Tensor:
    return torch.rand(4, 3, 6, 5, generator=torch.Generator().manual_seed(0))


def luma(images: Tensor) -> Tensor:
    return (images * torch.tensor(GREY)[:, None, None]).sum(dim=1, keepdim=True)  # (B, 1, H, W)


def changed(images: Tensor, grey: Tensor | None = None, **factors: float) -> Tensor:
    neutral = {"brightness": 1.0, "contrast": 1.0, "saturation": 1.0, "hue": 0.0} | factors
    numbers = {name: torch.full((len(images),), value) for name, value in neutral.items()}
    return apply_colour(images, colour_matrix(**numbers, mean=mean_grey(images), grey=grey))


def test_neutral_numbers_change_nothing(images: Tensor) -> None:
    torch.testing.assert_close(changed(images), images)


def test_brightness_multiplies(images: Tensor) -> None:
    torch.testing.assert_close(changed(images, brightness=0.3), images * 0.3)


def test_contrast_blends_with_the_mean_grey(images: Tensor) -> None:
    mean = luma(images).mean(dim=(1, 2, 3), keepdim=True)
    torch.testing.assert_close(changed(images, contrast=1.7), 1.7 * images - 0.7 * mean)
    torch.testing.assert_close(changed(images, contrast=0.0), mean.expand_as(images))


def test_contrast_comes_after_brightness(images: Tensor) -> None:
    torch.testing.assert_close(
        changed(images, brightness=0.5, contrast=1.4), changed(changed(images, brightness=0.5), contrast=1.4)
    )


def test_saturation_blends_with_the_grey_picture(images: Tensor) -> None:
    torch.testing.assert_close(changed(images, saturation=0.4), 0.4 * images + 0.6 * luma(images))
    torch.testing.assert_close(changed(images, saturation=0.0), luma(images).expand_as(images))


def test_a_third_of_a_turn_cycles_the_channels(images: Tensor) -> None:
    torch.testing.assert_close(changed(images, hue=1 / 3), images.roll(1, dims=1), atol=1e-5, rtol=0)
    torch.testing.assert_close(changed(images, hue=-1 / 3), images.roll(-1, dims=1), atol=1e-5, rtol=0)
    torch.testing.assert_close(changed(images, hue=1.0), images, atol=1e-5, rtol=0)


def test_hue_at_a_third_is_the_hsv_hue() -> None:
    red, green, blue = 0.8, 0.3, 0.1
    hue, saturation, value = colorsys.rgb_to_hsv(red, green, blue)
    expected = colorsys.hsv_to_rgb((hue + 1 / 3) % 1, saturation, value)
    pixel = torch.tensor([red, green, blue]).view(1, 3, 1, 1)
    assert changed(pixel, hue=1 / 3).flatten().tolist() == pytest.approx(expected, abs=1e-5)


def test_hue_is_a_rotation_about_grey() -> None:
    turn = hue_matrix(torch.tensor([0.13, -0.4]))
    torch.testing.assert_close(turn @ turn.transpose(1, 2), torch.eye(3).expand(2, 3, 3), atol=1e-6, rtol=0)
    torch.testing.assert_close(torch.linalg.det(turn), torch.ones(2))
    torch.testing.assert_close(turn @ torch.ones(3), torch.ones(2, 3))


def test_the_order_is_brightness_contrast_saturation_hue(images: Tensor) -> None:
    step = changed(images, brightness=1.2)
    step = changed(step, contrast=0.6)
    step = changed(step, saturation=1.5)
    step = changed(step, hue=0.1)
    joined = changed(images, brightness=1.2, contrast=0.6, saturation=1.5, hue=0.1)
    torch.testing.assert_close(joined, step, atol=1e-5, rtol=0)


def test_grey_comes_last_and_only_where_chosen(images: Tensor) -> None:
    grey = torch.tensor([True, False, True, False])
    coloured = changed(images, hue=0.2, saturation=1.4)
    result = changed(images, grey, hue=0.2, saturation=1.4)
    torch.testing.assert_close(result[grey], luma(coloured).expand_as(coloured)[grey], atol=1e-6, rtol=0)
    torch.testing.assert_close(result[~grey], coloured[~grey])


def test_each_sample_has_its_own_matrix(images: Tensor) -> None:
    generator = torch.Generator().manual_seed(1)
    numbers = [torch.rand(4, generator=generator) + 0.5 for _ in range(3)]
    hue = torch.rand(4, generator=generator) - 0.5
    together = apply_colour(images, colour_matrix(*numbers, hue, mean_grey(images)))
    for row in range(4):
        one = slice(row, row + 1)
        single = [values[one] for values in (*numbers, hue)]
        alone = apply_colour(images[one], colour_matrix(*single, mean_grey(images[one])))
        torch.testing.assert_close(together[one], alone)


def test_mean_grey_of_other_channel_counts_is_the_plain_mean() -> None:
    images = torch.rand(2, 5, 4, 4)
    torch.testing.assert_close(mean_grey(images), images.mean(dim=(1, 2, 3)))
