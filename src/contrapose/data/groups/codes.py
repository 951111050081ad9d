"""The tuple of a sample's clusters as one number, and small groups merged into their neighbours."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int64
from numpy.typing import ArrayLike

from contrapose.errors import ArgumentError

LARGEST = np.iinfo(np.int64).max


def tuple_codes(labels: ArrayLike, clusters: int | Sequence[int]) -> Int64[np.ndarray, "N"]:
    """Each sample's tuple of clusters as one number, in mixed radix: equal where, and only where, the tuples agree.

        code <- code · K_s + a_s   for s = 0, ..., T - 1

    Columns may come from anywhere: from one encoder after another (one side), or from an encoder of each of two towers
    (two sides), whose clusters are then columns beside each other.

    Shapes:
        labels: `(N, T)` integers, a_s of each sample in column s.

    Arguments:
        clusters: K, or one for each column.

    Errors:
        ArgumentError: no column, labels that are no integers, negative or not below K, more tuples than 64 bits hold.

    Closed form: labels (2, 5, 1) with K = 10 are 251.
    """
    table = np.asarray(labels)
    if table.ndim != 2 or table.shape[1] < 1 or table.dtype.kind not in "iu":
        raise ArgumentError(
            f"A tuple of clusters takes integer labels of shape (N, T) with T from 1 on; got {table.dtype} of shape "
            f"{table.shape}."
        )
    counts = [clusters] * table.shape[1] if isinstance(clusters, int) else list(clusters)
    if len(counts) != table.shape[1]:
        raise ArgumentError(f"{table.shape[1]} columns of labels came with {len(counts)} numbers of clusters.")
    codes = np.zeros(len(table), dtype=np.int64)  # (N,)
    most = 1
    for column, count in enumerate(counts):
        check_labels(table[:, column], count, samples=len(table))
        most *= count
        if most > LARGEST:
            raise ArgumentError(f"{counts} clusters make more tuples than 64 bits can number: take fewer clusters.")
        codes = codes * count + table[:, column]
    return codes


def check_labels(labels: np.ndarray, clusters: int, *, samples: int) -> None:
    """Pass one cluster of each sample, from 0 to K - 1.

    Errors:
        ArgumentError: another number of labels than of samples, a negative one, one that is too large.
    """
    if labels.shape != (samples,):
        raise ArgumentError(f"{samples:,} samples came with labels of shape {labels.shape}: give one for each.")
    if len(labels) and int(labels.min()) < 0:
        raise ArgumentError(f"Clusters are numbered from 0; got the label {int(labels.min())}.")
    if len(labels) and int(labels.max()) >= clusters:
        raise ArgumentError(f"{clusters} clusters are numbered 0 to {clusters - 1}; got the label {int(labels.max())}.")


def group_numbers(codes: ArrayLike) -> tuple[Int64[np.ndarray, "N"], Int64[np.ndarray, "G"]]:
    """Codes numbered from 0 without gaps, in ascending order, and the code of each number."""
    found, groups = np.unique(np.asarray(codes), return_inverse=True)
    return groups.reshape(-1).astype(np.int64), found.astype(np.int64)  # (N,), (G,)


def merge_small(
    groups: Int64[np.ndarray, "N"], centres: Float[np.ndarray, "G D"], least: int
) -> Int64[np.ndarray, "N"]:
    """Groups of at least so many samples: the smallest joins the one whose centre is the nearest, again and again.

    Of two joined groups the centre is the mean of their centres, weighed by their samples. The nearest may be small as
    well: two small neighbours stay apart from all others, where sending each to a large group would blur that one's
    cluster. [design] The authors' sampler never sees groups smaller than a batch.

    Shapes:
        groups: numbers 0 to G - 1; returns numbers without gaps, in the order of the first of each.

    Arguments:
        centres: where each group lies.
        least: samples; at most as many as there are.

    Errors:
        ArgumentError: fewer samples than `least`, centres of another number than of groups, or not finite.

    Closed form: with `least` 1 nothing changes; with N everything is one group.
    """
    numbers, sizes = np.unique(groups, return_counts=True)  # (G,), (G,)
    if len(groups) < least:
        raise ArgumentError(f"No group can have {least:,} samples: there are {len(groups):,} in all.")
    if centres.ndim != 2 or len(centres) != len(numbers) or not (numbers == np.arange(len(numbers))).all():
        raise ArgumentError(f"{len(numbers)} groups came with centres of shape {centres.shape}: give a row for each.")
    if not np.isfinite(centres).all():
        raise ArgumentError("Centres of groups must be finite, and some are NaN or infinite.")
    place, size = centres.astype(np.float64), sizes.astype(np.int64)  # (G, D), (G,)
    into = np.arange(len(size))  # (G,): the group that each has become part of
    alive = np.ones(len(size), dtype=bool)
    while (smallest := _smallest(size, alive)) is not None and size[smallest] < least:
        apart = np.square(place - place[smallest]).sum(axis=1)  # (G,)
        apart[~alive] = np.inf
        apart[smallest] = np.inf
        nearest = int(apart.argmin())
        kept, gone = min(smallest, nearest), max(smallest, nearest)
        both = size[kept] + size[gone]
        place[kept] = (size[kept] * place[kept] + size[gone] * place[gone]) / both
        size[kept], alive[gone] = both, False
        into[into == gone] = kept
    return group_numbers(into[groups])[0]


def _smallest(size: np.ndarray, alive: np.ndarray) -> int | None:
    """The smallest of the groups that are left, the first of equals; None where one only is left."""
    left = np.flatnonzero(alive)
    return int(left[size[left].argmin()]) if len(left) > 1 else None
