"""Separation of two spaces: perfect, swapped, copied, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from contrapose.errors import ArgumentError
from contrapose.evaluation import Spaces, separation

STRENGTH = {"strengths": (0.01,)}


def made(count: int = 400, *, seed: int = 0) -> Spaces:
    """A common space of a factor of four classes, a salient one of two; each says nothing of the other."""
    random = np.random.default_rng(seed)
    a, b = random.integers(0, 4, count), random.integers(0, 2, count)
    noise = 0.05 * random.standard_normal((2, count, 6))
    common, salient = np.eye(6)[a] + noise[0], np.eye(6)[b] + noise[1]
    return Spaces(common, salient, a, b)


def test_separated_spaces_score_nearly_two_less_chance() -> None:
    found = separation(made(), made(seed=1), **STRENGTH)
    assert (found.common.value, found.salient.value) == (1.0, 1.0)
    assert found.salient_leak.value == pytest.approx(1 / 4, abs=0.08)
    assert found.common_leak.value == pytest.approx(1 / 2, abs=0.08)
    assert found.score.value == pytest.approx(2 - 1 / 4 - 1 / 2, abs=0.1)
    four = found.common.value + found.salient.value - found.common_leak.value - found.salient_leak.value
    assert found.score.value == pytest.approx(four)
    assert found.score.low < found.score.value < found.score.high
    assert "less those of the other's" in found.score.protocol


def test_swapped_spaces_score_the_opposite_and_copies_nothing() -> None:
    train, test = made(), made(seed=1)
    right = separation(train, test, **STRENGTH).score.value
    swapped = [replace(part, common=part.salient, salient=part.common) for part in (train, test)]
    assert separation(swapped[0], swapped[1], **STRENGTH).score.value == pytest.approx(-right, abs=0.1)
    one = [replace(part, salient=part.common) for part in (train, test)]
    found = separation(one[0], one[1], **STRENGTH)
    assert found.score.value == pytest.approx(0, abs=0.02)


def test_twice_the_same_and_strings_are_classes() -> None:
    train, test = made(), made(seed=1)
    named = [
        replace(part, salient_factor=np.where(part.salient_factor == 1, "round", "flat")) for part in (train, test)
    ]
    first, second = separation(train, test, **STRENGTH), separation(named[0], named[1], **STRENGTH)
    assert first.score.value == pytest.approx(second.score.value, abs=0.05)
    assert first.score == separation(train, test, **STRENGTH).score


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ArgumentError, match="same samples"):
        replace(made(), salient=np.ones((3, 2)))
    with pytest.raises(ArgumentError, match="salient rows of train and test"):
        separation(made(), replace(made(), salient=np.ones((400, 2))), **STRENGTH)
    with pytest.raises(ArgumentError, match="one class only"):
        separation(replace(made(), salient_factor=np.zeros(400, dtype=int)), made(), **STRENGTH)
