"""All products of queries and bank, once: what is nearest by them, and how sure that is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64

from contrapose.evaluation.neighbourhood.centred import CentredBank
from contrapose.evaluation.neighbourhood.largest import largest

TILE_BYTES = 64_000_000
"""Of products at a time."""

FEWEST_ROWS = 256
"""Queries at a time for which products are still fast."""

SPARE = 32
"""Neighbours kept beyond those asked for, so that near ties at the last place are seen whole."""

See = Callable[[Float32[np.ndarray, "t M"], Float64[np.ndarray, "t"]], None]
"""What else wants every tile of products, and what to add to its rows for cosines."""


@dataclass(frozen=True)
class Found:
    """The nearest rows of a block of queries by float32 products.

    Shapes:
        similarity: `(t, c)`, the largest first, each less a number of its query; index: `(t, c)` into the bank; error:
            `(t,)`, what a similarity can be off; crowded: `(t,)`, whether rows of the bank that tie were left out, so
            that the others mean nothing.
    """

    similarity: Float64[np.ndarray, "t c"]
    index: Int64[np.ndarray, "t c"]
    error: Float64[np.ndarray, "t"]
    crowded: Bool[np.ndarray, "t"]


def sweep(bank: CentredBank, queries: Float32[np.ndarray, "T D"], k: int, *, see: See | None = None) -> Iterator[Found]:
    """Blocks of queries, in order, with their nearest `k + SPARE` rows of the bank.

    Arguments:
        k: neighbours, at most N.
        see: is shown every tile before it is overwritten, and may not change it.
    """
    count = len(bank.bank)
    wanted = min(count, k + SPARE)
    rows = max(FEWEST_ROWS, TILE_BYTES // (4 * count))
    width = max(wanted, min(count, TILE_BYTES // (4 * rows)))
    held = np.empty(min(rows, len(queries)) * width, np.float32)
    for start in range(0, len(queries), rows):
        sides, shift, error = bank.query(queries[start : start + rows])  # (t, K), (t,), (t,)
        similarity, index = np.empty((len(sides), 0), np.float32), np.empty((len(sides), 0), np.int64)
        crowded = np.zeros(len(sides), bool)
        for first in range(0, count, width):
            columns = bank.columns[:, first : first + width]  # (K, m)
            tile = held[: len(sides) * columns.shape[1]].reshape(len(sides), -1)  # (t, m)
            np.matmul(sides, columns, out=tile)
            if see is not None:
                see(tile, shift)
            values, where, full = largest(tile, min(wanted, tile.shape[1]))  # (t, c), (t, c), (t,)
            crowded |= full
            similarity, index = np.concatenate([similarity, values], 1), np.concatenate([index, where + first], 1)
            if first:
                order = np.argsort(-similarity, axis=1)[:, :wanted]  # (t, c)
                similarity = np.take_along_axis(similarity, order, 1)
                index = np.take_along_axis(index, order, 1)
        yield Found(similarity.astype(np.float64), index, error, crowded)
