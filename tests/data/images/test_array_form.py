from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_pictures import colour_picture
from PIL import Image

from contrapose.data.images.pixels.array_form import channels_first, eight_bit, fit
from contrapose.errors import ArgumentError, DataError
from contrapose.preparation import Preparation


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((9, 28, 28), (9, 1, 28, 28)),
        ((9, 28, 28, 1), (9, 1, 28, 28)),
        ((9, 32, 32, 3), (9, 3, 32, 32)),
        ((9, 3, 32, 32), (9, 3, 32, 32)),
        ((9, 13, 64, 64), (9, 13, 64, 64)),
        ((9, 64, 64, 13), (9, 13, 64, 64)),
        ((9, 20, 30, 4), (9, 4, 20, 30)),
        ((9, 4, 4, 3), (9, 3, 4, 4)),
        ((9, 3, 4, 4), (9, 3, 4, 4)),
    ],
)
def test_layouts(shape: tuple[int, ...], expected: tuple[int, ...]) -> None:
    array = np.zeros(shape, np.uint8)
    result = channels_first(array)
    assert result.shape == expected
    assert np.shares_memory(result, array)


@pytest.mark.parametrize(
    ("shape", "text"),
    [
        ((9, 100), "holds numbers, not pictures"),
        ((9,), "holds no pictures"),
        ((0, 28, 28), "holds no pictures"),
        ((480, 640, 3), "one single picture"),
        ((9, 3, 7, 3), "cannot be told"),
        ((9, 20, 30, 13), "cannot be told"),
    ],
)
def test_what_is_no_stack_of_pictures_is_an_error(shape: tuple[int, ...], text: str) -> None:
    with pytest.raises(DataError, match=text):
        channels_first(np.zeros(shape, np.uint8))


def test_bytes_are_not_copied() -> None:
    array = np.zeros((2, 1, 3, 3), np.uint8)
    pixels, preparation, notes = eight_bit(array)
    assert pixels is array
    assert (preparation, notes) == (Preparation(), [])


@settings(max_examples=30, deadline=None)
@given(level=st.integers(0, 255), dtype=st.sampled_from([np.float32, np.float64, np.float16]))
def test_floats_in_the_unit_interval_find_their_grey_level(level: int, dtype: type) -> None:
    array = np.array([0, level / 255, 1], dtype).reshape(3, 1, 1, 1)
    pixels, preparation, notes = eight_bit(array)
    assert pixels.ravel().tolist() == [0, level, 255]
    assert preparation == Preparation(floats=1)
    assert "as 0 to 1." in notes[0]


@pytest.mark.parametrize(
    ("values", "expected", "note"),
    [
        (np.array([0.0, 1.4, 254.6]), [0, 1, 255], "0 to 255"),
        (np.array([0, 7, 255], np.int64), [0, 7, 255], "0 to 255"),
        (np.array([0, 257, 65535], np.uint16), [0, 1, 255], "0 to 65535 (16 bits)"),
        (np.array([False, True]), [0, 255], "black and white"),
    ],
)
def test_other_ranges(values: np.ndarray, expected: list[int], note: str) -> None:
    pixels, _, notes = eight_bit(values.reshape(-1, 1, 1, 1))
    assert pixels.ravel().tolist() == expected
    assert note in notes[0]


def test_the_range_is_that_of_the_whole_array() -> None:
    array = np.zeros((3000, 1, 1, 1))
    array[2999] = 255.0  # in the last block
    array[0] = 1.0
    assert eight_bit(array)[0].ravel()[[0, 2999]].tolist() == [1, 255]


@pytest.mark.parametrize("value", [-0.3, -1e3, 1e9])
def test_values_of_no_known_range_are_errors(value: float) -> None:
    with pytest.raises(DataError, match=r"(?i)undo a normalisation"):
        eight_bit(np.array([0.5, value]).reshape(2, 1, 1, 1))


def test_values_that_are_no_numbers_are_counted_and_located() -> None:
    array = np.zeros((3000, 1, 2, 2), np.float32)
    array[2500, 0, 1, 1] = np.nan
    array[2700] = np.inf
    with pytest.raises(DataError, match=r"5 values are NaN or infinite \(first in row 2500\)"):
        eight_bit(array)


@pytest.mark.parametrize("dtype", ["S1", "U1", complex])
def test_other_types_are_errors(dtype: object) -> None:
    with pytest.raises(DataError, match="arrays of numbers"):
        eight_bit(np.zeros((1, 1, 2, 2), dtype))


def test_what_fits_is_not_copied() -> None:
    pixels = np.zeros((2, 3, 8, 8), np.uint8)
    assert fit(pixels, image_size=8, channels=3)[0] is pixels
    assert fit(pixels, image_size=None, channels=None) == (pixels, [])


def test_the_central_square_is_kept() -> None:
    pixels = np.arange(2 * 6 * 11, dtype=np.uint8).reshape(2, 1, 6, 11)
    cut, notes = fit(pixels, image_size=None, channels=None)
    assert np.array_equal(cut, pixels[:, :, :, 2:8])
    assert "6 x 11 were cut to their central 6 x 6" in notes[0]


def test_resampling_agrees_with_pillow() -> None:
    picture = colour_picture(0, 48, 48)
    pixels = np.asarray(picture).transpose(2, 0, 1)[None]
    small, notes = fit(pixels, image_size=16, channels=None)
    expected = np.asarray(picture.resize((16, 16), Image.Resampling.BICUBIC)).transpose(2, 0, 1)
    assert np.abs(small[0].astype(int) - expected).max() <= 1
    assert "48 x 48 were resampled to 16 x 16" in notes[0]


def test_luma_and_opacity_agree_with_pillow() -> None:
    picture = colour_picture(1, 8, 8)
    pixels = np.asarray(picture).transpose(2, 0, 1)[None]
    assert np.array_equal(fit(pixels, image_size=None, channels=1)[0][0, 0], np.asarray(picture.convert("L")))
    clear = np.concatenate([pixels, np.full((1, 1, 8, 8), 51, np.uint8)], axis=1)
    paper = Image.new("RGB", (8, 8), "white")
    paper.paste(picture, mask=Image.new("L", (8, 8), 51))
    over = fit(clear, image_size=None, channels=3)[0][0].astype(int)
    assert np.abs(over - np.asarray(paper).transpose(2, 0, 1)).max() <= 1
    assert fit(clear, image_size=None, channels=1)[0].shape == (1, 1, 8, 8)


def test_grey_is_repeated() -> None:
    pixels = np.arange(16, dtype=np.uint8).reshape(1, 1, 4, 4)
    assert np.array_equal(fit(pixels, image_size=None, channels=3)[0], np.repeat(pixels, 3, axis=1))


@pytest.mark.parametrize(("given_channels", "asked"), [(3, 4), (13, 3), (4, 2)])
def test_changes_of_channels_without_a_meaning_are_errors(given_channels: int, asked: int) -> None:
    with pytest.raises(ArgumentError, match=f"of {given_channels} channels cannot be brought to {asked}"):
        fit(np.zeros((1, given_channels, 4, 4), np.uint8), image_size=None, channels=asked)
