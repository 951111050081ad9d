"""Seeds of ascents: smooth fields, pictures with their parts mixed up, and pictures in the form of others."""

from __future__ import annotations

import numpy as np
import pytest

from contrapose.data import Images, in_form_of, patch_shuffled
from contrapose.data.images.made import fields
from contrapose.errors import ArgumentError


def pictures(side: int, channels: int = 3, count: int = 6) -> Images:
    random = np.random.default_rng(0)
    return Images(random.integers(0, 256, (count, channels, side, side), dtype=np.uint8), origin="some")


def test_fields_change_slowly_and_are_even_in_their_corners() -> None:
    made = fields(400, channels=1, image_size=16, seed=1)
    pixels = made.pixels.astype(float)
    assert np.abs(np.diff(pixels, axis=3)).max() <= 255 * 3 / 15 + 1  # from cell to cell in 15 / 3 pixels
    corners = pixels[:, 0, ::15, ::15]
    assert abs(corners.mean() - 127.5) < 8
    assert corners.min() < 10
    assert corners.max() > 245
    assert made.labels is None


@pytest.mark.parametrize("side", [8, 14])
def test_patches_are_mixed_up_and_nothing_is_lost(side: int) -> None:
    images = pictures(side)
    mixed = patch_shuffled(images, seed=3)
    patch, edge = side // 4, side // 4 * 4

    def parts(pixels: np.ndarray) -> list[list[bytes]]:
        return [
            sorted(
                one[:, top : top + patch, left : left + patch].tobytes()
                for top in range(0, edge, patch)
                for left in range(0, edge, patch)
            )
            for one in pixels
        ]

    assert parts(mixed.pixels) == parts(images.pixels)
    assert (mixed.pixels != images.pixels).any(axis=(1, 2, 3)).all()
    assert (mixed.pixels[:, :, edge:] == images.pixels[:, :, edge:]).all()  # what is left over stays
    assert mixed.fingerprint == patch_shuffled(images, seed=3).fingerprint
    assert len(patch_shuffled(images, most=4)) == 4
    assert mixed.labels is None


def test_pictures_come_into_the_form_of_others() -> None:
    coloured, grey = pictures(12), pictures(8, channels=1)
    assert in_form_of(coloured, coloured) is coloured
    found = in_form_of(coloured, grey)
    assert found.shape == grey.shape
    back = in_form_of(grey, coloured)
    assert back.shape == coloured.shape
    assert (back.pixels[:, 0] == back.pixels[:, 2]).all()
    flat = Images(np.full((2, 3, 12, 12), 77, dtype=np.uint8))
    assert (in_form_of(flat, grey).pixels == 77).all()


def test_what_no_seeds_can_be_made_of_is_told() -> None:
    for call in (
        lambda: fields(0),
        lambda: fields(3, cells=1),
        lambda: fields(3, channels=2),
        lambda: fields(3, image_size=2),
    ):
        with pytest.raises(ArgumentError, match="Fields have a count"):
            call()
    for grid in (1, 9):
        with pytest.raises(ArgumentError, match="grid must be from 2 to the 8 pixels"):
            patch_shuffled(pictures(8), grid=grid)
