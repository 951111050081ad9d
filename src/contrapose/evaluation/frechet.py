"""Are made samples like real ones? The distance of two clouds of features as if both were normal, and their spread."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from contrapose.errors import ArgumentError
from contrapose.evaluation.inputs import Array, as_rows

MOST_PAIRS = 2_000
"""Rows of which all pairs are compared: evenly spaced ones where there are more."""


def frechet_distance(first: Array, second: Array) -> float:
    """The squared Wasserstein-2 distance of two normal distributions with the means and covariances of two clouds.

        d = |m1 - m2|^2 + tr(S1 + S2 - 2 (S1^1/2 S2 S1^1/2)^1/2)

    With features of an Inception network it is what FID names; with others it is not comparable with those. It falls
    with the number of rows, by about the sum of the variances over N: compare clouds of equal size alone, and set real
    against real beside it.

    Shapes:
        first: `(M, D)`, second: `(N, D)`, two or more rows each.

    Errors:
        ArgumentError: other shapes, fewer than two rows, NaN or infinity.

    Closed form: equal clouds give 0; a cloud moved by v gives |v|^2; of covariances that are diagonal in one basis the
    second term is sum (sqrt a - sqrt b)^2.

    Paper: Heusel et al., NeurIPS 2017, https://arxiv.org/abs/1706.08500; Dowson and Landau 1982.
    """
    x, y = _clouds(first, second)
    mean = np.square(x.mean(axis=0) - y.mean(axis=0)).sum()
    one, other = np.atleast_2d(np.cov(x.T)), np.atleast_2d(np.cov(y.T))  # (D, D) each
    root = _root(one)  # (D, D)
    both = np.linalg.eigvalsh(root @ other @ root).clip(min=0)  # (D,)
    found = mean + np.trace(one) + np.trace(other) - 2 * np.sqrt(both).sum()
    return max(0.0, float(found))  # rounding may leave it below


def diversity(made: Array, real: Array, classes: Array | None = None, real_classes: Array | None = None) -> float:
    """How far made samples of one class lie from each other, as a share of how far real ones do.

        mean over classes of the mean distance of two made ones  /  the same of real ones

    A generator that draws one picture a class has 0, however good that picture is; real samples have about 1.

    Shapes:
        made: `(M, D)`, real: `(N, D)`; classes: `(M,)`, real_classes: `(N,)`.

    Arguments:
        classes, real_classes: None: all are of one class. Classes with fewer than two rows on a side are passed over.

    Errors:
        ArgumentError: other shapes, or no class with two rows on both sides that differ.
    """
    x, y = _clouds(made, real)
    own = np.zeros(len(x)) if classes is None else np.asarray(classes)
    theirs = np.zeros(len(y)) if real_classes is None else np.asarray(real_classes)
    if len(own) != len(x) or len(theirs) != len(y):
        raise ArgumentError(f"classes must be one a row, {len(x)} and {len(y)}, got {len(own)} and {len(theirs)}.")
    spreads = []
    for one in np.unique(own):
        few = [rows[of == one] for rows, of in ((x, own), (y, theirs))]
        if min(map(len, few)) > 1:
            spreads.append([_mean_distance(rows) for rows in few])
    total = np.mean(spreads, axis=0) if spreads else np.zeros(2)
    if not total[1] > 0:
        raise ArgumentError("Diversity is a share of that of real samples: give two that differ, of a class at least.")
    return float(total[0] / total[1])


def _clouds(first: Array, second: Array) -> tuple[Float[np.ndarray, "M D"], Float[np.ndarray, "N D"]]:
    x, y = (as_rows(z, name, minimum=2).double().cpu().numpy() for z, name in ((first, "first"), (second, "second")))
    if x.shape[1] != y.shape[1]:
        raise ArgumentError(f"Both clouds need features of one length, got {x.shape[1]} and {y.shape[1]}.")
    return x, y


def _root(covariance: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eigh(covariance)  # (D,), (D, D)
    return (vectors * np.sqrt(values.clip(min=0))) @ vectors.T


def _mean_distance(rows: np.ndarray) -> float:
    """Of two different rows."""
    some = rows[np.arange(min(len(rows), MOST_PAIRS)) * len(rows) // min(len(rows), MOST_PAIRS)]  # (n, D)
    squares = np.square(some).sum(axis=1)  # (n,)
    distances = np.sqrt((squares[:, None] + squares - 2 * some @ some.T).clip(min=0))  # (n, n)
    return float(distances.sum() - np.trace(distances)) / (len(some) * (len(some) - 1))
