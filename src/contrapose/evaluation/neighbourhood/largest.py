"""The largest numbers of each row of a wide tile, without sorting it."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float32, Int64

GROUP = 8
"""Columns of which one maximum is kept at first: an eighth of the tile is then searched [design, measured]."""

CROWD = 3
"""A row that offers more than so many times the numbers asked for is left to those who can tell ties apart."""


def largest(
    tile: Float32[np.ndarray, "t M"], count: int
) -> tuple[Float32[np.ndarray, "t k"], Int64[np.ndarray, "t k"], Bool[np.ndarray, "t"]]:
    """The `count` largest of each row, the largest first, with their columns; and the rows of which they are not known.

    Every number among the `count` largest stands in a group whose maximum is among the `count` largest maxima. So the
    smallest of these bounds the numbers that can matter, and the rest of the row is never looked at again. Rows full of
    equal numbers are not searched (the last result): what is given of them means nothing.

    Arguments:
        count: at most M.
    """
    rows, width = len(tile), tile.shape[1]
    groups = width // GROUP
    if groups < 2 * count:
        columns = np.argpartition(tile, width - count, axis=1)[:, width - count :]  # (t, k)
        return *_sorted(np.take_along_axis(tile, columns, axis=1), columns, count), np.zeros(rows, bool)
    maxima = tile[:, : groups * GROUP].reshape(rows, GROUP, groups).max(axis=1)  # (t, groups)
    rest = np.arange(groups * GROUP, width)  # fewer columns than a group has
    least = np.partition(maxima, groups - count, axis=1)[:, groups - count, None]  # (t, 1)
    offered = maxima >= least  # (t, groups)
    crowded = offered.sum(axis=1) > CROWD * count  # (t,)
    offered[crowded] = False
    row, group = np.divmod(np.flatnonzero(offered), groups)  # (P,)
    places = (row * width + group)[:, None] + np.arange(GROUP) * groups  # (P, GROUP)
    values = tile.reshape(-1).take(places)  # (P, GROUP)
    kept = np.flatnonzero(values >= least[row])
    row, places, values = row[kept // GROUP], places.reshape(-1)[kept], values.reshape(-1)[kept]
    column = places - row * width
    if groups * GROUP < width:  # fewer columns than a group has are left
        rest = tile[:, groups * GROUP :]  # (t, r)
        more, place = np.nonzero((rest >= least) & ~crowded[:, None])
        row, column = np.concatenate([row, more]), np.concatenate([column, place + groups * GROUP])
        values = np.concatenate([values, rest[more, place]])
        order = np.argsort(row, kind="stable")
        row, column, values = row[order], column[order], values[order]
    return *_padded(row, column, values, rows, count), crowded


def _padded(
    row: np.ndarray, column: np.ndarray, values: np.ndarray, rows: int, count: int
) -> tuple[np.ndarray, np.ndarray]:
    """Numbers that are sorted by their row as the `count` largest of each row, `(t, count)`."""
    sizes = np.bincount(row, minlength=rows)  # (t,)
    place = np.arange(len(row)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    width = max(count, int(sizes.max(initial=0)))
    table = np.full((rows, width), -np.inf, np.float32)
    where = np.zeros((rows, width), np.int64)
    table[row, place], where[row, place] = values, column
    return _sorted(table, where, count)


def _sorted(values: np.ndarray, columns: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    order = np.argsort(-values, axis=1)[:, :count]  # (t, count)
    return np.take_along_axis(values, order, axis=1), np.take_along_axis(columns, order, axis=1)
