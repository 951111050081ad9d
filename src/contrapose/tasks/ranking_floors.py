"""What recommends without a network: what many took, what is taken after the last item, what goes with all of them."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from contrapose.data.items import Histories
from contrapose.data.ragged import Ragged


class Scorer(Protocol):
    """Scores of all items, for some users at a time."""

    protocol: str
    """How it scores, in words."""

    def __call__(self, histories: Ragged) -> np.ndarray:
        """`(B, M)`, of histories that are read up to their end."""
        ...


class Popular:
    """How often each item was taken, the same for everybody.

    Arguments:
        known: the histories that may be learned from.
    """

    protocol = "how often an item was taken"

    def __init__(self, known: Histories) -> None:
        taken = known.batch(np.arange(len(known))).values
        self.counts = np.bincount(taken, minlength=known.items + 1)[1:].astype(np.float32)  # (M,)

    def __call__(self, histories: Ragged) -> np.ndarray:
        return np.broadcast_to(self.counts, (len(histories), len(self.counts)))


class AfterLast:
    """How often an item was taken right after the last one of the history (a Markov chain); of those that never were,
    the popular ones first.

    Arguments:
        known: as of `Popular`.
    """

    protocol = "how often an item was taken right after the last one, then how often at all"

    def __init__(self, known: Histories) -> None:
        from scipy.sparse import csr_matrix

        pairs = known.batch(np.arange(len(known)))
        behind = np.ones(len(pairs.values), dtype=bool)  # whether an item follows one of the same user
        behind[pairs.pointers[:-1]] = False
        after = np.flatnonzero(behind)
        rows, columns = pairs.values[after - 1] - 1, pairs.values[after] - 1
        ones, shape = np.ones(len(after), np.float32), (known.items, known.items)
        self.counts: Any = csr_matrix((ones, (rows, columns)), shape=shape)
        popular = Popular(known).counts
        self.popular = popular / (popular.sum() + 1)  # (M,), each below 1

    def __call__(self, histories: Ragged) -> np.ndarray:
        last = histories.values[histories.pointers[1:] - 1] - 1  # (B,)
        return np.asarray(self.counts[last].toarray() + self.popular)


class AlikeItems:
    """Which users two items have in common, summed over the history: cosine neighbours of items.

        score(u, j) = sum over the items i of the history of |U_i and U_j| / sqrt(|U_i| |U_j|),   i != j

    Arguments:
        known: as of `Popular`.

    Paper: Sarwar et al. 2001, https://doi.org/10.1145/371920.372071
    """

    protocol = "cosine of the users of an item with those of the items of the history, summed"

    def __init__(self, known: Histories) -> None:
        self.items = known.items
        taken = self._taken(known.batch(np.arange(len(known))))  # (U, M)
        taken.data[:] = 1  # whether, not how often
        lengths = np.sqrt(np.asarray(taken.sum(axis=0)).ravel())  # (M,)
        scaled = taken.multiply(1 / np.where(lengths > 0, lengths, 1)).tocsr()
        self.alike = (scaled.T @ scaled).tocsr()  # (M, M)
        self.alike.setdiag(0)

    def __call__(self, histories: Ragged) -> np.ndarray:
        return np.asarray((self._taken(histories) @ self.alike).toarray())

    def _taken(self, histories: Ragged) -> Any:
        from scipy.sparse import csr_matrix

        ones, shape = np.ones(len(histories.values), np.float32), (len(histories), self.items)
        found = csr_matrix((ones, histories.values - 1, histories.pointers), shape=shape)
        found.sum_duplicates()
        return found
