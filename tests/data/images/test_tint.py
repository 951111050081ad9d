"""Tinted pictures: how many are in another colour, what is coloured, and what one may ask of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from contrapose.data import Images, open_data
from contrapose.data.images.made.tint import DARK, colours_of, tint, tinted
from contrapose.errors import ArgumentError


@pytest.mark.parametrize("share", [0.0, 0.05, 0.5, 1.0])
def test_so_many_are_in_another_classs_colour_as_asked_for(share: float) -> None:
    images = tint(400, share=share, seed=3)
    assert images.labels is not None
    other = images.targets["colour"] != images.labels
    assert other.sum() == round(share * 400)
    assert set(images.targets["colour"].tolist()) <= set(range(10))


def test_unbiased_colours_say_nothing_of_the_class() -> None:
    images = tint(share=None, seed=1)
    assert images.labels is not None
    table = np.zeros((10, 10))
    np.add.at(table, (images.labels, colours_of(images)), 1)
    expected = table.sum(1, keepdims=True) * table.sum(0) / table.sum()
    assert ((table - expected) ** 2 / expected).sum() < 115  # chi-square of 81 degrees, 99.2 %
    assert not np.array_equal(images.targets["colour"], tint(share=None, seed=2).targets["colour"])


def test_a_digit_has_its_colour_on_black_or_is_white_on_it() -> None:
    on_digit, behind = tint(30, share=0.0), tint(30, share=0.0, where="background")
    assert on_digit.labels is not None
    zero = int(np.flatnonzero(on_digit.labels == 0)[0])  # red
    digit, background = on_digit.pixels[zero], behind.pixels[zero]
    assert digit[0].max() > 200
    assert digit[1:].max() == 0
    dark = digit[0] == 0
    assert (digit[:, dark] == 0).all()
    assert (background[0, dark] == round(255 * DARK)).all()
    assert (background[1:, dark] == 0).all()
    assert np.array_equal(background[1], digit[0])  # the digit itself is white


def test_any_labelled_pictures_can_be_tinted() -> None:
    pixels = np.full((6, 1, 4, 4), 255, dtype=np.uint8)
    images = Images(pixels, np.array([0, 1, 2, 0, 1, 2]), class_names=["a", "b", "c"])
    made = tinted(images)
    assert made.pixels[:, :, 0, 0].tolist() == 2 * [[255, 0, 0], [0, 255, 0], [0, 0, 255]]
    assert (made.class_names, made.names_of["colour"]) == (("a", "b", "c"), ("0", "1", "2"))
    assert "0 of them in the colour of another class" in made.notes[-1]


def test_parts_share_no_scan_and_have_names() -> None:
    learned, asked = tint(part="learned"), tint(part="asked")
    assert (len(learned), len(asked)) == (1200, 597)
    whole = tint()
    assert np.array_equal(whole.pixels, np.concatenate([learned.pixels, asked.pixels]))
    opened = open_data("made:tint?count=40&share=0.5&part=asked&where=background", label_column="colour")
    again = tint(40, share=0.5, part="asked", where="background")
    assert np.array_equal(opened.pixels, again.pixels)
    assert np.array_equal(opened.targets["label"], again.targets["colour"])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"count": 0}, "count is 0"),
        ({"share": 1.5}, r"share is of pictures in another colour, in \[0, 1\]"),
        ({"where": "edge"}, "on the digit or on the background"),
        ({"part": "some"}, "part is 'some'"),
        ({"side": 4}, "side is 4"),
    ],
)
def test_bad_options_are_told(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ArgumentError, match=said):
        tint(**options)
    with pytest.raises(ArgumentError, match="give labelled ones"):
        tinted(Images(np.zeros((2, 3, 4, 4), dtype=np.uint8)))
