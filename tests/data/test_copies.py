"""Exact copies of pictures: found whatever they are called, and kept on one side of a split."""

from __future__ import annotations

import numpy as np
import pytest

from contrapose.data import Images, split
from contrapose.data.copies import copies_in, copies_within, split_samples
from contrapose.data.images import images
from contrapose.errors import ArgumentError


def noise(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 255, size=(count, 3, 8, 8), dtype=np.uint8)


def test_bursts_do_not_straddle_the_split() -> None:
    pixels = noise(20).repeat(5, axis=0)  # twenty pictures, five copies of each
    parts = split_samples(Images(pixels, np.arange(100) // 50), seed=0)
    assert parts.copies == 80
    assert copies_in(parts.test, parts.bank) == []
    assert len(parts.test) == 20
    assert np.bincount(parts.test.labels).tolist() == [10, 10]


def test_without_copies_it_is_the_split_of_rows() -> None:
    labels = np.arange(60) % 4
    parts = split_samples(Images(noise(60), labels), seed=3)
    assert parts.test.identifiers == [str(row) for row in split(labels, seed=3).test]
    assert (parts.copies, parts.untested) == (0, [])


def test_a_class_of_one_picture_and_its_copies_is_learned_from_only() -> None:
    pixels = np.concatenate([noise(10), noise(1, seed=1).repeat(6, axis=0)])
    parts = split_samples(Images(pixels, np.repeat([0, 7], [10, 6])), seed=0)
    assert parts.untested == [7]
    assert 7 not in parts.test.labels


def test_copies_with_other_labels_stay_together() -> None:
    pixels = np.concatenate([noise(10), noise(10)])
    parts = split_samples(Images(pixels, np.repeat([0, 1], 10)), seed=0)
    assert copies_in(parts.test, parts.bank) == []


def test_copies_in_another_set_are_found_by_what_they_show(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "BLOCK", 7)
    bank = Images(noise(20), identifiers=[f"a/{row}.png" for row in range(20)])
    test = Images(np.concatenate([noise(3, seed=1), noise(20)[[4, 11]]]))
    assert copies_in(test, bank) == [(3, 4), (4, 11)]
    assert copies_in(Images(noise(4)[:, :, :4, :4]), bank) == []  # another size is another picture
    assert copies_within(test) == 0
    assert copies_within(Images(noise(4).repeat(2, axis=0))) == 8


def test_groups_of_another_length_are_refused() -> None:
    with pytest.raises(ArgumentError, match="groups must be of the shape of labels"):
        split(np.zeros(4, int), seed=0, groups=[0, 1])
    with pytest.raises(ArgumentError, match="one member"):
        split(np.zeros(4, int), seed=0, groups=[5, 5, 5, 5])


@pytest.mark.parametrize("seed", range(5))
def test_groups_of_one_row_change_nothing(seed: int) -> None:
    labels = np.random.default_rng(seed).integers(0, 4, 40)
    plain, grouped = split(labels, seed=seed), split(labels, seed=seed, groups=np.arange(40)[::-1])
    np.testing.assert_array_equal(plain.test, grouped.test)
    assert plain.single_member_classes == grouped.single_member_classes
