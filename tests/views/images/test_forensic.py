"""Forensic views: cut out without resizing, turned by quarters, and degraded in one of three ways."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from contrapose.errors import ArgumentError, OptionError
from contrapose.recompression import recompressed
from contrapose.views import ImageViews, ViewGenerator
from contrapose.views.images.draw import UniformTable, draw_view
from contrapose.views.images.forensic import BLUR, JPEG, NOISE, NOTHING, WEBP, degrade, draw_degradation, draw_turns

STILL: dict[str, Any] = {
    "recipe": "forensic",
    "degrade_probability": 0.0,
    "flip_probability": 0.0,
    "quarter_turn_probability": 0.0,
}


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def some(batch: int = 6, channels: int = 3, side: int = 16) -> Tensor:
    return torch.randint(0, 256, (batch, channels, side, side), dtype=torch.uint8, generator=seeded(9))


def smooth(batch: int, channels: int = 3, side: int = 16) -> Tensor:
    """Mid-grey slopes: pictures that lossy files keep well, and noise does not leave [0, 1] on."""
    slope = torch.linspace(0.3, 0.7, side)
    return slope.expand(batch, channels, side, side).contiguous()


def test_a_crop_by_pixels_holds_the_very_pixels_of_some_place() -> None:
    images = some(8)
    generate = ViewGenerator(ImageViews(**STILL, size=10, count=3), channels=3, image_size=16)
    places = set()
    for view in generate(images, generator=seeded()):
        for picture, whole in zip(view, images.float() / 255, strict=True):
            found = [
                (y, x) for y in range(7) for x in range(7) if torch.equal(picture, whole[:, y : y + 10, x : x + 10])
            ]
            assert len(found) == 1
            places.add(found[0])
    assert len(places) > 8
    (same,) = ViewGenerator(ImageViews(**STILL, count=1), channels=3, image_size=16)(images)
    assert torch.equal(same, images.float() / 255)


def test_every_place_of_a_crop_comes_about_equally_often() -> None:
    options = ImageViews(**STILL, size=10).resolve(3, 16)
    matrix = draw_view(options, 7_000, 1.5, sides=(12, 16), generator=seeded()).matrix
    assert matrix is not None
    x = ((matrix[:, 0, 2] + 1) * 16 - 10) / 2  # the left edge, in pixels
    y = ((matrix[:, 1, 2] + 1) * 12 - 10) / 2
    for edge, places in ((x, 7), (y, 3)):
        assert torch.allclose(edge, edge.round(), atol=1e-4)
        counts = torch.bincount(edge.round().long(), minlength=places)
        assert len(counts) == places
        assert counts.min() > 0.85 * 7_000 / places


def test_a_smaller_picture_is_padded_and_not_enlarged() -> None:
    images = some(2, side=6)
    (view,) = ViewGenerator(ImageViews(**STILL, size=10, count=1), channels=3, image_size=6)(images)
    assert torch.allclose(view[:, :, 2:8, 2:8], images.float() / 255, atol=1e-5)
    assert torch.allclose(view[:, :, 1, 2:8], view[:, :, 2, 2:8], atol=1e-5)  # reflected at the edge
    (black,) = ViewGenerator(ImageViews(**STILL, size=10, count=1, padding="zeros"), channels=3, image_size=6)(images)
    assert not black[:, :, 0].any()


def test_turns_and_flips_move_pixels_and_mix_none() -> None:
    images = some(40)
    options = ImageViews(**{**STILL, "flip_probability": 0.5, "quarter_turn_probability": 1.0}, count=1)
    (view,) = ViewGenerator(options, channels=3, image_size=16)(images, generator=seeded())
    ways = set()
    for picture, whole in zip(view, images.float() / 255, strict=True):
        found = [
            (turns, flipped)
            for turns in range(4)
            for flipped in (False, True)
            if torch.equal(picture, (whole.flip(-1) if flipped else whole).rot90(turns, dims=(-2, -1)))
        ]
        ways.add(found[0])
    assert len(ways) == 8
    turns = draw_turns(9_000, 0.33, generator=seeded())
    assert turns is not None
    shares = torch.bincount(turns, minlength=4) / 9_000
    assert shares[1:].tolist() == pytest.approx([0.0825] * 3, abs=0.01)


def test_one_of_three_ways_is_drawn_with_its_strengths() -> None:
    options = ImageViews(recipe="forensic").resolve(3, 32)
    drawn = draw_degradation(options, 30_000, generator=seeded())
    assert drawn is not None
    done, strength, seeds = drawn.unbind(1)
    shares = torch.bincount(done.long(), minlength=5) / 30_000
    assert shares.tolist() == pytest.approx([1 / 2, 1 / 12, 1 / 12, 1 / 6, 1 / 6], abs=0.01)
    for number, (low, high) in {JPEG: (50, 95), WEBP: (50, 95), BLUR: (0.8, 1.4), NOISE: (3, 10)}.items():
        own = strength[done == number]
        assert float(own.min()) == pytest.approx(low, abs=0.02)
        assert float(own.max()) == pytest.approx(high, abs=0.02)
    stored = strength[done == JPEG]
    assert torch.equal(stored, stored.round())
    assert len(stored.unique()) == 46
    assert len(seeds.unique()) > 29_900
    alone = draw_degradation(
        ImageViews(recipe="forensic", degrade_format="webp").resolve(3, 32), 99, generator=seeded()
    )
    assert alone is not None
    assert JPEG not in alone[:, 0]
    assert draw_degradation(ImageViews(**STILL).resolve(3, 32), 9, generator=seeded()) is None


@pytest.mark.parametrize("channels", [1, 3])
def test_each_way_does_what_it_says(channels: int) -> None:
    views = smooth(5, channels, 32)
    numbers = torch.tensor([[NOTHING, 0, 1], [JPEG, 60, 2], [WEBP, 60, 3], [BLUR, 1.0, 4], [NOISE, 9.0, 5]]).double()
    found = degrade(views.clone(), numbers)
    assert torch.equal(found[0], views[0])
    for row, format in ((1, "jpeg"), (2, "webp")):
        stored = recompressed((views[row] * 255).round().byte().numpy(), quality=60, format=format)  # type: ignore[arg-type]
        assert torch.equal(found[row], torch.from_numpy(stored).float() / 255)
        assert 0 < float((found[row] - views[row]).abs().max()) < 0.1
    assert float(found[3].std()) < float(views[3].std())
    noise = (found[4] - views[4]) * 255
    assert float(noise.std()) == pytest.approx(3, rel=0.05 if channels == 3 else 0.1)
    again = degrade(views.clone(), numbers)
    assert torch.equal(found, again)
    other = numbers.clone()
    other[4, 2] = 6
    assert not torch.equal(degrade(views.clone(), other)[4], found[4])


def test_views_are_a_function_of_the_generator_and_weak_ones_are_not_degraded() -> None:
    options = ImageViews(recipe="forensic", degrade_probability=1.0, count=2, weak_count=1)
    generate = ViewGenerator(options, channels=3, image_size=16)
    one, two, other = (generate(some(), generator=seeded(seed)) for seed in (1, 1, 2))
    assert all(torch.equal(a, b) for a, b in zip(one, two, strict=True))
    assert not torch.equal(one[0], other[0])
    assert float(one[0].min()) >= 0
    assert float(one[0].max()) <= 1
    levels = one[1] * 255
    assert torch.allclose(levels, levels.round(), atol=1e-3)


def test_turned_views_are_no_boxes_and_crops_by_pixels_are() -> None:
    with pytest.raises(OptionError, match="quarter_turn_probability"):
        ViewGenerator(ImageViews(recipe="forensic", size=8), channels=3, image_size=16, boxes=True)
    views: Any = ViewGenerator(ImageViews(**STILL, size=8, count=1), channels=3, image_size=16, boxes=True)(some())
    edges = views.boxes * 16  # (1, B, 4) left, top, right, bottom
    assert torch.allclose(edges, edges.round(), atol=1e-4)
    assert torch.allclose(edges[..., 2:] - edges[..., :2], torch.tensor(8.0))


def test_what_is_off_draws_no_numbers() -> None:
    usual, forensic = (
        draw_view(ImageViews(recipe="natural", **more).resolve(3, 32), 5, 1.0, generator=seeded(), sides=(32, 32))
        for more in ({}, {"degrade_probability": 1.0, "quarter_turn_probability": 1.0})
    )
    assert usual.degradation is None
    assert usual.turns is None
    assert torch.equal(usual.matrix, forensic.matrix)  # type: ignore[arg-type]
    options, kept = ImageViews(recipe="natural").resolve(3, 32), []
    for off in (options, ImageViews(recipe="natural", degrade_quality_min=60).resolve(3, 32)):
        generator = seeded()
        draw_view(off, 5, 1.0, generator=generator)
        kept.append(generator.get_state())
    assert torch.equal(*kept)  # what comes after is as it was before there were such options
    generator = seeded()
    UniformTable(5, generator)
    assert torch.equal(generator.get_state(), kept[0])


@pytest.mark.parametrize(
    ("options", "channels", "words"),
    [
        ({"crop": "box"}, 3, "crop is 'box'; it must be one of resize, pixels"),
        ({"degrade_format": "png"}, 3, "both, jpeg, webp"),
        ({"degrade_quality_min": 96}, 3, "degrade_quality_min is 96, above|at most 95|above degrade_quality_max"),
        ({"degrade_quality_max": 101}, 3, "at most 100"),
        ({"degrade_probability": 0.5}, 4, "a lossy file holds pictures of 1 or 3 channels; these have 4"),
    ],
)
def test_options_out_of_range_are_refused(options: dict[str, Any], channels: int, words: str) -> None:
    with pytest.raises(OptionError, match=words):
        ImageViews(recipe="forensic", **options).resolve(channels, 32)


def test_a_file_is_of_bytes_of_one_or_three_channels_in_a_known_format() -> None:
    picture = some(1)[0].numpy()
    kept = recompressed(picture, quality=100)
    assert kept.shape == picture.shape
    assert kept.dtype == np.uint8
    for given, how, words in (
        (picture[:2], {"quality": 50}, "1 or 3 channels"),
        (picture / 255, {"quality": 50}, "Only uint8"),
        (picture, {"quality": 0}, "quality 1 to 100"),
        (picture, {"quality": 50, "format": "gif"}, "jpeg or webp"),
    ):
        with pytest.raises(ArgumentError, match=words):
            recompressed(given, **how)
