"""Who leads: nodes at random, or those that together steer most."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from contrapose.controllability.bounds import pmi_of
from contrapose.controllability.distances import Distances, Leaders, of_one
from contrapose.controllability.topology import Topology
from contrapose.errors import ArgumentError

SHARE = 0.1
"""Share of the nodes that lead. A tenth: [design], as the descriptor's middle count."""


def leader_counts(node_counts: np.ndarray, share: float = SHARE) -> np.ndarray:
    """m = max(1, ceil(share n)) of each graph, `(B,)`."""
    return np.clip(np.ceil(share * node_counts - 1e-9).astype(np.int64), 1, np.maximum(node_counts, 1))


def random_leaders(topology: Topology, random: np.random.Generator, *, share: float = SHARE) -> Leaders:
    """So large a share of the nodes of each graph, each set equally likely; a graph without nodes has none."""
    counts = np.minimum(leader_counts(topology.node_counts, share), topology.node_counts)  # (B,)
    order = (topology.graph_of_nodes + random.random(topology.nodes)).argsort()  # (S,), shuffled within each graph
    place = np.arange(topology.nodes) - np.repeat(topology.node_pointers[:-1], topology.node_counts)  # (S,)
    chosen = order[place < np.repeat(counts, topology.node_counts)]  # (M,)
    return Leaders(np.sort(chosen), np.concatenate([[0], counts.cumsum()]))


def greedy_leaders(edges: Any, nodes: int, count: int | None = None) -> np.ndarray:
    """Leaders of one graph, one after another: each the node that raises the distance bound most, of equals the first.

    Shapes:
        edges: `(2, E)` in both directions; returns `(count,)` in ascending order.

    Arguments:
        count: how many; None: a tenth of the nodes, one at least.

    Errors:
        ArgumentError: a count that is no number of nodes of this graph; what `leader_distances` refuses.

    Of a path the first choice is an end, from which all nodes can be steered.
    """
    topology = Topology.of(edges, nodes)
    count = int(leader_counts(np.array([nodes]))[0]) if count is None else count
    if not 1 <= count <= nodes:
        raise ArgumentError(f"A graph of {nodes} nodes has 1 to {nodes} leaders, not {count}.")
    every = Distances(topology, of_one(np.arange(nodes))).of_graph()  # (n, n)
    chosen: list[int] = []
    best = -math.inf
    while len(chosen) < count:
        bounds = {node: pmi_of(every[:, [*chosen, node]]) for node in range(nodes) if node not in chosen}
        best = max(bounds.values())
        chosen.append(next(node for node, bound in bounds.items() if bound == best))
    return np.array(sorted(chosen))
