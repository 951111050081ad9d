"""Triggers: what they change, by how much, and that they are the same every time."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.robustness import TRIGGERS, largest_change, peak_ratio, trigger
from contrapose.robustness.triggers import badnets, blended, checkerboard, sinusoid, warp, warp_field

NAMES = pytest.mark.parametrize("name", list(TRIGGERS))


def pictures(count: int = 4, size: int = 16, *, smooth: bool = False, dtype: torch.dtype = torch.float32) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    if not smooth:
        return torch.rand(count, 3, size, size, generator=generator, dtype=dtype)
    coarse = torch.rand(count, 3, 4, 4, generator=generator, dtype=dtype)
    return torch.nn.functional.interpolate(coarse, size=(size, size), mode="bilinear", align_corners=True)


@NAMES
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_it_is_the_same_every_time_and_stays_a_picture(name: str, dtype: torch.dtype) -> None:
    mark, x = trigger(name, channels=3, image_size=16, seed=3), pictures(dtype=dtype)
    before = x.clone()
    changed = mark(x)
    assert (changed.shape, changed.dtype) == (x.shape, torch.float32)
    assert float(changed.min()) >= 0
    assert float(changed.max()) <= 1
    assert torch.equal(x, before)
    assert not torch.equal(changed, x.float())
    again = trigger(**dict(mark.form))
    assert torch.equal(again(x), changed)
    torch.testing.assert_close(mark(x[1:2]), changed[1:2])  # alike for each picture, whatever stands beside it
    assert name in mark.in_words()


@pytest.mark.parametrize("name", ["blended", "wanet"])
def test_what_is_drawn_is_drawn_from_the_seed(name: str) -> None:
    one, other = (trigger(name, channels=3, image_size=16, seed=seed) for seed in (0, 1))
    assert not torch.equal(one(pictures()), other(pictures()))


@pytest.mark.parametrize("corner", ["upper left", "upper right", "lower left", "lower right"])
def test_badnets_covers_a_corner_and_nothing_else(corner: str) -> None:
    x = pictures()
    changed = badnets(x, checkerboard(3, 4), corner=corner, margin=1)
    rows = slice(1, 5) if corner.startswith("upper") else slice(11, 15)
    columns = slice(1, 5) if corner.endswith("left") else slice(11, 15)
    assert torch.equal(changed[:, :, rows, columns], checkerboard(3, 4).expand(4, 3, 4, 4))
    outside = torch.ones(16, 16, dtype=torch.bool)
    outside[rows, columns] = False
    assert torch.equal(changed[..., outside], x[..., outside])


def test_the_usual_square_is_that_of_the_papers() -> None:
    for size, side in ((224, 16), (28, 3), (32, 3)):
        changed = badnets(torch.full((1, 1, size, size), 0.5))
        assert int((changed != 0.5).sum()) == side * side
    assert torch.equal(checkerboard(1, 3)[0], torch.tensor([[1.0, 0, 1], [0, 1, 0], [1, 0, 1]]))


def test_blended_mixes_and_changes_no_value_by_more_than_its_share() -> None:
    white, black = torch.ones(2, 1, 8, 8), torch.zeros(1, 8, 8)
    torch.testing.assert_close(blended(white, black, share=0.2), torch.full((2, 1, 8, 8), 0.8))
    x, pattern = pictures(), pictures(1)[0]
    torch.testing.assert_close(blended(x, pattern, share=0.3), 0.7 * x + 0.3 * pattern)
    assert float(largest_change(blended(x, pattern, share=0.1), x).max()) <= 0.1
    assert torch.equal(blended(x, pattern, share=1.0), pattern.expand_as(x))


def test_stripes_are_upright_and_as_strong_as_said() -> None:
    grey = torch.full((1, 2, 8, 48), 0.5)
    change = sinusoid(grey, strength=0.1, waves=6) - grey
    assert torch.equal(change, change[:, :1, :1].expand_as(change))
    torch.testing.assert_close(change[0, 0, 0, :8], 0.1 * (torch.arange(8) * math.pi / 4).sin())
    assert float(change.square().mean().sqrt()) == pytest.approx(0.1 / math.sqrt(2), rel=1e-4)
    assert float(peak_ratio(sinusoid(grey), grey)) == pytest.approx(-20 * math.log10(20 / 255 / math.sqrt(2)), rel=1e-4)


def test_warping_by_whole_pixels_moves_the_picture() -> None:
    x, still = pictures(), torch.zeros(2, 16, 16)
    torch.testing.assert_close(warp(x, still), x, rtol=0, atol=1e-5)
    right = still.clone()
    right[0] = 1.0
    torch.testing.assert_close(warp(x, right)[..., :-1], x[..., 1:], rtol=0, atol=1e-5)
    torch.testing.assert_close(warp(x, right.flip(0))[:, :, :-1], x[:, :, 1:], rtol=0, atol=1e-5)
    torch.testing.assert_close(warp(x, right)[..., -1], x[..., -1])  # beyond the border as at it


def test_a_warp_is_small_and_nearly_undone_by_its_opposite() -> None:
    field = warp_field(32, generator=torch.Generator().manual_seed(0))
    corners = field[:, [0, 0, -1, -1], [0, -1, 0, -1]]  # control points as they were drawn
    assert float(corners.abs().max()) <= 0.5 * 4  # |P| / mean |P| of a uniform draw
    assert 0.2 < float(field.abs().mean()) < 0.8
    x = pictures(size=32, smooth=True)
    bent = warp(x, field)
    back = warp(bent, -field)
    inner = (..., slice(2, -2), slice(2, -2))
    assert float((back[inner] - x[inner]).abs().mean()) < 0.25 * float((bent[inner] - x[inner]).abs().mean())
    assert float(peak_ratio(bent, x).min()) > 25  # decibels: hard to see


def test_how_much_was_changed() -> None:
    x = torch.full((2, 1, 4, 4), 0.5)
    other = x.clone()
    other[1] += 0.1
    other[1, 0, 0, 0] = 0.8
    torch.testing.assert_close(largest_change(x, other), torch.tensor([0.0, 0.3]))
    assert float(peak_ratio(x, x)[0]) == math.inf
    assert float(peak_ratio(x, x + 0.1)[0]) == pytest.approx(20, abs=1e-4)


@pytest.mark.parametrize(
    ("name", "options", "told"),
    [
        ("badnet", {}, "Did you mean 'badnets'"),
        ("badnets", {"share": 0.1}, "has no option 'share'"),
        ("badnets", {"corner": "middle"}, "corner must be one of upper left"),
        ("badnets", {"side": 17}, "do not fit into 16 x 16"),
        ("badnets", {"side": 14, "margin": 4}, "do not fit into 16 x 16"),
        ("blended", {"share": 0.0}, "share must be above 0"),
        ("sig", {"strength": 2.0}, "strength must be above 0"),
        ("sig", {"waves": 9}, "at most 8, half of 16 columns"),
        ("wanet", {"cells": 1}, "cells must be at least 2"),
        ("wanet", {"strength": 0}, "strength must be above 0 pixels"),
    ],
)
def test_bad_options_are_refused_before_pictures_are_read(name: str, options: dict[str, Any], told: str) -> None:
    with pytest.raises(ArgumentError, match=told):
        trigger(name, channels=3, image_size=16, **options)


@NAMES
def test_pictures_that_are_none_are_refused(name: str) -> None:
    mark = trigger(name, channels=3, image_size=16)
    for wrong, told in (
        (2 * pictures() - 1, r"must lie in \[0, 1\]"),
        (pictures() * math.nan, r"must lie in \[0, 1\]"),
        ((pictures() * 255).to(torch.uint8), "Divide bytes by 255"),
        (pictures()[0], r"must be of shape \(B, C, H, W\)"),
    ):
        with pytest.raises(ArgumentError, match=told):
            mark(wrong)
