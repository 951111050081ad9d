"""Folds of a cross-validation: each class dealt evenly to all of them, copies kept together."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import ArrayLike

from contrapose.data.randomness import derived_generator
from contrapose.errors import ArgumentError
from contrapose.words import counted

_FOLDS = 41  # names the random stream of the order in which samples are dealt


def stratified_folds(labels: ArrayLike, count: int = 10, *, seed: int, groups: ArrayLike | None = None) -> np.ndarray:
    """In which fold each sample is tested: the classes one after the other, each in random order, are dealt round.

    Sizes of folds differ by one at most, and so do the members of a class in them, where no groups are larger than one.

    Shapes:
        labels: `(N,)`; groups: `(N,)`, what belongs together (exact copies); returns `(N,)` int64 from 0 to count - 1.

    Errors:
        ArgumentError: fewer samples than folds.
    """
    values = np.asarray(labels)
    belongs = np.arange(len(values)) if groups is None else np.asarray(groups)
    _, first, unit = np.unique(belongs, return_index=True, return_inverse=True)  # (U,), (N,)
    if len(first) < count:
        raise ArgumentError(
            f"{counted(len(first), 'different sample')} cannot be dealt to {count} folds, one to each at least: give "
            f"{count} or more that are no copies of each other, or measure by --task labelled-table, which holds out a "
            "fifth."
        )
    _, codes = np.unique(values[first], return_inverse=True)  # (U,)
    drawn = torch.randperm(len(first), generator=derived_generator(seed, _FOLDS)).numpy()  # (U,)
    order = drawn[np.argsort(codes[drawn], kind="stable")]  # (U,)
    folds = np.empty(len(first), np.int64)
    folds[order] = np.arange(len(first)) % count
    return folds[unit]  # (N,)
