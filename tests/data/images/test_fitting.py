from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from contrapose.data import Images, open_data
from contrapose.data.images.pixels.fitting import files_note, inner_size, padded
from contrapose.errors import ArgumentError


def opened(data: object, **options: object) -> Images:
    return open_data(data, progress=False, **options)


def test_what_cropping_loses_is_said_of_files_as_of_arrays(write_pictures: Callable[..., Path]) -> None:
    (said,) = opened(write_pictures("a.png", "b.png", width=80, height=20)).notes
    assert "2 of 2 pictures are not square" in said
    assert "lose 75% of their area on average, 2 of them more than a third" in said
    assert "--fit pad" in said
    (said,) = opened(np.zeros((2, 20, 80), np.uint8)).notes
    assert "cut to their central 20 x 20, which loses 75% of their area" in said


def test_photos_of_three_to_two_lose_no_more_than_a_third() -> None:
    said = files_note([(6000, 4000), (4000, 6000), (100, 100)], "crop")
    assert said is not None
    assert said.startswith("2 of 3 pictures are not square")
    assert "33%" in said
    assert "more than a third" not in said


def test_nothing_is_said_of_squares(write_pictures: Callable[..., Path]) -> None:
    assert opened(write_pictures("a.png")).notes == ()
    assert opened(write_pictures("a.png"), fit="pad").notes == ()


@pytest.mark.parametrize(("width", "height"), [(80, 20), (20, 80), (200, 50)])
def test_padding_agrees_for_files_and_arrays(write_pictures: Callable[..., Path], width: int, height: int) -> None:
    from PIL import Image

    folder = write_pictures("a.png", width=width, height=height)
    files = opened(folder, fit="pad", image_size=40)
    array = opened(np.asarray(Image.open(folder / "a.png"))[None], fit="pad", image_size=40)
    assert files.preparation.fit == array.preparation.fit == "pad"
    assert files.pixels.shape == array.pixels.shape == (1, 3, 40, 40)
    assert np.abs(files.pixels.astype(int) - array.pixels).mean() < 3
    assert "scaled whole and padded with the colour of their own edge" in files.notes[0]


def test_a_small_common_size_is_padded_without_resampling(write_pictures: Callable[..., Path]) -> None:
    from PIL import Image

    folder = write_pictures("a.png", "b.png", width=30, height=20)
    pixels = opened(folder, fit="pad").pixels
    assert pixels.shape == (2, 3, 30, 30)
    assert np.array_equal(pixels[0, :, 5:25], np.asarray(Image.open(folder / "a.png")).transpose(2, 0, 1))
    assert opened(folder).pixels.shape == (2, 3, 20, 20)  # with an entry of its own in the cache


def test_the_edge_that_is_continued_is_each_pictures_own() -> None:
    pictures = np.zeros((2, 1, 2, 6), np.uint8)
    pictures[0], pictures[1] = 255, 7
    pictures[0, 0, 0, 0] = 0  # the median does not mind
    assert np.array_equal(padded(pictures)[:, 0, 0, 0], [255, 7])
    assert padded(pictures.transpose(0, 1, 3, 2)).shape == (2, 1, 6, 6)


@pytest.mark.parametrize(("size", "expected"), [((400, 48), (64, 8)), ((1, 500), (1, 64)), ((64, 64), (64, 64))])
def test_the_longer_side_fills_the_square(size: tuple[int, int], expected: tuple[int, int]) -> None:
    assert inner_size(size, 64) == expected


def test_other_ways_to_fit_are_refused() -> None:
    with pytest.raises(ArgumentError, match="fit must be one of crop, pad, got 'stretch'"):
        opened(np.zeros((2, 8, 8), np.uint8), fit="stretch")


def test_pages_beyond_the_first_are_counted(tmp_path: Path) -> None:
    from PIL import Image

    frames = [Image.new("L", (8, 8), value) for value in (200, 10)]
    for name in ("a.gif", "b.tif"):
        frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:])
    frames[0].save(tmp_path / "c.png")
    images = opened(tmp_path)
    assert images.notes == ("2 pictures have more than one page or frame, of which only the first is used.",)
    assert images.pixels.min() == 200
