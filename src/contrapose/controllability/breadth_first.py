"""Breadth first search from many nodes of many graphs at once: a bit a leader, a word of bits a node."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from contrapose.controllability.topology import Topology

_FORGET_EVERY = 2  # levels after which graphs that are searched through are left out


@dataclass
class Found:
    """What the search tells of each node, in words of a bit a leader, `(K, S)` each.

    Attributes:
        reached: whether a leader reaches the node at all.
        thirds: whether its distance is 0, 1 or 2 modulo 3, which tells the nearer of two neighbours.
        digits: the binary digits of its distance, the lowest first.
    """

    reached: np.ndarray
    thirds: tuple[np.ndarray, np.ndarray, np.ndarray]
    digits: list[np.ndarray] = field(default_factory=list)

    def arrays(self) -> list[np.ndarray]:
        return [self.reached, *self.thirds, *self.digits]

    def of(self, kept: np.ndarray) -> Found:
        """The same of some of the nodes."""
        first, second, third = (words[:, kept] for words in self.thirds)
        return Found(self.reached[:, kept], (first, second, third), [words[:, kept] for words in self.digits])

    def grow(self) -> None:
        self.digits.append(np.zeros_like(self.reached))


def search(topology: Topology, start: np.ndarray) -> Found:
    """How far each node is from each leader.

    Shapes:
        start: `(K, S)` words, the bits of the leaders on the leaders themselves.

    A level is one pass over the edges of the graphs that are not searched through, whatever the number of leaders.
    """
    whole = Found(start.copy(), (start.copy(), np.zeros_like(start), np.zeros_like(start)))
    here, nodes = whole.of(np.arange(topology.nodes)), np.arange(topology.nodes)  # of what is still searched
    source, target, arriving, graph = topology.source, topology.target, topology.arriving, topology.graph_of_nodes
    fresh, distance = start, 0
    while len(source):
        distance += 1
        takes = np.flatnonzero(arriving[1:] > arriving[:-1])  # nodes that an edge leads to
        new = np.zeros_like(fresh)
        new[:, takes] = np.bitwise_or.reduceat(fresh.take(source, axis=1), arriving[takes], axis=1)
        new &= ~here.reached
        if not new.any():
            break
        if distance >> len(here.digits):
            here.grow()
            whole.grow()
        for written in _written(here, distance):
            written |= new
        fresh = new
        if distance % _FORGET_EVERY == 0:
            going = np.zeros(len(topology), dtype=bool)
            going[graph[new.any(axis=0)]] = True
            kept = going[graph]  # (n,)
            along = kept[target]  # (e,)
            if 4 * np.count_nonzero(along) > 3 * len(along):
                continue
            _write_back(whole, here, nodes)
            place = np.cumsum(kept) - 1  # (n,), the number of each node among those kept
            source, target = place[source[along]], place[target[along]]
            nodes, graph, fresh, here = nodes[kept], graph[kept], fresh[:, kept], here.of(kept)
            arriving = np.concatenate([[0], np.cumsum(np.diff(arriving)[kept])])
    _write_back(whole, here, nodes)
    return whole


def _written(found: Found, distance: int) -> list[np.ndarray]:
    """The words in which a distance is written."""
    digits = [words for place, words in enumerate(found.digits) if distance >> place & 1]
    return [found.reached, found.thirds[distance % 3], *digits]


def _write_back(whole: Found, part: Found, nodes: np.ndarray) -> None:
    for all_words, words in zip(whole.arrays(), part.arrays(), strict=True):
        all_words[:, nodes] = words
