"""Unbalanced subsets of balanced, labelled data: to ask what a method makes of rare classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike

from contrapose.data.randomness import derived_generator
from contrapose.errors import ArgumentError


@dataclass(frozen=True)
class Unbalanced:
    """Rows of a labelled data set with a chosen number of each class; `images.subset(unbalanced.rows)`.

    Shapes:
        rows: `(n,)` int64, ascending.

    Arguments:
        counts: class -> how many of its samples are in `rows`, the most frequent first.
    """

    rows: np.ndarray
    counts: Mapping[int, int]

    @property
    def imbalance(self) -> float:
        """Samples of the most frequent class for each of the rarest."""
        return max(self.counts.values()) / min(self.counts.values())


def long_tailed(
    labels: ArrayLike, imbalance: float, *, order: Sequence[int] | None = None, largest: int | None = None, seed: int
) -> Unbalanced:
    """Class sizes that fall geometrically, from the most frequent class to one `imbalance` times rarer.

        n_c = round(largest · imbalance^(-c / (C - 1))),    c = 0 ... C - 1 the class's place in `order`

    Arguments:
        labels: `(N,)` whole numbers.
        imbalance: samples of the most frequent class for each of the rarest; 1 is balanced, 100 the usual long-tailed
            CIFAR (Cao et al. 2019, https://arxiv.org/abs/1906.07413).
        order: all classes, the most frequent first; None = ascending. Rotate it over seeds, so that no result hangs on
            which classes are rare.
        largest: samples of the most frequent class; None = as many as the smallest class has, so that every order is
            possible.
        seed: draws which samples of a class stay; of one class, a smaller number is part of a larger one.

    Errors:
        ArgumentError: an imbalance below 1, one that leaves a class empty, an order that is not all classes, or more
            samples than a class has.
    """
    members = _members(labels)
    order = sorted(members) if order is None else [int(label) for label in order]
    if sorted(order) != sorted(members):
        raise ArgumentError(f"order must name each of the {len(members)} classes once, got {list(order)}.")
    if not imbalance >= 1:
        raise ArgumentError(f"imbalance is {imbalance:g}; it must be 1 (balanced) or more, e.g. 100.")
    largest = min(map(len, members.values())) if largest is None else largest
    sizes = largest * imbalance ** -np.linspace(0, 1, len(order))  # (C,)
    return _take(members, {label: round(float(size)) for label, size in zip(order, sizes, strict=True)}, seed)


def few_frequent(
    labels: ArrayLike, frequent: Sequence[int], *, frequent_count: int, rare_count: int, seed: int
) -> Unbalanced:
    """A few frequent classes among many rare ones: the two sizes of the unbalanced experiment of ISD.

    There, 8 of 38 ImageNet classes have all their 1,300 images and 30 have 100 (https://arxiv.org/abs/2012.09259).

    Arguments:
        labels: `(N,)` whole numbers.
        frequent: the frequent classes; all others are rare.
        frequent_count, rare_count: samples of each frequent, of each rare class.
        seed: as in `long_tailed`.

    Errors:
        ArgumentError: a class that does not exist, none that is rare, or more samples than a class has.
    """
    members, chosen = _members(labels), {int(label) for label in frequent}
    unknown = sorted(chosen - members.keys())
    if unknown or not chosen or len(chosen) == len(members):
        raise ArgumentError(
            f"frequent must name some, and not all, of the classes {sorted(members)}; got {sorted(chosen)}."
        )
    rare = [label for label in sorted(members) if label not in chosen]
    counts = dict.fromkeys(sorted(chosen), frequent_count) | dict.fromkeys(rare, rare_count)
    return _take(members, counts, seed)


def _members(labels: ArrayLike) -> dict[int, np.ndarray]:
    """Class -> its rows, ascending."""
    values = np.asarray(labels)
    if values.ndim != 1 or len(values) == 0 or values.dtype.kind not in "iu":
        raise ArgumentError(
            f"labels must be a non-empty row of whole numbers, shape (N,), not {values.dtype} of shape {values.shape}."
        )
    return {int(label): np.flatnonzero(values == label) for label in np.unique(values)}


def _take(members: Mapping[int, np.ndarray], counts: Mapping[int, int], seed: int) -> Unbalanced:
    chosen = []
    for label, count in counts.items():
        rows = members[label]
        if not 1 <= count <= len(rows):
            raise ArgumentError(
                f"Class {label} was asked for {count} samples and has {len(rows)}; every class must keep 1 at least. "
                "Lower the imbalance or the counts."
            )
        order = torch.randperm(len(rows), generator=derived_generator(seed, label)).numpy()  # (n,)
        chosen.append(rows[order[:count]])
    return Unbalanced(np.sort(np.concatenate(chosen)), dict(counts))
