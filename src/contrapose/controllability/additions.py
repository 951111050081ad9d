"""Pairs of nodes to be joined: any that are not, or those that are about as far from every leader."""

from __future__ import annotations

import numpy as np

from contrapose.controllability.deletions import first_of_each
from contrapose.controllability.distances import UNREACHABLE, Distances
from contrapose.controllability.topology import Topology

_DRAWS = (3, 12)
"""Pairs drawn for each that is still missing, a round each."""
_LISTED = 2**12
"""Pairs of a graph that are all looked at where drawing found too few; of larger graphs what was drawn has to do."""


def new_pairs(
    topology: Topology, wanted: np.ndarray, random: np.random.Generator, *, distances: Distances | None = None
) -> np.ndarray:
    """Pairs of nodes of the same graph that are not joined, uniformly among those that may be, none twice.

    Shapes:
        wanted: `(B,)`, how many at most of each graph; returns `(2, A)`, the smaller node first.

    Arguments:
        distances: take only pairs whose distances from every leader differ by one at most: joined, no node gets nearer
            to a leader, however many such pairs are joined at once. None: any pair.
    """
    nodes = topology.node_counts
    missing = np.minimum(wanted, nodes * (nodes - 1) // 2 - topology.edge_counts)
    chosen = np.zeros((2, 0), dtype=np.int64)
    if not missing.any():
        return chosen
    likely = _Likely(topology, distances)
    missing = np.where(likely.counts > 0, missing, 0)
    for draws in _DRAWS:
        graph = np.repeat(np.arange(len(topology)), draws * missing)  # (p,)
        drawn = likely.first[graph] + (random.random(len(graph)) * likely.counts[graph]).astype(np.int64)
        chosen, missing = _with(chosen, missing, topology, likely.joinable(drawn), random)
        if not missing.any():
            return chosen
    graph = np.flatnonzero((missing > 0) & (likely.counts <= _LISTED))
    counts = likely.counts[graph]
    listed = np.arange(counts.sum()) + np.repeat(likely.first[graph] - counts.cumsum() + counts, counts)
    return _with(chosen, missing, topology, likely.joinable(listed), random)[0]


class _Likely:
    """Numbered pairs of nodes among which all that may be joined are: those that are about as far from that leader from
    which the nodes of their graph differ most. Of two nodes by chance few are, where a graph is large."""

    def __init__(self, topology: Topology, distances: Distances | None) -> None:
        self.topology, self.distances = topology, distances
        graph = topology.graph_of_nodes
        level = np.zeros(topology.nodes, dtype=np.int64) if distances is None else 1 + _farthest(distances)  # (S,)
        key = graph * (int(level.max(initial=0)) + 2) + level
        self.order = key.argsort(kind="stable")  # (S,), by graph, then by distance
        key = key[self.order]
        end = topology.node_pointers[graph + 1] if distances is None else np.searchsorted(key, key + 1, side="right")
        self.ends = np.cumsum(end - np.arange(topology.nodes) - 1)  # (S,), the pairs of a node with those behind it
        at = np.concatenate([[0], self.ends])[topology.node_pointers]
        self.first, self.counts = at[:-1], np.diff(at)  # (B,) each, the pairs of a graph

    def joinable(self, number: np.ndarray) -> np.ndarray:
        """Those of the pairs of these numbers that may be joined, each once: `(2, q)`."""
        place = np.searchsorted(self.ends, number, side="right")  # (p,)
        partner = place + 1 + number - np.where(place > 0, self.ends[place - 1], 0)
        one, other = self.order[place], self.order[partner]
        a, b = np.minimum(one, other), np.maximum(one, other)
        if self.distances is not None:
            near = _as_far(self.distances, a, b)
            a, b = a[near], b[near]
        apart = ~self.topology.has(a, b)
        keys = np.unique(a[apart] * self.topology.nodes + b[apart])
        return np.stack(np.divmod(keys, max(self.topology.nodes, 1)))


def _farthest(distances: Distances) -> np.ndarray:
    """The distance of each node from that leader of its graph from which nodes differ most, `(S,)`; where no path
    leads, one more than the largest there is."""
    reached = distances.values < UNREACHABLE
    most = int(distances.values.max(initial=0, where=reached)) + 2
    values = np.where(reached, distances.values, -1)  # (S, m)
    topology = distances.topology
    filled = np.flatnonzero(topology.node_counts)
    largest = np.maximum.reduceat(values, topology.node_pointers[filled], axis=0).argmax(axis=1)  # of each such graph
    leader = np.repeat(largest, topology.node_counts[filled])  # (S,)
    found = values[np.arange(len(values)), leader]
    return np.where(found < 0, most, found).astype(np.int64)


def _as_far(distances: Distances, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The places of the pairs whose distances from each leader differ by one at most, `(q,)`.

    Held against the first leaders one after another, for most pairs fail there; then against all at once, by
    subtracting the binary digits of the distances, a word of leaders at a time: the difference is 0 (no digit), 1 (the
    lowest alone) or -1 (all, and one was borrowed).
    """
    values, found = distances.values, distances.found
    left = np.arange(len(a))
    for leader in range(min(values.shape[1], 2)):
        column = values[:, leader].copy()
        left = left[np.abs(column[a[left]] - column[b[left]]) <= 1]
    if values.shape[1] <= 2:
        return left
    a, b = a[left], b[left]
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
    return left[(alike & (~high | (every & borrow) == ~np.zeros_like(high))).all(axis=0)]


def _with(
    chosen: np.ndarray, missing: np.ndarray, topology: Topology, found: np.ndarray, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """The pairs chosen so far with as many of those found as are missing, and how many are missing then."""
    if chosen.shape[1]:
        keys = chosen[0] * topology.nodes + chosen[1]
        found = found[:, ~np.isin(found[0] * topology.nodes + found[1], keys)]
    graph = topology.graph_of_nodes[found[0]]  # (q,)
    taken = first_of_each(graph, random.random(len(graph)), missing)
    missing = missing - np.bincount(graph[taken], minlength=len(topology))
    return np.concatenate([chosen, found[:, taken]], axis=1), missing
