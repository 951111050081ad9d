"""How far each node is from each leader, of one graph or of many."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from contrapose.controllability.breadth_first import levels
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
        values: `(P,)` int32, node by node, of a node leader by leader; `UNREACHABLE` where no path leads.
        starts: `(S,)`, where those of a node begin; `widths`: `(S,)`, how many there are.
        parents: `(K, E)` words of bits, one a leader: 1 where the source of an edge is one step nearer to the leader
            than its target, so that the target may owe its distance to this edge.
    """

    def __init__(self, topology: Topology, leaders: Leaders) -> None:
        self.topology, self.leaders = topology, leaders
        self.widths = np.repeat(leaders.counts, topology.node_counts)  # (S,)
        self.starts = np.cumsum(self.widths) - self.widths  # (S,)
        self.values = np.full(int(self.widths.sum()), UNREACHABLE, dtype=np.int32)
        most = int(leaders.counts.max(initial=1))
        word = next((word for word in _WORDS if most <= 8 * np.dtype(word).itemsize), np.uint64)
        bits = 8 * np.dtype(word).itemsize
        self.parents = np.zeros((-(-most // bits), len(topology.source)), dtype=word)

        rank = np.arange(len(leaders.nodes)) - np.repeat(leaders.pointers[:-1], leaders.counts)  # (M,)
        start = np.zeros((len(self.parents), topology.nodes), dtype=word)  # (K, S)
        start[rank // bits, leaders.nodes] = np.left_shift(word(1), (rank % bits).astype(word))
        self.values[self.starts[leaders.nodes] + rank] = 0
        for level in levels(topology, start):
            self.parents[:, level.edges] |= level.over
            word_of, node, bit = _ones(level.bits)
            self.values[self.starts[level.nodes[node]] + word_of * bits + bit] = level.distance

    def of_graph(self, graph: int = 0) -> np.ndarray:
        """`(n, m)` of one graph."""
        first, last = self.topology.node_pointers[graph : graph + 2]
        begin = self.starts[first] if first < last else 0
        width = self.leaders.counts[graph]
        return self.values[begin : begin + (last - first) * width].reshape(last - first, width)


def _ones(words: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where bits are 1 in `(K, n)` words: the number of the word, the column, the number of the bit."""
    word, column = words.nonzero()
    found = words[word, column]  # (z,)
    bits = np.unpackbits(found.view(np.uint8).reshape(len(found), -1), axis=1, bitorder="little")  # (z, bits)
    row, bit = bits.nonzero()
    return word[row], column[row], bit


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
