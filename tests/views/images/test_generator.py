from __future__ import annotations

import dataclasses
import re
from typing import Any

import pytest
import torch
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.views import RECIPES, ImageViews, ViewGenerator
from contrapose.views.images.draw import draw_view
from contrapose.views.images.generator import render_view
from contrapose.views.images.geometry import warp

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
EVERYTHING = ImageViews(
    recipe="natural", rotation_degrees=20, shear_degrees=10, translation=0.1, zoom_min=0.8, zoom_max=1.2,
    elastic_strength=0.02, blur_probability=0.5, solarize_probability=0.5, erase_probability=0.5,
    thickness_probability=0.5,
)  # fmt: skip


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def pictures(batch: int, channels: int, size: int, seed: int = 0) -> Tensor:
    return torch.randint(0, 256, (batch, channels, size, size), dtype=torch.uint8, generator=seeded(seed))


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("recipe", ["auto", *RECIPES])
@pytest.mark.parametrize("channels", [1, 3, 5])
@pytest.mark.parametrize("floats", [False, True])
def test_every_recipe_gives_float_views_in_range(recipe: Any, channels: int, floats: bool, device: str) -> None:
    images = pictures(6, channels, 20).to(device)
    images = images.double() / 255 if floats else images
    make = ViewGenerator(ImageViews(recipe=recipe, count=3), channels=channels, image_size=20)
    views = make(images, generator=seeded())
    assert len(views) == 3
    for view in views:
        assert (view.shape, view.dtype, view.device) == ((6, channels, 20, 20), torch.float32, images.device)
        assert view.min() >= 0
        assert view.max() <= 1
        assert view.is_contiguous()
    if recipe != "none":
        assert not torch.equal(views[0], views[1])


def test_everything_at_once_stays_in_range() -> None:
    make = ViewGenerator(EVERYTHING, channels=3, image_size=24)
    for view in make(pictures(64, 3, 24), generator=seeded()):
        assert view.isfinite().all()
        assert view.min() >= 0
        assert view.max() <= 1


def test_multi_crop_sizes_and_order() -> None:
    options = ImageViews(count=2, small_count=3, size=40, small_size=16)
    views = ViewGenerator(options, channels=3, image_size=64)(pictures(4, 3, 64), generator=seeded())
    assert [tuple(view.shape[-2:]) for view in views] == [(40, 40)] * 2 + [(16, 16)] * 3


def test_weak_views_are_cropped_and_flipped_and_nothing_else() -> None:
    """White pictures stay white under moves alone; and of these, nothing turns or slants."""
    options = dataclasses.replace(EVERYTHING, count=3, weak_count=1, small_count=1)
    make = ViewGenerator(options, channels=3, image_size=24)
    white = torch.full((16, 3, 24, 24), 255, dtype=torch.uint8)
    strong, other, weak, small = make(white, generator=seeded())
    torch.testing.assert_close(weak, torch.ones_like(weak), rtol=0, atol=1e-5)
    for changed in (strong, other, small):
        assert (changed < 0.9).flatten(1).any(dim=1).float().mean() > 0.5
    matrix = draw_view(make.options.weak(), 16, 1.0, generator=seeded()).matrix  # (B, 2, 3)
    assert matrix is not None
    assert matrix[:, [0, 1], [1, 0]].abs().max() == 0  # neither turned nor slanted
    assert 0 < matrix[:, 1, 1].min() < matrix[:, 1, 1].max() <= 1  # cropped
    assert (matrix[:, 0, 0] < 0).any()  # flipped
    assert (matrix[:, 0, 0] > 0).any()


def test_without_weak_views_the_others_stay_as_they_were() -> None:
    images = pictures(8, 3, 24)
    plain, mixed = (
        ViewGenerator(ImageViews(count=2, weak_count=weak), channels=3, image_size=24)(images, generator=seeded())
        for weak in (0, 1)
    )
    assert torch.equal(plain[0], mixed[0])
    assert not torch.equal(plain[1], mixed[1])


def test_the_generator_s_state_decides() -> None:
    make = ViewGenerator(EVERYTHING, channels=3, image_size=16)
    images = pictures(8, 3, 16)
    first, again, other = (make(images, generator=seeded(seed)) for seed in (1, 1, 2))
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not any(torch.equal(a, b) for a, b in zip(first, other, strict=True))


