"""Graphs with some edges fewer and some more: such that no node gets nearer to a leader or farther, or any."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from contrapose.controllability.additions import new_pairs
from contrapose.controllability.deletions import both_directions, first_of_each, free_deletions
from contrapose.controllability.distances import Distances
from contrapose.controllability.topology import Topology

Change = Literal["both", "delete", "add", "substitute"]
CHANGES: tuple[Change, ...] = ("both", "delete", "add", "substitute")


@dataclass(frozen=True)
class Edited:
    """Graphs after a change of their edges, and what was done.

    Shapes:
        deleted, added: `(B,)`, edges that went and came, each counted once.
    """

    topology: Topology
    deleted: np.ndarray
    added: np.ndarray


def budgets(topology: Topology, share: float) -> np.ndarray:
    """k = round(share |E|), how many edges of each graph are asked to go, and to come: `(B,)`."""
    return np.floor(share * topology.edge_counts + 0.5).astype(np.int64)


def control_edits(
    distances: Distances, share: float, random: np.random.Generator, *, change: Change = "both"
) -> Edited:
    """Graphs whose nodes are as far from the given leaders as before, so that the distance bound of `pmi_bound` stays.

    Arguments:
        distances: of the graphs from their leaders.
        share: k as a share of the edges; so many are asked to go, and so many to come.
        change: "delete", "add", "both", or "substitute": both, and of each only as many as of the other.

    Fewer than asked may be possible (of a tree with one leader none can go): `deleted` and `added` say how many.
    """
    topology, asked = distances.topology, budgets(distances.topology, share)
    none = np.zeros_like(asked)
    # New pairs are looked for in the graph as it was, so that an edge that goes does not come back.
    pairs = new_pairs(topology, none if change == "delete" else asked, random, distances=distances)
    if change == "substitute":
        asked = _per_graph(topology, pairs[0])
    gone = free_deletions(distances, none if change == "add" else asked, random)
    if change == "substitute":
        possible = _per_graph(topology, topology.target[gone]) // 2
        graph = topology.graph_of_nodes[pairs[0]]
        pairs = pairs[:, first_of_each(graph, random.random(len(graph)), possible)]
    return _edited(topology, gone, pairs)


def random_edits(topology: Topology, deleted: np.ndarray, added: np.ndarray, random: np.random.Generator) -> Edited:
    """Graphs with so many edges fewer and so many more, any of them with equal chance.

    Shapes:
        deleted, added: `(B,)`; at most as many as there are, and as there is room for.
    """
    own, back = both_directions(topology)
    graph = topology.graph_of_nodes[topology.target[own]]  # (U,)
    chosen = first_of_each(graph, random.random(len(graph)), deleted)
    gone = np.zeros(len(topology.source), dtype=bool)
    gone[own[chosen]] = gone[back[chosen]] = True
    return _edited(topology, gone, new_pairs(topology, added, random))


def _edited(topology: Topology, gone: np.ndarray, pairs: np.ndarray) -> Edited:
    kept = topology.keys[~gone]  # (E - 2 d,), in order
    new = np.concatenate([pairs[0] * topology.nodes + pairs[1], pairs[1] * topology.nodes + pairs[0]])  # (2 A,)
    new.sort()
    keys = np.insert(kept, np.searchsorted(kept, new), new)
    target, source = np.divmod(keys, max(topology.nodes, 1))
    after = Topology(source, target, topology.node_pointers)
    return Edited(after, _per_graph(topology, topology.target[gone]) // 2, _per_graph(topology, pairs[0]))


def _per_graph(topology: Topology, nodes: np.ndarray) -> np.ndarray:
    """How many of these nodes each graph has, `(B,)`."""
    return np.bincount(topology.graph_of_nodes[nodes], minlength=len(topology))
