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


def split(labels: ArrayLike, *, test_share: float = 0.2, seed: int, groups: ArrayLike | None = None) -> Split:
    """Stratified split: every class with two members or more stands in both parts.

    A class of n ≥ 2 members gives `min(n - 1, max(1, round(test_share · n)))` of them to the test part, drawn
    from the stream (seed, position of the class among the sorted classes). A class of one goes to train, and
    is counted.

    With `groups`, rows of one group stay in one part, counted with the class of its first row. Groups are drawn in
    place of rows, and one that would take a class past its share is passed over; groups of one row change nothing.

    Shapes:
        labels: `(N,)` integers (or anything that sorts); groups: `(N,)` likewise.

    Arguments:
        test_share: share of each class to test on, between 0 and 1; 0.2 is the usual one-fifth hold-out.
        seed: the same seed and labels give the same split.

        groups: what belongs together, e.g. exact copies of a picture; None: every row is by itself. A class of one
            group counts as a class of one member.

    Errors:
        ArgumentError: a share outside (0, 1), labels that are not one row, groups of another length, or nothing left
            to test on.
    """
    values = np.asarray(labels)
    if values.ndim != 1 or len(values) == 0:
        raise ArgumentError(f"labels must be of shape (N,) with N > 0, not {values.shape}.")
    if not 0 < test_share < 1:
        raise ArgumentError(f"test_share is {test_share}: give a share between 0 and 1, e.g. 0.2.")
    firsts, unit = _units(values, groups)  # (U,), (N,): one unit a group, named by its first row
    _, inverse = np.unique(values[firsts], return_inverse=True)  # (U,)
    sizes = np.bincount(unit)  # (U,)
    members = np.split(np.argsort(inverse, kind="stable"), np.cumsum(np.bincount(inverse))[:-1])
    testing = np.zeros(len(firsts), dtype=bool)
    for number, units in enumerate(members):
        order = torch.randperm(len(units), generator=derived_generator(seed, number)).numpy()  # (u,)
        testing[_drawn(units[order], sizes, test_share)] = True
    if not testing.any():
        raise ArgumentError(
            f"All {len(members)} classes have one member: nothing is left to test on. Give more samples of each class."
        )
    return Split(
        np.flatnonzero(~testing[unit]), np.flatnonzero(testing[unit]), sum(len(units) == 1 for units in members)
    )


def _units(values: np.ndarray, groups: ArrayLike | None) -> tuple[np.ndarray, np.ndarray]:
    """First row of each group, in order of these rows, and the number of the group of each row."""
    if groups is None:
        return np.arange(len(values)), np.arange(len(values))
    belongs = np.asarray(groups)
    if belongs.shape != values.shape:
        raise ArgumentError(f"groups must be of the shape of labels, {values.shape}; got {belongs.shape}.")
    _, first, inverse = np.unique(belongs, return_index=True, return_inverse=True)
    order = np.argsort(first)
    return first[order], np.argsort(order)[inverse.reshape(-1)]


def _drawn(units: np.ndarray, sizes: np.ndarray, share: float) -> list[int]:
    """Units to test on, taken in their order until the class has its share."""
    wanted = _test_count(int(sizes[units].sum()), share) if len(units) > 1 else 0
    taken: list[int] = []
    for unit in units.tolist():
        if sizes[unit] <= wanted:
            taken.append(unit)
            wanted -= int(sizes[unit])
    return taken or units[: len(units) > 1].tolist()


def _test_count(members: int, share: float) -> int:
    return 0 if members == 1 else min(members - 1, max(1, round(share * members)))
