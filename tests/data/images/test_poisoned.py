"""Poisoned pictures: exactly so many, labels changed only there, the rest bit for bit."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from contrapose.data import POISONED, Images, poison
from contrapose.errors import ArgumentError, DataError
from contrapose.robustness import TRIGGERS, trigger


def samples(count: int = 40) -> Images:
    pixels = np.random.default_rng(0).integers(0, 256, (count, 3, 16, 16), dtype=np.uint8)
    labels = np.arange(count) % 4
    labels[::9] = -1
    return Images(pixels, labels, class_names=("ant", "bee", "cat", "dog"), targets={"number": np.arange(count) * 1.0})


@pytest.mark.parametrize("name", list(TRIGGERS))
@pytest.mark.parametrize(("rate", "count"), [(0.1, 4), (0.25, 10), (0.001, 1)])
def test_so_many_are_poisoned_and_the_rest_is_as_it_was(name: str, rate: float, count: int) -> None:
    clean = samples()
    before = clean.pixels.copy()
    found = poison(clean, trigger(name, channels=3, image_size=16), rate=rate, target="cat", seed=5)
    assert len(found.rows) == len(found.identifiers) == count
    assert found.target == 2
    assert np.array_equal(np.flatnonzero(found.samples.targets[POISONED]), found.rows)
    assert clean.labels is not None
    assert found.samples.labels is not None
    assert (clean.labels[found.rows] != 2).all()
    assert (found.samples.labels[found.rows] == 2).all()
    others = np.setdiff1d(np.arange(40), found.rows)
    assert np.array_equal(found.samples.labels[others], clean.labels[others])
    assert np.array_equal(found.samples.pixels[others], before[others])
    changed = (found.samples.pixels != before).reshape(40, -1).any(axis=1)
    assert np.array_equal(np.flatnonzero(changed), found.rows)
    assert np.array_equal(clean.pixels, before)  # the given pictures stay
    assert list(found.samples.identifiers) == list(clean.identifiers)
    assert np.array_equal(found.samples.targets["number"], clean.targets["number"])
    assert found.samples.fingerprint != clean.fingerprint
    assert "carry a trigger and the label 'cat'" in found.samples.notes[-1]


def test_the_seed_says_which() -> None:
    mark = trigger("sig", channels=3, image_size=16)
    first, again, other = (poison(samples(), mark, rate=0.2, target=1, seed=seed) for seed in (0, 0, 1))
    assert np.array_equal(first.rows, again.rows)
    assert np.array_equal(first.samples.pixels, again.samples.pixels)
    assert not np.array_equal(first.rows, other.rows)


def test_a_subset_is_poisoned_as_data_of_its_own() -> None:
    half = samples().subset(np.arange(20, 40))
    found = poison(half, trigger("badnets", channels=3, image_size=16), rate=0.1, target=0)
    assert len(found.samples) == 20
    assert set(found.identifiers) <= set(half.identifiers)


def test_of_the_target_class_too_where_that_is_asked_for() -> None:
    mark = trigger("badnets", channels=3, image_size=16)
    found = poison(samples(), mark, rate=0.95, target=0, from_target=True)
    assert len(found.rows) == 38
    with pytest.raises(DataError, match=r"38 pictures are to be poisoned .* only \d+ are of another class"):
        poison(samples(), mark, rate=0.95, target=0)


def test_bad_input() -> None:
    mark = trigger("badnets", channels=3, image_size=16)
    for rate in (0, 1, -0.1):
        with pytest.raises(ArgumentError, match="rate must lie between 0 and 1"):
            poison(samples(), mark, rate=rate, target=0)
    for target in ("eel", 4, -1):
        with pytest.raises(ArgumentError, match="is none of ant, bee, cat, dog"):
            poison(samples(), mark, rate=0.1, target=target)
    with pytest.raises(DataError, match=r"Poisoning gives a picture another label, and memory has none"):
        poison(Images(samples().pixels), mark, rate=0.1, target=0)
    with pytest.raises(ArgumentError, match="A trigger takes pictures"):
        poison(samples(), lambda x: x.mean(dim=1), rate=0.1, target=0)
    with pytest.raises(ArgumentError, match="A trigger takes pictures"):
        poison(samples(), lambda x: x * torch.nan, rate=0.1, target=0)
