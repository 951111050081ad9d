"""Few labels: so many of each class are drawn, and the others are as if nobody had given them."""

from __future__ import annotations

import numpy as np
import torch

from contrapose.data.labels import UNLABELLED
from contrapose.data.randomness import derived_generator
from contrapose.errors import ArgumentError


def few_a_class(labels: np.ndarray, count: int, *, seed: int) -> np.ndarray:
    """The labels with so many of each class left, drawn at random, and -1 in the place of the others.

    A class keeps what it has where that is fewer. Which are drawn depends on the class's number, its members and the
    seed: of two draws with one seed the smaller is part of the larger.

    Shapes:
        labels: `(N,)` int64, -1 where there is none; returns the same.

    Errors:
        ArgumentError: a count below 1.
    """
    if count < 1:
        raise ArgumentError(f"count is {count}: draw one label of each class at least.")
    drawn = np.full_like(labels, UNLABELLED)  # (N,)
    for number in np.unique(labels[labels != UNLABELLED]).tolist():
        members = np.flatnonzero(labels == number)  # (n,)
        order = torch.randperm(len(members), generator=derived_generator(seed, number)).numpy()  # (n,)
        drawn[members[order[:count]]] = number
    return drawn