def test_the_global_generator_is_left_alone_when_one_is_given() -> None:
    before = torch.get_rng_state()
    ViewGenerator(EVERYTHING, channels=3, image_size=16)(pictures(8, 3, 16), generator=seeded())
    assert torch.equal(torch.get_rng_state(), before)


def test_without_a_generator_torch_s_own_is_used() -> None:
    make = ViewGenerator(channels=3, image_size=16)
    with torch.random.fork_rng():
        torch.manual_seed(5)
        first = make(pictures(4, 3, 16))
        torch.manual_seed(5)
        assert all(torch.equal(a, b) for a, b in zip(first, make(pictures(4, 3, 16)), strict=True))


def test_samples_do_not_touch_each_other() -> None:
    options = EVERYTHING.resolve(3, 18)
    images = pictures(12, 3, 18).float() / 255
    numbers = draw_view(options, 12, 1.0, generator=seeded())
    order = torch.randperm(12, generator=seeded(3))
    together = render_view(images, numbers, options)
    permuted = render_view(images[order], numbers.select(order), options)
    torch.testing.assert_close(permuted, together[order], atol=1e-5, rtol=0)
    alone = render_view(images[4:5], numbers.select(torch.tensor([4])), options)
    torch.testing.assert_close(alone, together[4:5], atol=1e-5, rtol=0)


def test_views_of_equal_pictures_differ_by_sample_and_by_view() -> None:
    images = pictures(1, 3, 16).expand(5, -1, -1, -1)
    one, two = ViewGenerator(channels=3, image_size=16)(images, generator=seeded())
    rows = torch.cat([one, two]).flatten(1)
    assert len(rows.unique(dim=0)) == 10


@pytest.mark.parametrize("recipe", ["none", "natural"])
def test_none_gives_exact_copies_of_its_own(recipe: Any) -> None:
    off = {} if recipe == "none" else {
        "crop_scale_min": 1.0, "flip_probability": 0.0, "colour_probability": 0.0, "grey_probability": 0.0,
    }  # fmt: skip
    images = torch.rand(3, 3, 9, 9)
    kept = images.clone()
    views = ViewGenerator(ImageViews(recipe=recipe, **off), channels=3, image_size=9)(images)
    assert all(torch.equal(view, images) for view in views)
    views[0].zero_()
    assert torch.equal(views[1], kept)
    assert torch.equal(images, kept)


def test_none_resizes_where_the_size_differs() -> None:
    images = torch.full((2, 1, 12, 8), 0.25)
    (view,) = ViewGenerator(ImageViews(recipe="none", count=1, size=5), channels=1, image_size=12)(images)
    torch.testing.assert_close(view, torch.full((2, 1, 5, 5), 0.25))


def test_pictures_need_not_be_square() -> None:
    images = torch.randint(0, 256, (4, 3, 20, 30), dtype=torch.uint8)
    views = ViewGenerator(channels=3, image_size=16)(images, generator=seeded())
    assert [tuple(view.shape) for view in views] == [(4, 3, 16, 16)] * 2


def luma(images: Tensor) -> Tensor:
    return (images * torch.tensor([0.299, 0.587, 0.114])[:, None, None]).sum(dim=1, keepdim=True)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"flip_probability": 1.0}, lambda x: x.flip(-1)),
        (
            {"solarize_probability": 1.0, "solarize_threshold": 0.4},
            lambda x: torch.where(x >= 0.4, 1 - x, x),
        ),
        ({"grey_probability": 1.0}, lambda x: luma(x).expand_as(x)),
    ],
)
def test_an_operation_that_always_happens(options: dict[str, float], expected: Any) -> None:
    images = torch.rand(5, 3, 8, 8)
    (view,) = ViewGenerator(ImageViews(recipe="none", count=1, **options), channels=3, image_size=8)(images)
    torch.testing.assert_close(view, expected(images), atol=1e-5, rtol=0)


