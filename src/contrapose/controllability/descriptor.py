"""CTRL: a graph as 154 numbers on how it can be steered, without any training."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from contrapose.controllability.distances import Distances, of_one
from contrapose.controllability.dynamics import dimensions
from contrapose.controllability.gramian import gramian_core, gramian_traces
from contrapose.controllability.structure import STRUCTURE_NAMES, structure
from contrapose.controllability.topology import Topology
from contrapose.errors import ArgumentError

DRAWS = 30
"""Sets of leaders drawn for each number of them. 30: the authors'."""
LEAST_NODES = 10
"""Smaller graphs are replaced by a chain of copies. 10: the authors', for nine must be able to lead."""
SHARES = (2, 5, 10, 20, 30)
"""Per cent of the nodes that lead, after 1, 2, 5 and 9 leaders: int(n p / 100) + 1 of each."""
_METRICS = ("trace", "rank", "smallest eigenvalue", "largest eigenvalue", "distinct distance vectors")
COUNTS = ("1", "2", "5", "9", *(f"{share} %" for share in SHARES))
"""Numbers of leaders, as `DESCRIPTOR_NAMES` has them: so many, or a share of the nodes."""
DESCRIPTOR_NAMES: tuple[str, ...] = (
    *(f"{which} {metric}, {count} lead" for count in COUNTS for metric in _METRICS for which in ("max", "min", "mean")),
    *STRUCTURE_NAMES,
)
"""What the 154 numbers are, in order."""
_SMALL = 1e-4  # in the place of an eigenvalue that is 0, as the authors have it
_AT_ONCE = 2**22  # numbers of the matrices that are taken apart together


def ctrl_descriptor(edges: Any, nodes: int, *, draws: int = DRAWS, seed: int = 0) -> np.ndarray:
    """The CTRL descriptor of one graph.

    For 1, 2, 5, 9 leaders and five shares of the nodes, sets of leaders are drawn, of each of which five numbers are
    known: trace, dimension of what can be steered, smallest and largest eigenvalue of the followers' Gramian, and how
    many distance vectors there are; the largest, smallest and mean of each over the sets stay (135), and 19 numbers of
    the graph itself come behind them (`DESCRIPTOR_NAMES`).

    A graph in several pieces gets one more node that is joined to all; one of fewer than ten nodes becomes a chain of
    copies, the last node of each joined to the first of the next.

    Shapes:
        edges: `(2, E)` in both directions; returns `(154,)` float64.

    Arguments:
        draws: sets of leaders for each number of them. 30: the authors'.
        seed: names the draws, with the graph itself, so that they depend on nothing else.

    Errors:
        ArgumentError: a directed graph, one without nodes, no draws.

    What differs from the authors' published layer: the dimension is found by the eigenvector test, not as the rank of
    the Gramian, which floating point does not tell, and the eccentricity matrix is the symmetric one.

    Paper: Said et al., IEEE TKDE 2023 (CTRL); Ahmad et al., https://arxiv.org/abs/2403.04923
    """
    if draws < 1:
        raise ArgumentError(f"draws is {draws}: it must be at least 1; 30 is usual.")
    topology = prepared(Topology.of(edges, nodes))
    random = np.random.default_rng([seed, zlib.crc32(topology.keys.tobytes()), topology.nodes])
    n = topology.nodes
    everywhere = Distances(topology, of_one(np.arange(n))).of_graph()  # (n, n)
    L = np.diag(topology.degrees) - topology.adjacency()
    found = []
    for count in (1, 2, 5, 9, *(n * share // 100 + 1 for share in SHARES)):
        leaders = random.random((draws, n)).argsort(axis=1)[:, :count]  # (R, m)
        metrics = np.concatenate([_metrics(L, everywhere, some) for some in _parts(leaders, n)])  # (R, 5)
        found += [metrics.max(axis=0), metrics.min(axis=0), metrics.mean(axis=0)]
    steered = np.array(found).reshape(len(COUNTS), 3, -1).swapaxes(1, 2)  # (9, 5, 3)
    return np.concatenate([steered.ravel(), structure(topology, everywhere)])


def prepared(topology: Topology) -> Topology:
    """A graph that is connected and has ten nodes or more: with one more node joined to all where it was in pieces,
    then as a chain of copies where it was small."""
    n, edges = topology.nodes, np.stack([topology.source, topology.target])
    if (Distances(topology, of_one(np.array([0]))).of_graph() >= n).any():
        hub, rest = np.full(n, n), np.arange(n)
        edges, n = np.concatenate([edges, [hub, rest], [rest, hub]], axis=1), n + 1
    copies = -(-LEAST_NODES // n)
    if copies > 1:
        last = np.arange(1, copies) * n - 1
        moved = [edges + copy * n for copy in range(copies)]
        edges, n = np.concatenate([*moved, [last, last + 1], [last + 1, last]], axis=1), n * copies
    return Topology.of(edges, n)


def _parts(leaders: np.ndarray, n: int) -> Iterator[np.ndarray]:
    step = max(1, _AT_ONCE // (n * n))
    return (leaders[first : first + step] for first in range(0, len(leaders), step))


def _metrics(L: np.ndarray, distances: np.ndarray, leaders: np.ndarray) -> np.ndarray:
    """The five numbers of each set of leaders, `(R, 5)`."""
    R, n = len(leaders), len(L)
    leads = np.zeros((R, n), dtype=bool)
    np.put_along_axis(leads, leaders, True, axis=1)
    rest = np.nonzero(~leads)[1].reshape(R, -1)  # (R, f)
    values, vectors = np.linalg.eigh(L[rest[:, :, None], rest[:, None, :]])  # (R, f), (R, f, f)
    projected = vectors.swapaxes(1, 2) @ L[rest[:, :, None], leaders[:, None, :]]  # (R, f, m)
    of_gramian = np.linalg.eigvalsh(gramian_core(-values, projected))  # (R, f)
    size = np.abs(of_gramian).max(axis=1, keepdims=True)
    of_gramian = np.where(np.abs(of_gramian) < 1e-12 * np.maximum(size, 1), _SMALL, of_gramian)
    return np.stack(
        [
            gramian_traces(-values, projected),
            dimensions(values, projected),
            of_gramian.min(axis=1),
            of_gramian.max(axis=1),
            _distinct(distances, leaders),
        ],
        axis=1,
    )


def _distinct(distances: np.ndarray, leaders: np.ndarray) -> np.ndarray:
    """How many different rows `distances[:, leaders]` has for each set of leaders, `(R,)`.

    Column by column: the number of a node among the vectors so far, and its next distance, make the next number.
    """
    R, n = len(leaders), len(distances)
    most, number = int(distances.max()) + 1, np.zeros((R, n), dtype=np.int64)
    for leader in leaders.T:  # (R,) each
        number = number * most + distances[leader]  # (R, n)
        if number.max() > 2**62 // most:
            number = np.unique(number, return_inverse=True)[1].reshape(R, n)
    number.sort(axis=1)
    return 1 + (np.diff(number, axis=1) > 0).sum(axis=1)
