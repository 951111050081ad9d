"""What is learned from and what is asked: leaks, classes that only one part has, labels that are missing."""

from __future__ import annotations

import numpy as np
import pytest

from contrapose.data import Images
from contrapose.errors import DataError
from contrapose.tasks.labelled_parts import copies_asked, given_parts, held_out_parts


def images(labels: list[int], *, seed: int = 0, names: tuple[str, ...] | None = None, origin: str = "photos") -> Images:
    pixels = np.random.default_rng(seed).integers(0, 255, size=(len(labels), 3, 8, 8), dtype=np.uint8)
    return Images(pixels, np.asarray(labels), class_names=names, origin=origin)


NAMES = ("cat", "dog", "elk")


def test_two_clean_parts_have_nothing_to_tell() -> None:
    bank, test = images([0, 1] * 10, names=NAMES[:2]), images([0, 1] * 5, names=NAMES[:2], seed=1, origin="new")
    parts = given_parts(bank, test)
    assert (parts.notes, parts.leaked) == ((), 0)
    assert parts.wanted.tolist() == ["cat", "dog"] * 5
    assert parts.origin == "photos (20), tested on new (10)"


def test_the_same_pictures_under_other_names_are_told() -> None:
    bank = images([0, 1] * 10, names=NAMES[:2])
    renamed = Images(bank.pixels[:6], bank.labels[:6], class_names=NAMES[:2], identifiers=[f"x{n}" for n in range(6)])
    parts = given_parts(bank, renamed)
    assert parts.leaked == 6
    assert parts.notes[0].startswith("6 of 6 test pictures are also in --data, as exact copies (x0 = 0, x1 = 1, ")


def test_classes_of_one_part_only_are_named() -> None:
    bank = images([0, 1] * 10, names=NAMES)
    test = images([0, 2, 2, 0], names=NAMES, seed=1)
    notes = given_parts(bank, test).notes
    assert notes[0].startswith("1 test class of 2 is no training class: elk (2). Their 2 of 4 pictures count as wrong")
    assert notes[1] == "1 class of 2 is not among the test pictures, so nothing is said of dog"
    with pytest.raises(DataError, match=r"No class of new is among those of photos: elk against cat, dog"):
        given_parts(bank, images([2, 2], names=NAMES, seed=1, origin="new"))


def test_pictures_without_a_label_are_left_out_of_both_parts() -> None:
    labels = [0, 1, -1] * 10
    parts = held_out_parts(images(labels, names=NAMES[:2]), seed=0)
    assert set(parts.known) == set(parts.wanted) == {"cat", "dog"}
    assert len(parts.known) + len(parts.wanted) == 20
    assert parts.notes == ("10 of 30 samples are not labelled, and left out",)
    with pytest.raises(DataError, match="not labelled"):
        held_out_parts(images([-1] * 8), seed=0)


def test_one_class_and_no_labels_are_refused() -> None:
    with pytest.raises(DataError, match="holds one class only"):
        held_out_parts(images([3] * 8), seed=0)
    with pytest.raises(DataError, match="column with --test-data"):
        given_parts(images([0, 1] * 4), images([0, 1]).with_labels(None))


def test_a_class_of_one_picture_is_named() -> None:
    notes = held_out_parts(images([0, 1] * 10 + [2], names=NAMES), seed=0).notes
    assert notes == ("1 class has one picture only, which is learned from and not tested: elk",)


def test_copies_in_one_set_are_kept_together_and_told() -> None:
    once = images([0, 1] * 10, names=NAMES[:2])
    burst = Images(once.pixels.repeat(3, axis=0), once.labels.repeat(3), class_names=NAMES[:2])
    parts = held_out_parts(burst, seed=0)
    assert parts.notes[0].startswith("40 pictures are exact copies of others: copies were kept together")
    assert copies_asked(parts.test) == [
        "12 test pictures have exact copies among the test pictures, which retrieval finds first"
    ]


def test_unequal_classes_are_told_with_their_floor() -> None:
    parts = held_out_parts(images([0] * 95 + [1] * 5, names=NAMES[:2]), seed=0)
    assert parts.notes[0].startswith(
        "the classes are unequal: always answering cat, the largest of --data, is right in"
    )
    assert "95.0 %" in parts.notes[0]
