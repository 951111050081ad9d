"""Edges that can be left out one after another without moving any node away from its leaders."""

from __future__ import annotations

import numpy as np

from contrapose.controllability.changes.of_each import first_of_each
from contrapose.controllability.distances import Distances


class FreeDeletions:
    """Edges that one may leave out: those that one finds who goes through the edges of a graph in random order, and
    takes each away whose farther end keeps another parent *in the graph as it is by then*, for every leader.

    An edge whose ends are equally far from every leader is no parent and always goes; where an end has one parent for
    some leader, that edge never does: of a tree with one leader, none. This much is known of the graphs, once; which of
    the others go is drawn.

    All graphs are gone through at once, in rounds that settle what going one by one would: an edge of which, for each
    leader, another parent of its end comes later in the order goes for sure, for that one could stay; an edge that is
    the last parent that has not gone stays for sure. The first undecided edge of a graph is always one or the other.
    """

    def __init__(self, distances: Distances) -> None:
        self.topology, self.parents = distances.topology, distances.parents
        source, target, S = self.topology.source, self.topology.target, self.topology.nodes
        upwards = source < target  # (E,)
        own, back = np.flatnonzero(upwards), np.flatnonzero(~upwards)  # (U,) each
        own = own[(source[own] * S + target[own]).argsort()]  # in the order of the others
        self.number = np.empty(len(source), dtype=np.int64)  # (E,), of the edge that a direction belongs to
        self.number[own] = self.number[back] = np.arange(len(own))
        self.graph = self.topology.graph_of_nodes[target[own]]  # (U,)
        before, after = _earlier(self.parents, target), _later(self.parents, target)
        only = (self.parents & ~(before | after)).any(axis=0)  # (E,), the only parent for some leader
        self.may = np.ones(len(own), dtype=bool)
        self.may[self.number[only]] = False
        owed = np.zeros(len(own), dtype=bool)
        owed[self.number[self.parents.any(axis=0)]] = True
        self.unsettled = np.flatnonzero((self.may & owed)[self.number])  # directions of the edges that are drawn about
        self.kept = np.zeros((len(self.parents), S), dtype=self.parents.dtype)  # (K, S), leaders with a sure parent
        self._keep(self.kept, np.flatnonzero(~self.may[self.number]))

    def draw(self, budget: np.ndarray, random: np.random.Generator) -> np.ndarray:
        """Which edges to leave out, anew: `(E,)` bool, the same for both directions of an edge.

        Shapes:
            budget: `(B,)`, after how many of each graph to stop.
        """
        order = random.random(len(self.may))  # (U,), when each edge's turn comes
        found = np.flatnonzero(self._in_turn(order))
        gone = np.zeros(len(self.may), dtype=bool)
        gone[found[first_of_each(self.graph[found], order[found], budget)]] = True
        return gone[self.number]

    def _in_turn(self, order: np.ndarray) -> np.ndarray:
        """Which edges go if nobody says stop: `(U,)` bool."""
        target, gone, kept = self.topology.target, self.may.copy(), self.kept.copy()
        left = self.unsettled
        left = left[(target[left] + order[self.number[left]]).argsort()]  # into each node in the order of their turns
        while len(left):
            into, edge = target[left], self.number[left]
            owes = self.parents.take(left, axis=1) & ~kept.take(into, axis=1)  # (K, l), what hangs on the unsettled
            later = _later(owes, into)
            waits = (owes & ~later).any(axis=0)  # (l,)
            stays = waits & (owes & ~(later | _earlier(owes, into))).any(axis=0)  # (l,)
            waiting, staying = np.zeros_like(gone), np.zeros_like(gone)
            waiting[edge[waits]] = True
            staying[edge[stays]] = True
            gone[staying] = False
            self._keep(kept, left[staying[edge]])
            left = left[(waiting & ~staying)[edge]]
        return gone

    def _keep(self, kept: np.ndarray, edges: np.ndarray) -> None:
        """These edges stay: their targets keep their distance from the leaders that they are parents for."""
        if len(edges):
            edges = edges[self.topology.target[edges].argsort(kind="stable")]
            nodes, begins = np.unique(self.topology.target[edges], return_index=True)
            kept[:, nodes] |= np.bitwise_or.reduceat(self.parents[:, edges], begins, axis=1)


def _later(words: np.ndarray, group: np.ndarray) -> np.ndarray:
    """The bits that later columns of the same group have, `(K, n)`; the columns of a group stand together."""
    found = np.zeros_like(words)
    found[:, :-1] = words[:, 1:] * (group[1:] == group[:-1])  # of the next column, then of twice as many every time
    step = 1
    while step < len(group):
        same = group[step:] == group[:-step]  # (n - step,)
        if not same.any():
            break
        found[:, :-step] |= found[:, step:] * same
        step *= 2
    return found


def _earlier(words: np.ndarray, group: np.ndarray) -> np.ndarray:
    """The bits that earlier columns of the same group have, `(K, n)`."""
    return _later(words[:, ::-1], group[::-1])[:, ::-1]
