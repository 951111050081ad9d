"""Pairs of nodes that can be joined without bringing any node nearer to a leader."""

from __future__ import annotations

import numpy as np

from contrapose.controllability.changes.of_each import first_of_each
from contrapose.controllability.distances import UNREACHABLE, Distances

_DRAWS = (3, 12)
"""Pairs drawn for each that is still missing, a round each."""
_LISTED = 2**12
"""Pairs of a graph that are all looked at where drawing found too few; of larger graphs what was drawn has to do."""


class FreeAdditions:
    """Pairs of nodes of the same graph that are not joined and whose distances from every leader differ by one at most:
    joined, no node gets nearer to a leader, however many such pairs are joined at once. A node that a leader does not
    reach pairs with nodes that it does not reach either.

    Of two nodes by chance few are such a pair, where a graph is large. So pairs are drawn among nodes about as far from
    the first leader of their graph: in that order a node's partners stand behind it, and all pairs can be numbered.
    """

    def __init__(self, distances: Distances) -> None:
        self.distances, self.topology = distances, distances.topology
        nodes, S = self.topology.node_counts, self.topology.nodes
        self.free = nodes * (nodes - 1) // 2 - self.topology.edge_counts  # (B,), pairs that are not joined
        self.joined = self.topology.keys  # (E,)
        distance = distances.from_leader(0)  # (S,)
        most = int(distance.max(initial=0, where=distance < UNREACHABLE)) + 2
        key = self.topology.graph_of_nodes * (most + 3) + np.minimum(distance, most)
        self.order = key.argsort(kind="stable")  # (S,), by graph, then by distance
        key = key[self.order]
        partners = np.searchsorted(key, key + 1, side="right") - np.arange(S) - 1  # (S,), those behind it
        self.ends = np.cumsum(partners)  # (S,), the numbers of a node's pairs end here
        at = np.concatenate([[0], self.ends])[self.topology.node_pointers]
        self.first, self.counts = at[:-1], np.diff(at)  # (B,) each, the numbers of a graph

    def draw(self, wanted: np.ndarray, random: np.random.Generator) -> np.ndarray:
        """Pairs to join, anew: `(2, A)`, the smaller node first; uniformly among all that may be, none twice.

        Shapes:
            wanted: `(B,)`, how many at most of each graph. Where fewer are found, there are no more, but in graphs of
                more than 4,096 numbered pairs, of which a dozen are drawn for each that is wanted.
        """
        missing = np.where(self.counts > 0, np.minimum(wanted, self.free), 0)
        chosen = np.zeros(0, dtype=np.int64)
        for draws in _DRAWS:
            if not missing.any():
                break
            graph = np.repeat(np.arange(len(self.topology)), draws * missing)  # (p,)
            drawn = self.first[graph] + (random.random(len(graph)) * self.counts[graph]).astype(np.int64)
            drawn.sort()
            chosen, missing = self._with(chosen, missing, drawn[np.diff(drawn, prepend=-1) > 0], random)
        few = np.flatnonzero((missing > 0) & (self.counts <= _LISTED))
        if len(few):
            counts = self.counts[few]
            listed = np.arange(counts.sum()) + np.repeat(self.first[few] - counts.cumsum() + counts, counts)
            chosen, _ = self._with(chosen, missing, listed, random)
        return np.stack(np.divmod(chosen, max(self.topology.nodes, 1)))

    def _with(
        self, chosen: np.ndarray, missing: np.ndarray, number: np.ndarray, random: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """The keys chosen so far with as many of the numbered pairs as are missing, and how many are missing then."""
        found = self._possible(number)
        found = found[~_among(chosen, found)]
        graph = self.topology.graph_of_nodes[found // max(self.topology.nodes, 1)]  # (q,)
        taken = first_of_each(graph, random.random(len(graph)), missing)
        together = np.concatenate([chosen, found[taken]])
        together.sort()
        return together, missing - np.bincount(graph[taken], minlength=len(self.topology))

    def _possible(self, number: np.ndarray) -> np.ndarray:
        """Those of the numbered pairs that may be joined, as keys in ascending order: S times the smaller node plus the
        larger, `(q,)`. The numbers are in ascending order, too."""
        place = np.searchsorted(self.ends, number, side="right")  # (p,)
        partner = place + 1 + number - np.where(place > 0, self.ends[place - 1], 0)
        one, other = self.order[place], self.order[partner]
        near = _as_far(self.distances, one, other)
        one, other = one[near], other[near]
        keys = np.minimum(one, other) * self.topology.nodes + np.maximum(one, other)
        keys.sort()
        return keys[~_among(self.joined, keys)]


def _as_far(distances: Distances, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The places of the pairs whose distances from each leader differ by one at most, `(q,)`.

    They are subtracted by their binary digits, from a word of leaders at a time: the difference is 0 (no digit), 1 (the
    lowest alone), nothing borrowed, or -1 (all digits, and one borrowed).
    """
    left = np.arange(len(a))
    if distances.most > 2:  # most pairs fail at one leader already
        column = distances.from_leader(1)
        left = left[np.abs(column[a] - column[b]) <= 1]
        a, b = a[left], b[left]
    found = distances.found
    borrow = np.zeros((len(found.reached), len(left)), dtype=found.reached.dtype)  # (K, r)
    high, every = borrow.copy(), ~borrow
    for place, digits in enumerate(found.digits):
        one, other = digits.take(a, axis=1), digits.take(b, axis=1)
        unlike = one ^ other
        digit = unlike ^ borrow
        borrow = (~one & other) | (~unlike & borrow)
        every &= digit
        if place:
            high |= digit
    alike = found.reached.take(a, axis=1) == found.reached.take(b, axis=1)
    return left[(alike & (((~high & ~borrow) | (every & borrow)) == ~np.zeros_like(high))).all(axis=0)]


def _among(known: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """Which of the numbers asked for are among those known, both in ascending order."""
    if len(known) == 0:
        return np.zeros(len(asked), dtype=bool)
    return known[np.minimum(np.searchsorted(known, asked), len(known) - 1)] == asked
