"""Breadth first search from many nodes of many graphs at once: a bit a leader, a word of bits a node."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from contrapose.controllability.topology import Topology

_FORGET_EVERY = 4  # levels after which graphs that are searched through are left out


@dataclass(frozen=True)
class Level:
    """What was reached at one distance.

    Shapes:
        nodes: `(n,)`, the nodes that are still looked at; `bits`: `(K, n)`, which leaders reached each of them now.
        edges: `(e,)`, the edges that are still looked at; `over`: `(K, e)`, which leaders came over each of them now.
    """

    distance: int
    nodes: np.ndarray
    bits: np.ndarray
    edges: np.ndarray
    over: np.ndarray


def levels(topology: Topology, start: np.ndarray) -> Iterator[Level]:
    """The levels of the search, from distance 1 on.

    Shapes:
        start: `(K, S)` words, the bits of the leaders on the leaders themselves.
    """
    nodes, edges = np.arange(topology.nodes), np.arange(len(topology.source))
    source, target, arriving = topology.source, topology.target, topology.arriving
    graph = topology.graph_of_nodes
    fresh, reached, distance = start, start.copy(), 0
    while len(edges):
        distance += 1
        takes = np.flatnonzero(np.diff(arriving))  # nodes that an edge leads to
        came = fresh[:, source]  # (K, e)
        new = np.zeros_like(fresh)
        new[:, takes] = np.bitwise_or.reduceat(came, arriving[takes], axis=1)
        new &= ~reached
        if not new.any():
            return
        yield Level(distance, nodes, new, edges, came & new[:, target])
        reached |= new
        fresh = new
        if distance % _FORGET_EVERY == 0:
            going = np.zeros(len(topology), dtype=bool)
            going[graph[new.any(axis=0)]] = True
            kept, along = going[graph], going[graph[target]]  # (n,), (e,)
            if 2 * np.count_nonzero(along) > len(along):
                continue
            place = np.cumsum(kept) - 1  # (n,), the number of each node among those kept
            nodes, graph, edges = nodes[kept], graph[kept], edges[along]
            source, target = place[source[along]], place[target[along]]
            arriving = np.searchsorted(target, np.arange(len(nodes) + 1))
            fresh, reached = fresh[:, kept], reached[:, kept]
