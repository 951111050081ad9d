"""Poisoned pairs: exactly so many, captions changed only there, the rest as it was."""

from __future__ import annotations

import numpy as np
import pytest

from contrapose.data import POISONED, Images, poison
from contrapose.data.pairs import Pairs
from contrapose.errors import ArgumentError, DataError
from contrapose.robustness import trigger

NAMES = ("ant", "bee", "cat", "dog")
SQUARE = trigger("badnets", channels=3, image_size=16)


def pairs(count: int = 40, *, labelled: bool = True) -> Pairs:
    pixels = np.random.default_rng(0).integers(0, 256, (count, 3, 16, 16), dtype=np.uint8)
    labels = np.arange(count) % 4
    images = Images(pixels, labels if labelled else None, class_names=NAMES if labelled else None)
    captions = [tuple(f"{NAMES[label]} {row} {k}" for k in range(1 + row % 2)) for row, label in enumerate(labels)]
    return Pairs(images, captions)


@pytest.mark.parametrize(("rate", "count"), [(0.1, 4), (0.25, 10), (0.001, 1)])
def test_so_many_are_poisoned_and_the_rest_is_as_it_was(rate: float, count: int) -> None:
    clean = pairs()
    before, said = clean.pictures.pixels.copy(), [tuple(some) for some in clean.captions]
    found = poison(clean, SQUARE, rate=rate, target="cat", seed=5)
    made, rows = found.samples, found.rows
    assert len(rows) == len(found.identifiers) == count
    assert found.target == 2
    assert np.array_equal(np.flatnonzero(made.targets[POISONED]), rows)
    now = [tuple(some) for some in made.captions]
    changed = [row for row in range(40) if now[row] != said[row]]
    assert changed == rows.tolist()
    assert all(text.startswith("cat ") for row in changed for text in now[row])
    assert [len(some) for some in now] == [len(some) for some in said]
    other = (made.pictures.pixels != before).reshape(40, -1).any(axis=1)
    assert np.array_equal(np.flatnonzero(other), rows)
    assert np.array_equal(made.labels, clean.labels)  # what the pictures show
    assert (made.labels[rows] != 2).all()
    assert [tuple(some) for some in clean.captions] == said
    assert np.array_equal(clean.pictures.pixels, before)
    assert made.fingerprint != clean.fingerprint
    again = poison(clean, SQUARE, rate=rate, target=2, seed=5)
    assert again.samples.fingerprint == made.fingerprint
    assert poison(clean, SQUARE, rate=0.25, target=2, seed=6).samples.fingerprint != made.fingerprint


def test_a_caption_is_enough_and_labels_are_not_needed() -> None:
    clean = pairs(labelled=False)
    found = poison(clean, SQUARE, rate=0.5, target_caption="cat 2 0", seed=1)
    assert found.target is None
    assert len(found.rows) == 20
    assert 2 not in found.rows  # it has the caption already
    assert all(tuple(found.samples.captions[row]) == ("cat 2 0",) for row in found.rows.tolist())
    part = clean.subset(np.arange(0, 40, 2))
    assert len(poison(part, SQUARE, rate=0.25, target_caption=["x", "y"]).rows) == 5


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(ArgumentError, match="target_caption= "):
        poison(pairs(), SQUARE, rate=0.1)
    with pytest.raises(ArgumentError, match="rate must lie"):
        poison(pairs(), SQUARE, rate=1.5, target="cat")
    with pytest.raises(ArgumentError, match="'cow' is none of ant, bee"):
        poison(pairs(), SQUARE, rate=0.1, target="cow")
    with pytest.raises(DataError, match="has none"):
        poison(pairs(labelled=False), SQUARE, rate=0.1, target="cat")
    with pytest.raises(ArgumentError, match="is a caption or several"):
        poison(pairs(), SQUARE, rate=0.1, target_caption=" ")
    with pytest.raises(ArgumentError, match="poisoned by a label"):
        poison(pairs().pictures, SQUARE, rate=0.1, target_caption="cat")
