"""Shared orientations: exact, the same in all views, and off unless asked for."""

from __future__ import annotations

import pytest
import torch

from contrapose.errors import ArgumentError
from contrapose.views import ImageViews, ViewGenerator
from contrapose.views.images.orientation import ORIENTATIONS, draw_orientations, orient


def test_the_eight_orientations_are_the_symmetries_of_the_square() -> None:
    picture = torch.arange(9.0).view(1, 1, 3, 3)
    turned = orient(picture.expand(ORIENTATIONS, 1, 3, 3), torch.arange(ORIENTATIONS))
    assert torch.equal(turned[0], picture[0])
    assert torch.equal(turned[1], picture[0].rot90(1, (-2, -1)))
    assert torch.equal(turned[4], picture[0].flip(-1))
    assert torch.equal(turned[7], picture[0].flip(-1).rot90(3, (-2, -1)))
    assert len({tuple(one.flatten().tolist()) for one in turned}) == ORIENTATIONS


def test_all_views_of_a_picture_share_its_orientation() -> None:
    pictures = torch.rand(64, 1, 8, 8)
    options = ImageViews(recipe="none", shared_orientation_probability=1.0, count=3)
    views = ViewGenerator(options, channels=1, image_size=8)(pictures, generator=torch.Generator().manual_seed(0))
    assert torch.equal(views[0], views[1])
    assert torch.equal(views[0], views[2])
    kept = (views[0] == pictures).flatten(1).all(1)
    assert 0 < kept.sum() < 24  # one in eight is left as it is


def test_orientations_are_uniform_and_come_from_the_generator() -> None:
    draw = [draw_orientations(8000, 1.0, generator=torch.Generator().manual_seed(1)) for _ in range(2)]
    assert torch.equal(*draw)
    counts = torch.bincount(draw[0], minlength=8)
    assert counts.min() > 900
    assert not draw_orientations(100, 0.0).any()


def test_pictures_that_are_not_square_are_refused() -> None:
    with pytest.raises(ArgumentError, match="4 x 6"):
        orient(torch.rand(1, 1, 4, 6), torch.zeros(1, dtype=torch.long))
