"""How far each node is from each leader, of one graph or of many."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from contrapose.controllability.breadth_first import search
from contrapose.controllability.topology import Topology, checked_leaders

UNREACHABLE = 2**30
"""The distance of a node from a leader that no path leads to: larger than any other."""
_WORDS = (np.uint8, np.uint16, np.uint32, np.uint64)


@dataclass(frozen=True)
class Leaders:
    """The leaders of B graphs.

    Shapes:
        nodes: `(M,)` int64, numbered as the nodes of all graphs are, graph by graph.
        pointers: `(B + 1,)`; graph b has the leaders `pointers[b]` to `pointers[b + 1]`.
    """

    nodes: np.ndarray
    pointers: np.ndarray

    @property
    def counts(self) -> np.ndarray:
        """`(B,)`."""
        return np.diff(self.pointers)


class Distances:
    """The distances of the nodes of B graphs from the leaders of their graph, and the edges that these are owed to.

    Shapes:
        found: distances as `Found` has them, in words of a bit a leader.
        parents: `(K, E)` words of a bit a leader: 1 where the source of an edge is one step nearer to the leader than
            its target, so that the target may owe its distance to this edge.
    """

    def __init__(self, topology: Topology, leaders: Leaders) -> None:
        self.topology, self.leaders = topology, leaders
        self.most = int(leaders.counts.max(initial=1))
        word = next((word for word in _WORDS if self.most <= 8 * np.dtype(word).itemsize), np.uint64)
        self.bits = 8 * np.dtype(word).itemsize
        rank = np.arange(len(leaders.nodes)) - np.repeat(leaders.pointers[:-1], leaders.counts)  # (M,)
        start = np.zeros((-(-self.most // self.bits), topology.nodes), dtype=word)  # (K, S)
        start[rank // self.bits, leaders.nodes] = np.left_shift(word(1), (rank % self.bits).astype(word))
        self.found = search(topology, start)

        source, target, thirds = topology.source, topology.target, self.found.thirds
        nearer = (words.take(source, axis=1) for words in thirds)  # neighbours differ by one at most
        farther = (thirds[third].take(target, axis=1) for third in (1, 2, 0))
        first, second, third = (near & far for near, far in zip(nearer, farther, strict=True))
        self.parents = first | second | third  # (K, E)

    def values(self) -> np.ndarray:
        """`(S, m)` int32, m the most leaders of a graph; `UNREACHABLE` where no path leads, and where the graph of a
        node has no such leader."""
        values = np.zeros((self.topology.nodes, self.most), dtype=np.int32)
        for place, digits in enumerate(self.found.digits):
            values |= _unpacked(digits, self.most).astype(np.int32) << place
        return np.where(_unpacked(self.found.reached, self.most), values, np.int32(UNREACHABLE))

    def from_leader(self, number: int) -> np.ndarray:
        """A column of it, `(S,)`: the distance from the leader of this number, of each graph."""
        word, shift = divmod(number, self.bits)
        values = np.zeros(self.topology.nodes, dtype=np.int64)
        for place, digits in enumerate(self.found.digits):
            values |= (digits[word] >> digits.dtype.type(shift) & digits.dtype.type(1)).astype(np.int64) << place
        reached = self.found.reached[word] >> self.found.reached.dtype.type(shift) & self.found.reached.dtype.type(1)
        return np.where(reached, values, UNREACHABLE)

    def of_graph(self, graph: int = 0) -> np.ndarray:
        """`(n, m)` of one graph."""
        first, last = self.topology.node_pointers[graph : graph + 2]
        return self.values()[first:last, : self.leaders.counts[graph]]


def _unpacked(words: np.ndarray, most: int) -> np.ndarray:
    """`(K, S)` words as `(S, most)` bool, a bit each."""
    octets = np.ascontiguousarray(words.T).view(np.uint8)  # (S, 8 K) or fewer
    return np.unpackbits(octets, axis=1, count=most, bitorder="little").view(bool)


def leader_distances(edges: Any, nodes: int, leaders: Any) -> np.ndarray:
    """The number of edges on a shortest path from each node to each leader: D_v = (dist(v, l_1), ..., dist(v, l_m)).

    Shapes:
        edges: `(2, E)` in both directions; leaders: `(m,)`; returns `(nodes, m)` int32, the leaders in ascending order,
            `UNREACHABLE` where there is no path.

    Errors:
        ArgumentError: no leader, one that is no node, a directed or weighted graph, none at all.

    >>> leader_distances([[0, 1, 1, 2], [1, 0, 2, 1]], 3, [0]).T.tolist()  # a path
    [[0, 1, 2]]
    """
    topology = Topology.of(edges, nodes)
    return Distances(topology, of_one(checked_leaders(leaders, nodes))).of_graph()


def of_one(leaders: np.ndarray) -> Leaders:
    """The leaders of one graph as those of a batch."""
    return Leaders(leaders, np.array([0, len(leaders)]))
