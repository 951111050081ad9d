"""Digits on canvases: where the mask says so there is a digit, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from contrapose.data import open_data
from contrapose.data.images.made import canvases
from contrapose.data.images.made.digit_scans import digit_scans
from contrapose.data.samples import MASK
from contrapose.errors import ArgumentError


def test_pixels_of_digits_are_bright_and_there_are_three_to_five() -> None:
    images = canvases(30, seed=1)
    masks, pixels = images.targets[MASK], images.pixels[:, 0] / 255
    assert masks.shape == (30, 48, 48)
    assert images.names_of[MASK] == (*map(str, range(10)), "background")
    assert set(np.unique(masks)) == set(range(11))
    for mask, picture in zip(masks, pixels, strict=True):
        assert picture[mask < 10].mean() > picture[mask == 10].mean() + 0.15
        assert 3 * 10 < (mask < 10).sum() < 5 * 16 * 16
        assert len(np.unique(mask)) <= 6


def test_the_number_of_digits_is_drawn_and_they_do_not_overlap() -> None:
    from contrapose.data.images.made.canvases import SIDE, _layout

    random, counts = np.random.default_rng(0), set()
    for _ in range(60):
        covered = np.zeros((SIDE, SIDE), dtype=int)
        layout = _layout(random)
        counts.add(len(layout))
        for top, left, side in layout:
            assert 10 <= side <= 16
            assert top + side <= SIDE and left + side <= SIDE  # noqa: PT018 - one box
            covered[top : top + side, left : left + side] += 1
        assert covered.max() == 1
    assert counts == {3, 4, 5}


def test_parts_that_share_no_scan() -> None:
    digits = digit_scans()[1]
    ones = np.flatnonzero(digits == digits[0])
    only = canvases(5, first=int(ones[0]), last=int(ones[0]) + 1)
    assert set(np.unique(only.targets[MASK])) == {digits[0], 10}
    with pytest.raises(ArgumentError, match="no scan from 1797 up to 1797"):
        canvases(5, first=1797)
    with pytest.raises(ArgumentError, match="count is 0"):
        canvases(0)


def test_they_are_opened_by_name() -> None:
    images = open_data("made:canvases?count=6&seed=2&last=900")
    assert np.array_equal(images.targets[MASK], canvases(6, seed=2, last=900).targets[MASK])
    assert images.labels is None
    assert images.names_of[MASK][10] == "background"
