"""Zero-shot: which of some labels, none of which was learned from, is most like a sample?"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from contrapose.errors import ArgumentError
from contrapose.evaluation.inputs import Array, as_rows
from contrapose.evaluation.similarity import directions


def cosine_scores(samples: Array, labels: Array) -> np.ndarray:
    """The cosine of each sample with each label, embedded alike; 0 of a row of zeros, which is like nothing.

    Shapes:
        samples: `(N, D)`; labels: `(L, D)`; returns `(N, L)` float64.

    Errors:
        ArgumentError: rows of two lengths, NaN.
    """
    rows, others = as_rows(samples, "samples", minimum=1), as_rows(labels, "labels", minimum=1)
    if rows.shape[1] != others.shape[1]:
        raise ArgumentError(f"samples have {rows.shape[1]} dimensions and labels {others.shape[1]}: embed both alike.")
    (one, _), (other, _) = directions(rows.double()), directions(others.double())  # (N, D), (L, D)
    return (one @ other.T).cpu().numpy()  # (N, L)


def in_any_order(score: Callable[[Sequence[str]], np.ndarray], labels: Sequence[str]) -> np.ndarray:
    """`score(labels)` `(N, L)`, the same numbers to the last bit in whatever order the labels come."""
    order = sorted(range(len(labels)), key=lambda place: labels[place])
    found = score([labels[place] for place in order])  # (N, L)
    return found[:, np.argsort(order)]


def likeliest(scores: np.ndarray, labels: Sequence[str]) -> np.ndarray:
    """The label with the largest score, `(N,)`; of equals the first by alphabet, so that their order plays no part.

    A constant that is added to all scores of a sample changes nothing.
    """
    order = sorted(range(len(labels)), key=lambda place: labels[place])
    return np.asarray([labels[place] for place in order])[scores[:, order].argmax(axis=1)]