def test_brightness_and_contrast_work_for_any_number_of_channels() -> None:
    options = ImageViews(recipe="none", count=1, colour_probability=1.0, brightness=0.1, contrast=0.4)
    images = 0.3 + 0.3 * torch.rand(5, 4, 8, 8)  # far enough from 0 and 1 not to be clipped
    (view,) = ViewGenerator(options, channels=4, image_size=8)(images, generator=seeded())
    jitter = draw_view(options.resolve(4, 8), 5, 1.0, generator=seeded()).jitter
    assert jitter is not None
    bright, contrast = (column[:, None, None, None] for column in jitter[:, :2].unbind(1))
    brightened = images * bright
    mean = brightened.mean(dim=(1, 2, 3), keepdim=True)
    torch.testing.assert_close(view, contrast * brightened + (1 - contrast) * mean)


def test_crops_read_the_same_with_the_cheaper_padding() -> None:
    images = torch.rand(32, 3, 16, 16)
    crop = {"recipe": "natural", "count": 1, "colour_probability": 0.0, "grey_probability": 0.0}
    reflected, bordered = (
        ViewGenerator(ImageViews(padding=padding, **crop), channels=3, image_size=16)(images, generator=seeded())[0]
        for padding in ("reflection", "border")
    )
    assert torch.equal(reflected, bordered)
    options = ImageViews(**crop).resolve(3, 16)
    numbers = draw_view(options, 32, 1.0, generator=seeded())
    assert numbers.matrix is not None
    by_reflection = warp(images, numbers.matrix, size=16, padding="reflection").clamp(0, 1)
    torch.testing.assert_close(reflected, by_reflection)


@pytest.mark.parametrize("padding", ["zeros", "border", "reflection"])
def test_a_view_that_leaves_the_picture_is_padded_as_asked(padding: Any) -> None:
    options = ImageViews(recipe="none", count=1, translation=0.5, padding=padding)
    images = torch.rand(8, 1, 16, 16)
    (view,) = ViewGenerator(options, channels=1, image_size=16)(images, generator=seeded())
    numbers = draw_view(options.resolve(1, 16), 8, 1.0, generator=seeded())
    assert numbers.matrix is not None
    torch.testing.assert_close(view, warp(images, numbers.matrix, size=16, padding=padding).clamp(0, 1))


def test_all_numbers_follow_the_pictures_to_their_device() -> None:
    """The meta device stands in for a GPU: whatever is left on the CPU cannot be joined with it."""
    options = dataclasses.replace(EVERYTHING, thickness_probability=0.0)  # its reach is read from the numbers
    for channels in (1, 3):
        images = torch.zeros(8, channels, 16, 16, dtype=torch.uint8, device="meta")
        for view in ViewGenerator(options, channels=channels, image_size=16)(images, generator=seeded()):
            assert view.device.type == "meta"


@pytest.mark.parametrize(
    ("images", "message"),
    [
        ([[1]], "images is a list; it must be a tensor"),
        (torch.zeros(3, 8, 8), "images has shape (3, 8, 8); it must be (B, C, H, W), none of them zero. Add"),
        (torch.zeros(0, 3, 8, 8), "images has shape (0, 3, 8, 8)"),
        (torch.zeros(2, 8, 8, 3), "Use images.permute(0, 3, 1, 2)"),
        (torch.zeros(2, 1, 8, 8), "images has 1 channels (shape (2, 1, 8, 8)), expected 3"),
        (torch.zeros(2, 3, 8, 8, dtype=torch.int64), "dtype torch.int64"),
        (torch.full((2, 3, 8, 8), 200.0), "Divide by 255"),
        (torch.full((2, 3, 8, 8), -1.0), "before any normalisation"),
        (torch.full((2, 3, 8, 8), float("nan")), "floats from nan to nan"),
    ],
)
def test_bad_pictures_are_explained(images: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=re.escape(message)):
        ViewGenerator(channels=3, image_size=8)(images)


def test_the_input_is_left_alone() -> None:
    images = torch.rand(8, 3, 12, 12)
    kept = images.clone()
    ViewGenerator(EVERYTHING, channels=3, image_size=12)(images, generator=seeded())
    assert torch.equal(images, kept)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_gives_the_same_views() -> None:
    make = ViewGenerator(EVERYTHING, channels=3, image_size=24)
    images = pictures(32, 3, 24)
    for here, there in zip(make(images, generator=seeded()), make(images.cuda(), generator=seeded()), strict=True):
        # solarize is a step: a rounding difference at its threshold moves single pixels
        assert ((here - there.cpu()).abs() > 1e-3).float().mean() < 1e-3
