"""The ground of the claim on ISD: three frequent classes that move on with the seed, and balanced pictures beside."""

from __future__ import annotations

import numpy as np
import pytest

from contrapose.claims import Protocol
from contrapose.claims.published.isd import FREQUENT, RATIO, frequent_and_rare

PROTOCOL = Protocol(options={"epochs": 1}, images=60, labelled=50, validation=30, test=40)
ROLES = {0: {0, 1, 2}, 1: {3, 4, 5}, 2: {6, 7, 8}, 3: {9, 0, 1}, 10: {0, 1, 2}}


@pytest.mark.parametrize("seed", ROLES)
def test_who_is_frequent_moves_on_with_the_seed(seed: int, picture_parts: str) -> None:
    labels = frequent_and_rare(picture_parts, PROTOCOL, seed).pretraining["unbalanced"].labels
    sizes = np.bincount(labels, minlength=10)
    assert set(np.flatnonzero(sizes > 1)) == ROLES[seed]
    # 60 pictures ask for one of each rare class, and for 13 times as many of each frequent one
    assert sorted(sizes) == [1] * (10 - FREQUENT) + [RATIO] * FREQUENT


def test_both_sets_are_of_one_size_and_none_is_chosen_on(picture_parts: str) -> None:
    ground = frequent_and_rare(picture_parts, PROTOCOL, 1)
    unbalanced, balanced = ground.pretraining["unbalanced"], ground.pretraining["pretraining"]
    assert len(unbalanced) == len(balanced) == 7 + 3 * RATIO
    sizes = np.bincount(balanced.labels, minlength=10)
    assert sizes.max() - sizes.min() <= 1
    assert (len(ground.labelled), len(ground.validation), len(ground.test)) == (50, 30, 40)
    learned_from = {*unbalanced.identifiers, *balanced.identifiers, *ground.labelled.identifiers}
    assert not learned_from & {*ground.validation.identifiers}
    assert len(np.unique(ground.labelled.labels)) == len(np.unique(ground.test.labels)) == 10
