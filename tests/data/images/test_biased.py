"""The builder of biased data: correlation as asked for, colours as computed, files that can be trained on."""

from __future__ import annotations

import colorsys
from pathlib import Path

import numpy as np
import pytest
import torch

from contrapose.data import Images, open_data
from contrapose.data.images.biased import colour_biased
from contrapose.errors import ArgumentError


def grey(count: int = 4000, classes: int = 5) -> Images:
    random = np.random.default_rng(0)
    return Images(random.integers(0, 256, (count, 1, 5, 5), dtype=np.uint8), np.arange(count) % classes)


def seeded(number: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(number)


@pytest.mark.parametrize("correlation", [0.0, 0.3, 0.95, 1.0])
def test_the_colour_is_that_of_the_class_as_often_as_asked(correlation: float) -> None:
    biased = colour_biased(grey(), correlation=correlation, generator=seeded())
    assert 1 - biased.conflicting.mean() == pytest.approx(correlation, abs=0.02)
    other = biased.colours[biased.conflicting & (biased.classes == 2)]
    if correlation < 1:
        counts = np.bincount(other, minlength=5)
        assert counts[2] == 0
        assert counts.max() - counts.min() < 0.35 * len(other)  # all others alike


def test_without_correlation_groups_are_balanced() -> None:
    biased = colour_biased(grey(), correlation=None, generator=seeded())
    counts = np.bincount(biased.groups, minlength=25)
    assert len(counts) == 25
    assert abs(counts - 160).max() < 50
    assert biased.groups[7] == 5 * biased.classes[7] + biased.colours[7]


def test_pixels_follow_the_formula() -> None:
    images = grey(40)
    biased = colour_biased(images, correlation=0.5, strength=0.4, generator=seeded())
    for number in range(40):
        hue = np.array(colorsys.hsv_to_rgb(biased.colours[number] / 5, 1, 1))[:, None, None]
        expected = 255 * (1 - (1 - images.pixels[number] / 255) * (1 - 0.4 * hue))  # (3, H, W)
        assert abs(biased.images.pixels[number] - expected).max() <= 0.51
    assert biased.images.channels == 3


def test_white_stays_white_and_black_takes_the_colour() -> None:
    edge = np.stack([np.full((3, 2, 2), 255, np.uint8), np.zeros((3, 2, 2), np.uint8)])
    biased = colour_biased(Images(edge, np.array([1, 0])), correlation=1.0, strength=0.6, generator=seeded())
    assert (biased.images.pixels[0] == 255).all()
    assert biased.images.pixels[1, :, 0, 0].tolist() == [153, 0, 0]  # class 0 is red


def test_it_is_a_function_of_its_generator_and_leaves_the_pictures_alone() -> None:
    images = grey(100)
    before = images.pixels.copy()
    one, same, other = (colour_biased(images, correlation=0.5, generator=seeded(n)) for n in (0, 0, 1))
    assert np.array_equal(one.images.pixels, same.images.pixels)
    assert not np.array_equal(one.colours, other.colours)
    assert np.array_equal(images.pixels, before)
    assert one.images.fingerprint != images.fingerprint


def test_two_labellings_of_the_same_pictures() -> None:
    biased = colour_biased(grey(50), correlation=0.5, generator=seeded())
    assert np.array_equal(biased.by_colour.labels, biased.colours)
    assert np.array_equal(biased.images.labels, biased.classes)
    assert np.shares_memory(biased.by_colour.pixels, biased.images.pixels)


def test_a_saved_set_is_data_like_any_other(tmp_path: Path) -> None:
    biased = colour_biased(grey(60), correlation=0.9, generator=seeded())
    biased.save(tmp_path / "biased.npz")
    opened = open_data(str(tmp_path / "biased.npz"))
    assert np.array_equal(opened.pixels, biased.images.pixels)
    assert np.array_equal(opened.labels, biased.classes)
    assert np.array_equal(np.load(tmp_path / "biased.npz")["colours"], biased.colours)


def test_real_digits_can_be_coloured(shared_data) -> None:  # type: ignore[no-untyped-def]
    images = open_data(str(shared_data("mnist/train5k.npz")), limit=500)
    biased = colour_biased(images, generator=seeded())
    assert biased.images.pixels.shape == (500, 3, 28, 28)
    assert 0 < biased.conflicting.mean() < 0.1


@pytest.mark.parametrize(
    ("images", "options", "word"),
    [
        (Images(np.zeros((3, 1, 2, 2), np.uint8)), {}, "no labels"),
        (Images(np.zeros((3, 1, 2, 2), np.uint8), np.array([0, 0, 0])), {}, "K at least 2"),
        (Images(np.zeros((3, 1, 2, 2), np.uint8), np.array([0, 1, -1])), {}, "got -1 to 1"),
        (Images(np.zeros((3, 4, 2, 2), np.uint8), np.array([0, 1, 1])), {}, "4 channels"),
        (grey(10), {"correlation": 1.2}, "correlation is a probability"),
        (grey(10), {"strength": 0.0}, "strength"),
    ],
)
def test_bad_input_is_named(images: Images, options: dict, word: str) -> None:
    with pytest.raises(ArgumentError, match=word):
        colour_biased(images, generator=seeded(), **options)
