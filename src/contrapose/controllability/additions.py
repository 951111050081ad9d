"""Pairs of nodes to be joined: any that are not, or those that are about as far from every leader."""

from __future__ import annotations

import numpy as np

from contrapose.controllability.deletions import first_of_each
from contrapose.controllability.distances import Distances
from contrapose.controllability.topology import Topology

_DRAWS = (4, 12, 36)
"""Pairs drawn for each that is still missing, a round each."""
_LISTED = 2**15
"""Pairs of a graph that are all looked at where drawing found too few; of larger graphs what was drawn has to do."""
_ONE_BY_ONE = 4
"""Leaders that pairs are held against one after another, for most fail at the first; then against all others at once."""


def new_pairs(
    topology: Topology, wanted: np.ndarray, random: np.random.Generator, *, distances: Distances | None = None
) -> np.ndarray:
    """Pairs of nodes of the same graph that are not joined, uniformly among those that may be, none twice.

    Shapes:
        wanted: `(B,)`, how many at most of each graph; returns `(2, A)`, the smaller node first, graph by graph.

    Arguments:
        distances: take only pairs whose distances from every leader differ by one at most: joined, no node gets nearer
            to a leader, however many such pairs are joined at once. None: any pair.
    """
    pairs = topology.node_counts * (topology.node_counts - 1) // 2  # (B,)
    missing = np.minimum(wanted, pairs - topology.edge_counts)
    chosen = np.zeros((2, 0), dtype=np.int64)
    for draws in _DRAWS:
        if not missing.any():
            return chosen
        graph = np.repeat(np.arange(len(topology)), draws * missing)  # (p,)
        drawn = (random.random(len(graph)) * pairs[graph]).astype(np.int64)
        chosen, missing = _with(chosen, missing, topology, _joinable(topology, distances, graph, drawn), random)
    graph = np.flatnonzero((missing > 0) & (pairs <= _LISTED))
    counts = pairs[graph]
    listed = np.arange(counts.sum()) - np.repeat(counts.cumsum() - counts, counts)
    found = _joinable(topology, distances, np.repeat(graph, counts), listed)
    return _with(chosen, missing, topology, found, random)[0]


def _joinable(topology: Topology, distances: Distances | None, graph: np.ndarray, number: np.ndarray) -> np.ndarray:
    """Those of the numbered pairs of graphs that may be joined, each once: `(2, q)`."""
    larger = ((1 + np.sqrt(1 + 8 * number)) / 2).astype(np.int64)  # pair p of nodes i < j is i + j (j - 1) / 2
    smaller = number - larger * (larger - 1) // 2
    first = topology.node_pointers[graph]
    found = np.stack([first + smaller, first + larger])  # (2, p)
    if distances is not None:
        found = found[:, _as_far(distances, *found)]
    found = found[:, ~topology.has(*found)]
    _, once = np.unique(found[0] * topology.nodes + found[1], return_index=True)
    return found[:, once]


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


def _as_far(distances: Distances, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The places of the pairs whose distances from each leader differ by one at most, `(q,)`."""
    values, widths = distances.values, distances.widths
    left = np.arange(len(a))
    for leader in range(_ONE_BY_ONE):
        into, other = distances.starts[a[left]] + leader, distances.starts[b[left]] + leader
        over = widths[a[left]] <= leader  # a graph with so few leaders
        last = len(values) - 1
        near = np.abs(values[np.minimum(into, last)] - values[np.minimum(other, last)]) <= 1
        left = left[over | near]
    more = left[widths[a[left]] > _ONE_BY_ONE]
    counts = widths[a[more]] - _ONE_BY_ONE  # (r,)
    pair = np.repeat(np.arange(len(more)), counts)
    leader = np.arange(len(pair)) - np.repeat(counts.cumsum() - counts, counts) + _ONE_BY_ONE
    into, other = distances.starts[a[more]][pair] + leader, distances.starts[b[more]][pair] + leader
    far = np.zeros(len(a), dtype=bool)
    far[more[pair[np.abs(values[into] - values[other]) > 1]]] = True
    return left[~far[left]]
