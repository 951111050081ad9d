"""Views made picture by picture along rows and columns are those of the reading of a grid, the matrix of colours and
the blur, one after the other."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from contrapose.views import ImageViews, ViewGenerator
from contrapose.views.images import upright
from contrapose.views.images.batch import as_floats
from contrapose.views.images.colour import mean_grey, recolouring
from contrapose.views.images.draw import ViewNumbers, draw_view
from contrapose.views.images.filters import gaussian_blur
from contrapose.views.images.generator import render_view
from contrapose.views.images.geometry import warp
from contrapose.views.images.taps import Taps, bilinear_taps, filter_rows, gaussian_taps
from contrapose.views.images.upright import is_upright, render_upright


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def one_after_the_other(pictures: Tensor, numbers: ViewNumbers, size: int, padding: Any) -> Tensor:
    """The definition: what the numbers say by whole batches, in floats."""
    assert numbers.matrix is not None
    views = warp(as_floats(pictures), numbers.matrix, size=size, padding=padding)  # (B, C, S, S)
    if numbers.jitter is not None or numbers.grey is not None:
        linear, share = recolouring(numbers.jitter, numbers.grey, views.shape[1])  # (B, C, C), (B,)
        offset = (share * mean_grey(views))[:, None, None, None]  # (B, 1, 1, 1)
        views = torch.einsum("bij,bjhw->bihw", linear, views) + offset
    views = views.clamp(0, 1)
    return views if numbers.sigma is None else gaussian_blur(views, numbers.sigma)


@pytest.mark.parametrize("channels", [1, 3, 5])
@pytest.mark.parametrize("floats", [False, True])
@pytest.mark.parametrize(
    ("sides", "size", "moves"),
    [
        ((30, 30), 30, {}),
        ((20, 33), 24, {}),
        ((70, 65), 20, {}),  # halved, some of them twice
        ((24, 24), 24, {"zoom_min": 0.7, "zoom_max": 1.3, "translation": 0.2}),  # leaves the picture
    ],
    ids=["same size", "oblong", "smaller", "beyond"],
)
def test_views_are_those_of_whole_batches(
    channels: int, floats: bool, sides: tuple[int, int], size: int, moves: dict[str, float], monkeypatch: Any
) -> None:
    monkeypatch.setattr(upright, "_AT_ONCE", 3 * channels * max(sides[0] * sides[1], size**2))  # three at once
    images = torch.randint(0, 256, (11, channels, *sides), dtype=torch.uint8, generator=seeded())
    images = images.double() / 255 if floats else images
    for padding in ("zeros", "border", "reflection"):
        options = ImageViews(recipe="natural", size=size, padding=padding, blur_probability=0.5, **moves)  # type: ignore[arg-type]
        numbers = draw_view(options.resolve(channels, size), 11, sides[1] / sides[0], generator=seeded(1))
        made = render_upright(images, numbers, size=size, padding=padding)  # type: ignore[arg-type]
        expected = one_after_the_other(images, numbers, size, padding)
        # a grid in float32 says where to read to about 1e-6 of a side
        torch.testing.assert_close(made, expected, atol=2e-4, rtol=0)
        assert (made - expected).abs().mean() < 5e-6
        assert 0 <= made.min() <= made.max() <= 1


def test_a_view_does_not_depend_on_its_neighbours(monkeypatch: Any) -> None:
    images = torch.randint(0, 256, (9, 3, 64, 64), dtype=torch.uint8, generator=seeded())
    numbers = draw_view(ImageViews(recipe="natural").resolve(3, 64), 9, 1.0, generator=seeded(2))
    together = render_upright(images, numbers, size=64, padding="border")
    rows = torch.tensor([7, 2, 5])
    some = render_upright(images[rows], numbers.select(rows), size=64, padding="border")
    torch.testing.assert_close(some, together[rows], atol=1e-6, rtol=0)


def test_photos_are_made_so_and_other_views_are_not() -> None:
    photos = torch.zeros(4, 3, 64, 64, dtype=torch.uint8)
    natural = ImageViews(recipe="natural")
    numbers = draw_view(natural.resolve(3, 64), 4, 1.0, generator=seeded())
    assert is_upright(photos, numbers, 64)
    assert not is_upright(photos[..., :32, :32], numbers, 32)
    assert not is_upright(photos.to("meta"), numbers, 64)
    for turned in ({"rotation_degrees": 5.0}, {"shear_degrees": 5.0}, {"elastic_strength": 0.1}):
        options = dataclasses.replace(natural, **turned)  # type: ignore[arg-type]
        assert not is_upright(photos, draw_view(options.resolve(3, 64), 4, 1.0, generator=seeded()), 64)


@pytest.mark.parametrize("between", [{"quarter_turn_probability": 1.0}, {"thickness_probability": 1.0}])
def test_what_comes_between_reading_and_colour_stays_there(between: dict[str, float]) -> None:
    """The same photo as 64 pixels by this way and as floats on a grid by the other, everything else on."""
    options = ImageViews(recipe="natural", solarize_probability=0.5, erase_probability=0.5, **between).resolve(3, 64)  # type: ignore[arg-type]
    images = torch.rand(6, 3, 64, 64, generator=seeded())
    images = functional.avg_pool2d(images, 5, stride=1, padding=2)  # smooth: solarize is a step
    numbers = draw_view(options, 6, 1.0, generator=seeded(3))
    made = render_view(images, numbers, options)
    bent = dataclasses.replace(numbers, knots=torch.zeros(6, 2, 5, 5))  # bent by nothing: the way of the grid
    difference = (made - render_view(images, bent, options)).abs()
    assert (difference > 1e-3).float().mean() < 1e-3


def test_the_input_is_left_alone() -> None:
    images = torch.rand(4, 3, 64, 64, generator=seeded())
    kept = images.clone()
    ViewGenerator(ImageViews(recipe="natural"), channels=3, image_size=64)(images, generator=seeded())
    assert torch.equal(images, kept)


@pytest.mark.parametrize("padding", ["zeros", "border", "reflection"])
def test_bilinear_taps_are_those_of_a_grid(padding: Any) -> None:
    line = torch.rand(3, 1, 1, 9, generator=seeded())
    scale, shift = torch.tensor([0.5, -1.4, 3.2]), torch.tensor([0.1, 0.3, -0.6])
    places = (torch.arange(7) * 2 + 1) / 7 - 1  # (T,)
    grid = torch.stack([scale[:, None] * places + shift[:, None], torch.zeros(3, 7)], dim=-1)[:, None]  # (B, 1, T, 2)
    expected = functional.grid_sample(line, grid, padding_mode=padding, align_corners=False)[:, 0, 0]  # (B, T)
    found = filter_rows(line.view(3, 1, 9, 1), bilinear_taps(scale, shift, 9, 7, padding))[:, 0, :, 0]
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


def test_gaussian_taps_are_the_blur_s_and_no_width_is_no_blur() -> None:
    images = torch.rand(4, 2, 12, 12, generator=seeded())
    sigma = torch.tensor([0.0, 0.4, 1.3, 60.0])
    taps = gaussian_taps(sigma, 12)
    columns = filter_rows(images, taps)
    made = filter_rows(columns.transpose(2, 3).contiguous(), taps).transpose(2, 3)
    torch.testing.assert_close(made, gaussian_blur(images, sigma), atol=2e-6, rtol=0)
    assert torch.equal(made[0], images[0])


def test_taps_cut_to_a_reach_keep_the_middle() -> None:
    taps = Taps(torch.arange(5).expand(1, 3, 5), torch.arange(5.0).expand(1, 3, 5))
    assert taps.within(1).places.tolist() == [[[1, 2, 3]] * 3]
    assert taps.within(2).weights.shape == (1, 3, 5)
    assert Taps(torch.tensor([[[0, 1], [1, 2]]]), torch.tensor([[[0.5, 0.5], [1.0, 2.0]]])).totals(4).tolist() == [
        [0.5, 1.5, 2.0, 0.0]
    ]
