"""Graphs with some edges fewer and some more, such that no node gets nearer to a leader or farther."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from contrapose.controllability.changes.additions import FreeAdditions
from contrapose.controllability.changes.deletions import FreeDeletions
from contrapose.controllability.changes.of_each import first_of_each
from contrapose.controllability.distances import Distances
from contrapose.controllability.topology import Topology

Change = Literal["both", "delete", "add", "substitute"]
CHANGES: tuple[Change, ...] = ("both", "delete", "add", "substitute")


@dataclass(frozen=True)
class Edited:
    """Graphs after a change of their edges, and what was done.

    Shapes:
        asked: `(B,)`, edges that were to go, and as many to come.
        deleted, added: `(B,)`, edges that went and came, each counted once.
    """

    topology: Topology
    asked: np.ndarray
    deleted: np.ndarray
    added: np.ndarray


class ControlEdits:
    """Changes of the edges of some graphs that leave all distances from the given leaders as they are, and with them
    the bound of `pmi_bound` on how much can be steered.

    What may be changed is found once; `draw` takes some of it, as often as there are views.
    """

    def __init__(self, distances: Distances) -> None:
        self.topology = distances.topology
        self.distances = distances

    @cached_property
    def deletions(self) -> FreeDeletions:
        return FreeDeletions(self.distances)

    @cached_property
    def additions(self) -> FreeAdditions:
        return FreeAdditions(self.distances)

    def draw(self, share: float, random: np.random.Generator, *, change: Change = "both") -> Edited:
        """The graphs, changed anew.

        Arguments:
            share: k = round(share |E|) edges are asked to go, and as many to come.
            change: "delete", "add", "both", or "substitute": both, and of each only as many as of the other.

        Fewer than asked may be possible (of a tree with one leader none can go): `deleted` and `added` say how many.
        """
        topology = self.topology
        asked = np.floor(share * topology.edge_counts + 0.5).astype(np.int64)  # (B,)
        gone, pairs = np.zeros(len(topology.source), dtype=bool), np.zeros((2, 0), dtype=np.int64)
        # New pairs are looked for in the graph as it was, so that an edge that goes does not come back.
        if change != "delete":
            pairs = self.additions.draw(asked, random)
        if change != "add":
            most = asked if change != "substitute" else _per_graph(topology, pairs[0])
            gone = self.deletions.draw(most, random)
        if change == "substitute":
            graph = topology.graph_of_nodes[pairs[0]]  # (A,)
            went = _per_graph(topology, topology.target[gone]) // 2  # (B,)
            pairs = pairs[:, first_of_each(graph, random.random(len(graph)), went)]
        deleted, added = _per_graph(topology, topology.target[gone]) // 2, _per_graph(topology, pairs[0])
        return Edited(_changed(topology, gone, pairs), asked, deleted, added)


def _changed(topology: Topology, gone: np.ndarray, pairs: np.ndarray) -> Topology:
    """The graphs without the edges that are gone and with those pairs joined."""
    kept = topology.keys[~gone]  # (E - 2 d,), in order
    new = np.concatenate([pairs[0] * topology.nodes + pairs[1], pairs[1] * topology.nodes + pairs[0]])  # (2 A,)
    new.sort()
    keys = np.insert(kept, np.searchsorted(kept, new), new)
    target, source = np.divmod(keys, max(topology.nodes, 1))
    return Topology(source, target, topology.node_pointers)


def _per_graph(topology: Topology, nodes: np.ndarray) -> np.ndarray:
    """How many of these nodes each graph has, `(B,)`."""
    return np.bincount(topology.graph_of_nodes[nodes], minlength=len(topology))
