from __future__ import annotations

import dataclasses
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contrapose.errors import ArgumentError
from contrapose.views import RECIPES, ImageViews
from contrapose.views.images.bounds import WHOLE

NAMES = [field.name for field in dataclasses.fields(ImageViews)]


@pytest.mark.parametrize("recipe", ["auto", *RECIPES])
@pytest.mark.parametrize("channels", [1, 2, 3, 5])
@pytest.mark.parametrize("image_size", [1, 28, 32, 64, 224])
def test_every_recipe_sets_every_field_and_once_is_enough(recipe: Any, channels: int, image_size: int) -> None:
    resolved = ImageViews(recipe=recipe).resolve(channels, image_size)
    assert [name for name in NAMES if getattr(resolved, name) is None] == []
    assert resolved.resolve(channels, image_size) == resolved
    assert resolved.size == image_size


def test_auto_goes_by_the_channels() -> None:
    assert ImageViews().resolve(3, 32).recipe == "natural"
    assert ImageViews().resolve(1, 32).recipe == "strokes"
    other = ImageViews().resolve(4, 32)
    assert other.recipe == "natural"
    assert other.crop_scale_min == ImageViews().resolve(3, 32).crop_scale_min
    assert (other.colour_probability, other.brightness, other.grey_probability) == (0, 0, 0)


def test_small_pictures_have_half_the_colour_and_no_blur() -> None:
    small, large = ImageViews().resolve(3, 32), ImageViews().resolve(3, 224)
    assert (small.brightness, small.saturation, small.hue) == (0.4, 0.4, 0.1)
    assert (large.brightness, large.saturation, large.hue) == (0.8, 0.8, 0.2)
    assert small.flip_probability == large.flip_probability == 0.5
    assert (small.blur_probability, large.blur_probability) == (0, 0.5)
    assert (small.crop_scale_min, large.crop_scale_min) == (0.2, 0.08)


def test_the_size_of_the_view_decides_not_that_of_the_picture() -> None:
    assert ImageViews(size=32).resolve(3, 224).blur_probability == 0


def test_small_views_take_swav_s_ranges() -> None:
    options = ImageViews(small_count=6).resolve(3, 224)
    assert (options.crop_scale_min, options.small_size) == (0.14, 96)
    assert (options.small_crop_scale_min, options.small_crop_scale_max) == (0.05, 0.14)


def test_strokes_are_neither_flipped_nor_coloured_nor_cropped() -> None:
    options = ImageViews().resolve(1, 35)
    assert (options.flip_probability, options.colour_probability, options.crop_scale_min) == (0, 0, 1)
    assert options.number("elastic_strength") > 0
    assert options.number("rotation_degrees") > 0


def test_what_is_given_stays() -> None:
    given_options = ImageViews(recipe="strokes", flip_probability=0.25, elastic_cells=7, padding="zeros")
    options = given_options.resolve(1, 35)
    assert (options.flip_probability, options.elastic_cells, options.padding) == (0.25, 7, "zeros")


@settings(max_examples=30, deadline=None)
@given(
    name=st.sampled_from([name for name in NAMES if name.endswith("_probability")]),
    value=st.floats(allow_nan=True, allow_infinity=True),
)
def test_probabilities_are_shares(name: str, value: float) -> None:
    if 0 <= value <= 1:
        assert getattr(ImageViews(**{name: value}), name) == value
    else:
        with pytest.raises(ArgumentError, match=f"{name} is .*at least 0 and at most 1"):
            ImageViews(**{name: value})


@settings(max_examples=30, deadline=None)
@given(
    pair=st.sampled_from([name.removesuffix("_min") for name in NAMES if name.endswith("_min") and name not in WHOLE]),
    low=st.floats(0.01, 1),
    high=st.floats(0.01, 1),
)
def test_pairs_are_in_order(pair: str, low: float, high: float) -> None:
    values = {f"{pair}_min": low, f"{pair}_max": high}
    if low <= high:
        assert ImageViews(**values)
    else:
        with pytest.raises(ArgumentError, match=f"{pair}_min is .*{pair}_max"):
            ImageViews(**values)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"count": 0}, "count is 0; it must be at least 1"),
        ({"count": 2.0}, "whole number"),
        ({"count": True}, "must be a number"),
        ({"size": -4}, "size is -4"),
        ({"hue": 0.6}, "hue is 0.6; it must be at least 0 and at most 0.5"),
        ({"crop_scale_min": 0.0}, "crop_scale_min is 0; it must be above 0 and at most 1"),
        ({"zoom_min": -1.0}, "zoom_min is -1; it must be above 0"),
        ({"brightness": float("nan")}, "brightness is nan"),
        ({"blur_sigma_max": float("inf")}, "blur_sigma_max is inf"),
        ({"rotation_degrees": "a lot"}, "rotation_degrees is 'a lot'; it must be a number"),
        ({"recipe": "strokess"}, "Did you mean 'strokes'"),
        ({"padding": "mirror"}, "zeros, border, reflection"),
        ({"weak_count": 3}, "weak_count is 3, of only 2 views"),
        ({"weak_count": -1}, "weak_count is -1; it must be at least 0"),
        ({"elastic_cells": 1}, "elastic_cells is 1; it must be at least 2"),
    ],
)
def test_a_bad_value_is_named(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        ImageViews(**values)


def test_a_value_that_crosses_the_recipe_s_is_named() -> None:
    with pytest.raises(ArgumentError, match=r"crop_scale_min is 0\.2, above crop_scale_max, which is 0\.1"):
        ImageViews(crop_scale_max=0.1).resolve(3, 32)


@pytest.mark.parametrize("name", ["saturation", "hue", "grey_probability"])
def test_colour_needs_three_channels(name: str) -> None:
    with pytest.raises(ArgumentError, match=f"{name} is 0.5, but colour needs 3 channels; the pictures have 1"):
        ImageViews(recipe="natural", **{name: 0.5}).resolve(1, 32)
    assert ImageViews(recipe="natural").resolve(1, 32).number("contrast") > 0


@pytest.mark.parametrize(("channels", "image_size"), [(0, 32), (3, 0), (3, -1)])
def test_a_picture_has_channels_and_a_size(channels: int, image_size: int) -> None:
    with pytest.raises(ArgumentError, match="at least 1"):
        ImageViews().resolve(channels, image_size)


def test_the_options_need_no_torch() -> None:
    make = "from contrapose.views import ImageViews; ImageViews().resolve(3, 32)"
    script = f"import sys; {make}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert "contrapose.views.images.options" in done.stdout.split()
    assert "torch" not in done.stdout.split()


def test_the_command_line_takes_them() -> None:
    import tyro

    options = tyro.cli(ImageViews, args=["--recipe", "natural", "--crop-scale-min", "0.3", "--small-count", "4"])
    assert options == ImageViews(recipe="natural", crop_scale_min=0.3, small_count=4)


def test_every_option_has_a_help_text() -> None:
    import inspect

    source = inspect.getsource(ImageViews)
    for name in NAMES:
        field = source.index(f"\n    {name}: ")
        assert source[field:].split("\n")[2].startswith('    """'), name
