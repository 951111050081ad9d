"""Edges that can be left out one after another without moving any node away from its leaders."""

from __future__ import annotations

import numpy as np

from contrapose.controllability.distances import Distances
from contrapose.controllability.topology import Topology


def free_deletions(distances: Distances, budget: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Which edges to leave out: those that one finds who goes through the edges of a graph in random order, takes each
    away whose farther end keeps another parent *in the graph as it is by then*, for every leader, and stops when enough
    are gone.

    An edge whose ends are equally far from every leader is no parent and always goes; where an end has one parent for
    some leader, that edge never does: of a tree with one leader, none.

    Shapes:
        budget: `(B,)`, how many at most of each graph; returns `(E,)` bool, the same for both directions of an edge.

    All graphs are gone through at once. Which edges go is settled in rounds: an edge of which, for each leader, another
    parent of its end comes later in the order goes for sure, for that one could stay; an edge that is the last parent
    that has not gone stays for sure. The first undecided edge of a graph is always one or the other.
    """
    topology = distances.topology
    own, back = both_directions(topology)
    number = np.empty(len(topology.source), dtype=np.int64)  # (E,), of the edge that a direction belongs to
    number[own] = number[back] = np.arange(len(own))
    order = random.random(len(own))  # (U,), when each edge's turn comes
    gone = _in_turn(distances, number, order)
    graph = topology.graph_of_nodes[topology.target[own]]  # (U,)
    first = first_of_each(graph[gone], order[gone], budget)
    taken = np.zeros(len(own), dtype=bool)
    taken[np.flatnonzero(gone)[first]] = True
    return taken[number]


def both_directions(topology: Topology) -> tuple[np.ndarray, np.ndarray]:
    """Where each edge stands, `(U,)`: as the direction to its larger node, and as the other one."""
    upwards = topology.source < topology.target  # (E,)
    own = np.flatnonzero(upwards)
    own = own[(topology.source[own] * topology.nodes + topology.target[own]).argsort()]
    return own, np.flatnonzero(~upwards)  # which are in the order of (target, source) already


def first_of_each(graph: np.ndarray, order: np.ndarray, most: np.ndarray) -> np.ndarray:
    """Of things of several graphs the first in order, at most so many of each graph: their places, `(k,)`.

    Shapes:
        graph, order: `(n,)`, the order in [0, 1); most: `(B,)`.
    """
    places = (graph + order).argsort()  # (n,)
    sorted_graph = graph[places]
    begins = np.searchsorted(sorted_graph, sorted_graph)  # (n,), where the things of the same graph begin
    return places[np.arange(len(places)) - begins < most[sorted_graph]]


def _in_turn(distances: Distances, number: np.ndarray, order: np.ndarray) -> np.ndarray:
    """Which edges go if nobody says stop: `(U,)` bool."""
    target, parents = distances.topology.target, distances.parents  # (E,), (K, E)
    # At first without the order, for most are settled at once: what is the only parent stays.
    only = (parents & ~(_later(parents, target) | _earlier(parents, target))).any(axis=0)  # (E,)
    open_edges = np.ones(len(order), dtype=bool)
    open_edges[number[only]] = False
    gone = open_edges.copy()
    owed = np.zeros(len(order), dtype=bool)
    owed[number[parents.any(axis=0)]] = True
    kept = np.zeros((len(parents), distances.topology.nodes), dtype=parents.dtype)  # (K, S), leaders with a sure parent
    left = np.flatnonzero((open_edges & owed)[number])  # directions of edges that are not settled
    _note(kept, target, parents, np.flatnonzero(~open_edges[number]))
    left = left[(target[left] + order[number[left]]).argsort()]  # into each node in the order of their turns
    while len(left):
        into, edge = target[left], number[left]
        owes = parents[:, left] & ~kept[:, into]  # (K, l), leaders whose distance hangs on those not settled
        later = _later(owes, into)
        waits = (owes & ~later).any(axis=0)  # (l,)
        stays = waits & (owes & ~(later | _earlier(owes, into))).any(axis=0)  # (l,)
        waiting, staying = np.zeros(len(order), dtype=bool), np.zeros(len(order), dtype=bool)
        waiting[edge[waits]] = True
        staying[edge[stays]] = True
        gone[staying] = False
        _note(kept, target, parents, left[staying[edge]])
        left = left[(waiting & ~staying)[edge]]
    return gone


def _note(kept: np.ndarray, target: np.ndarray, parents: np.ndarray, edges: np.ndarray) -> None:
    """These edges stay: their targets keep their distance from the leaders that they are parents for."""
    if len(edges):
        edges = edges[target[edges].argsort(kind="stable")]
        nodes, begins = np.unique(target[edges], return_index=True)
        kept[:, nodes] |= np.bitwise_or.reduceat(parents[:, edges], begins, axis=1)


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
