from __future__ import annotations

import dataclasses
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from contrapose.views.images.draw import ViewNumbers, draw_view
from contrapose.views.images.options import ImageViews


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def crops(
    options: ImageViews, batch: int, aspect: float = 1.0, **kwargs: bool
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Centres and sides of the crop boxes, read off the matrices of a recipe that only crops."""
    matrix = draw_view(options, batch, aspect, generator=seeded(), **kwargs).matrix
    assert matrix is not None
    return matrix[:, 0, 2], matrix[:, 1, 2], matrix[:, 0, 0], matrix[:, 1, 1]


def test_nothing_is_drawn_for_what_is_off() -> None:
    assert draw_view(ImageViews(recipe="none").resolve(3, 32), 8, 1.0) == ViewNumbers()


@settings(max_examples=20, deadline=None)
@given(aspect=st.floats(0.4, 2.5), low=st.floats(0.05, 0.9), seed=st.integers(0, 100))
def test_crop_boxes_lie_inside_and_keep_their_area(aspect: float, low: float, seed: int) -> None:
    options = ImageViews(recipe="none", crop_scale_min=low, crop_scale_max=0.95).resolve(3, 32)
    matrix = draw_view(options, 200, aspect, generator=seeded(seed)).matrix
    assert matrix is not None
    x, y, width, height = matrix[:, 0, 2], matrix[:, 1, 2], matrix[:, 0, 0], matrix[:, 1, 1]
    assert (x.abs() + width).max() <= 1 + 1e-5
    assert (y.abs() + height).max() <= 1 + 1e-5
    ratio = width / height * aspect
    assert ratio.min() >= 3 / 4 - 1e-4
    assert ratio.max() <= 4 / 3 + 1e-4
    off_centre = (x != 0) | (y != 0)  # the others are the fallback in the middle
    area = (width * height)[off_centre]
    assert ((area >= low - 1e-4) & (area <= 0.95 + 1e-4)).all()


def test_crop_areas_and_ratios_are_uniform_and_log_uniform() -> None:
    options = ImageViews(recipe="none", crop_scale_min=0.1, crop_scale_max=0.5).resolve(3, 32)
    x, _, width, height = crops(options, 20_000)  # no box of these fails to fit
    area, log_ratio = width * height, (width / height).log()
    assert area.mean() == pytest.approx(0.3, abs=0.005)
    assert area.std() == pytest.approx(0.4 / math.sqrt(12), abs=0.005)
    assert log_ratio.mean() == pytest.approx(0.0, abs=0.01)
    assert log_ratio.std() == pytest.approx(2 * math.log(4 / 3) / math.sqrt(12), abs=0.005)
    place = x / (1 - width)  # uniform in [-1, 1]
    assert place.std() == pytest.approx(1 / math.sqrt(3), abs=0.01)


def test_a_crop_that_never_fits_is_the_largest_allowed_box() -> None:
    wide = ImageViews(recipe="none", crop_scale_min=0.99, crop_scale_max=0.999).resolve(3, 32)
    x, y, width, height = crops(wide, 50, aspect=4.0)  # at most 4/3 wide: a third of the width, all of the height
    assert torch.equal(x, torch.zeros(50))
    assert torch.equal(y, torch.zeros(50))
    torch.testing.assert_close(width, torch.full((50,), 1 / 3))
    torch.testing.assert_close(height, torch.ones(50))


def test_small_views_have_their_own_range() -> None:
    options = ImageViews(recipe="none", small_count=2, small_crop_scale_min=0.05, small_crop_scale_max=0.14)
    options = options.resolve(3, 224)
    x, _, width, height = crops(options, 500, small=True)
    assert ((width * height) <= 0.1401).all()
    assert x.std() > 0.1
    assert draw_view(options, 8, 1.0, generator=seeded()).matrix is None  # the full views stay uncropped


def test_moves_stay_within_their_limits() -> None:
    options = ImageViews(recipe="none", rotation_degrees=20, zoom_min=0.8, zoom_max=1.25, translation=0.1)
    matrix = draw_view(options.resolve(1, 32), 5000, 1.0, generator=seeded()).matrix
    assert matrix is not None
    angle = torch.rad2deg(torch.atan2(matrix[:, 1, 0], matrix[:, 1, 1]))
    zoom = torch.linalg.det(matrix[:, :, :2]).rsqrt()
    shift = -torch.linalg.solve(matrix[:, :, :2], matrix[:, :, 2:])[:, :, 0] / 2
    for values, low, high in ((angle, -20, 20), (zoom, 0.8, 1.25), (shift, -0.1, 0.1)):
        assert values.min() == pytest.approx(low, abs=0.02 * (high - low))
        assert values.max() == pytest.approx(high, abs=0.02 * (high - low))
        assert values.mean() == pytest.approx((low + high) / 2, abs=0.02 * (high - low))


def test_shear_stays_within_its_limit() -> None:
    options = ImageViews(recipe="none", shear_degrees=10).resolve(1, 32)
    matrix = draw_view(options, 5000, 1.0, generator=seeded()).matrix
    assert matrix is not None
    angle = torch.rad2deg(torch.atan(-matrix[:, 0, 1]))
    assert (float(angle.min()), float(angle.max())) == pytest.approx((-10, 10), abs=0.1)


def test_jitter_is_drawn_for_its_share_of_the_samples() -> None:
    options = ImageViews(
        recipe="none", colour_probability=0.8, brightness=0.4, contrast=1.5, saturation=0.2, hue=0.1
    ).resolve(3, 32)
    jitter = draw_view(options, 10_000, 1.0, generator=seeded()).jitter
    assert jitter is not None
    untouched = (jitter == torch.tensor([1.0, 1.0, 1.0, 0.0])).all(dim=1)
    assert untouched.float().mean() == pytest.approx(0.2, abs=0.02)
    low, high = jitter.aminmax(dim=0)
    assert low.tolist() == pytest.approx([0.6, 0.0, 0.8, -0.1], abs=0.01)  # a factor is never negative
    assert high.tolist() == pytest.approx([1.4, 2.5, 1.2, 0.1], abs=0.01)


def test_holes_have_the_area_asked_for() -> None:
    options = ImageViews(recipe="none", erase_probability=0.5, erase_scale_min=0.1, erase_scale_max=0.3)
    hole = draw_view(options.resolve(3, 64), 4000, 1.0, generator=seeded()).hole
    assert hole is not None
    top, left, height, width = hole.unbind(-1)
    made = height > 0
    assert made.float().mean() == pytest.approx(0.5, abs=0.03)
    area = (height * width)[made] / 64**2
    assert area.min() >= 0.1 - 1.5 / 64  # the sides are rounded to whole pixels
    assert area.max() <= 0.3 + 1.5 / 64
    assert area.mean() == pytest.approx(0.2, abs=0.01)
    assert ((top >= 0) & (left >= 0) & (top + height <= 64) & (left + width <= 64)).all()
    assert int((top + height).max()) == int((left + width).max()) == 64  # the last row and column are reached


def test_elastic_knots_have_the_strength_asked_for() -> None:
    options = ImageViews(recipe="none", elastic_strength=0.03, elastic_cells=6).resolve(1, 32)
    knots = draw_view(options, 2000, 1.0, generator=seeded()).knots
    assert knots is not None
    assert knots.shape == (2000, 2, 6, 6)
    assert knots.std() == pytest.approx(0.06, rel=0.02)  # the side is 2 in normalised units


def test_thickness_and_blur_and_chances() -> None:
    options = ImageViews(
        recipe="none", thickness_probability=0.5, thickness_pixels=0.8, blur_probability=0.3,
        grey_probability=0.2, solarize_probability=0.1,
    )  # fmt: skip
    numbers = draw_view(options.resolve(3, 32), 10_000, 1.0, generator=seeded())
    assert numbers.thickness is not None
    assert numbers.sigma is not None
    assert numbers.grey is not None
    assert numbers.solarize is not None
    assert (numbers.thickness == 0).float().mean() == pytest.approx(0.5, abs=0.02)
    assert numbers.thickness.min() == pytest.approx(-0.8, abs=0.01)
    assert numbers.thickness.max() == pytest.approx(0.8, abs=0.01)
    drawn = numbers.sigma[numbers.sigma > 0]
    assert len(drawn) == pytest.approx(3000, abs=200)
    assert (float(drawn.min()), float(drawn.max())) == pytest.approx((0.1, 2.0), abs=0.01)
    assert numbers.grey.float().mean() == pytest.approx(0.2, abs=0.02)
    assert numbers.solarize.float().mean() == pytest.approx(0.1, abs=0.02)


def test_switching_one_operation_leaves_the_numbers_of_the_others() -> None:
    plain = ImageViews(recipe="natural").resolve(3, 64)
    other = dataclasses.replace(plain, hue=0.0, blur_probability=1.0, erase_probability=0.5, elastic_strength=0.02)
    one, two = (draw_view(options, 50, 1.0, generator=seeded(7)) for options in (plain, other))
    assert one.matrix is not None
    assert two.matrix is not None
    assert torch.equal(one.matrix, two.matrix)
    assert one.jitter is not None
    assert two.jitter is not None
    assert torch.equal(one.jitter[:, :3], two.jitter[:, :3])
