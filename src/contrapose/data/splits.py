"""Cutting labelled data into a part to learn a probe on and a part to judge it on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike

from contrapose.data.randomness import derived_generator
from contrapose.errors import ArgumentError


@dataclass(frozen=True)
class Split:
    """Row numbers of the two parts, ascending; unpacks as `train, test = split(...)`.

    Shapes:
        train, test: `(n,)` int64, disjoint, together all rows.

    `single_member_classes` counts the classes that have one member only: it is in `train`.
    """

    train: np.ndarray
    test: np.ndarray
    single_member_classes: int = 0

    def __iter__(self) -> Iterator[np.ndarray]:
        return iter((self.train, self.test))


def split(labels: ArrayLike, *, test_share: float = 0.2, seed: int) -> Split:
    """Stratified split: every class with two members or more stands in both parts.

    A class of n ≥ 2 members gives `min(n - 1, max(1, round(test_share · n)))` of them to the test part, drawn
    from the stream (seed, position of the class among the sorted classes). A class of one goes to train, and
    is counted.

    Shapes:
        labels: `(N,)` integers (or anything that sorts).

    Arguments:
        test_share: share of each class to test on, between 0 and 1; 0.2 is the usual one-fifth hold-out.
        seed: the same seed and labels give the same split.

    Errors:
        ArgumentError: a share outside (0, 1), labels that are not one row, or nothing left to test on.
    """
    values = np.asarray(labels)
    if values.ndim != 1 or len(values) == 0:
        raise ArgumentError(f"labels must be of shape (N,) with N > 0, not {values.shape}.")
    if not 0 < test_share < 1:
        raise ArgumentError(f"test_share is {test_share}: give a share between 0 and 1, e.g. 0.2.")
    classes, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    members = np.split(np.argsort(inverse, kind="stable"), np.cumsum(counts)[:-1])
    testing = np.zeros(len(values), dtype=bool)
    for number, rows in enumerate(members):
        order = torch.randperm(len(rows), generator=derived_generator(seed, number)).numpy()  # (n,)
        testing[rows[order[: _test_count(len(rows), test_share)]]] = True
    if not testing.any():
        raise ArgumentError(
            f"All {len(classes)} classes have one member: nothing is left to test on. Give more samples of each class."
        )
    return Split(np.flatnonzero(~testing), np.flatnonzero(testing), int((counts == 1).sum()))


def _test_count(members: int, share: float) -> int:
    return 0 if members == 1 else min(members - 1, max(1, round(share * members)))
