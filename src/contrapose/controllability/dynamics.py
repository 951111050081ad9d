"""What the nodes of a graph do that some of them are steered by: matrices, and how much of it can be steered."""

from __future__ import annotations

from typing import Any

import numpy as np

from contrapose.controllability.distances import UNREACHABLE, leader_distances
from contrapose.controllability.topology import Topology, checked_leaders
from contrapose.errors import ArgumentError

TOLERANCE = 1e-8
"""Eigenvalues that differ by less (relative to the largest) are one; what is smaller than it is 0. [design]"""


def laplacian(edges: Any, nodes: int, weights: Any = None) -> np.ndarray:
    """L = D - W, `(n, n)`.

    Shapes:
        edges: `(2, E)` in both directions; weights: `(E,)` above 0, the same both ways; None: 1 each.

    Errors:
        ArgumentError: a directed graph, none at all, weights that are not above 0 or differ by direction.
    """
    topology = Topology.of(edges, nodes)
    adjacency = topology.adjacency()
    if weights is not None:
        given = np.asarray(weights, dtype=np.float64)
        if given.shape != topology.source.shape or not (given > 0).all():
            raise ArgumentError(
                f"Weights are {len(topology.source)} numbers above 0, one an edge and direction, not of shape "
                f"{given.shape}."
            )
        source, target = np.asarray(edges)
        adjacency[target, source] = given
        if (adjacency != adjacency.T).any():
            raise ArgumentError("An edge has another weight each way: give both directions the same.")
    return np.diag(adjacency.sum(axis=1)) - adjacency


def followers(edges: Any, nodes: int, leaders: Any) -> tuple[np.ndarray, np.ndarray]:
    """Form A, leaders as inputs of their followers: xdot_f = -L_ff x_f - L_fl u.

    Shapes:
        edges: `(2, E)` in both directions; leaders: `(m,)`; returns A = -L_ff `(n - m, n - m)`, B = -L_fl `(n - m, m)`.

    Errors:
        ArgumentError: what `leader_distances` refuses; only leaders; a part of the graph without a leader, in which
            nothing comes to rest.
    """
    distances, found = leader_distances(edges, nodes, leaders), checked_leaders(leaders, nodes)
    if (distances.min(axis=1) == UNREACHABLE).any():
        raise ArgumentError(
            "A part of the graph has no leader, so that A is singular and there is no Gramian: name a leader in each "
            "connected component."
        )
    if len(found) == nodes:
        raise ArgumentError("Every node is a leader, and none is left to follow: name fewer.")
    L = laplacian(edges, nodes)
    rest = np.setdiff1d(np.arange(nodes), found)
    return -L[np.ix_(rest, rest)], -L[np.ix_(rest, found)]


def inputs_at_leaders(edges: Any, nodes: int, leaders: Any, weights: Any = None) -> tuple[np.ndarray, np.ndarray]:
    """Form B, an input at each leader: xdot = -L_w x + B u.

    Shapes:
        edges: `(2, E)` in both directions; leaders: `(m,)`; weights: `(E,)`; returns A = -L_w `(n, n)` and B `(n, m)`,
            a 1 in each column.

    Errors:
        ArgumentError: what `laplacian` refuses; no leader, or one that is no node.
    """
    found = checked_leaders(leaders, nodes)
    return -laplacian(edges, nodes, weights), np.eye(nodes)[:, found]


def controllable_dimension(A: np.ndarray, B: np.ndarray, *, tolerance: float = TOLERANCE) -> int:
    """The dimension of what can be steered, rank [B, AB, ..., A^(n-1) B], for a symmetric A.

    No power of A is formed, which is rubbish beyond ten nodes or so: with A = V diag(a) V^T it is the sum over distinct
    eigenvalues of the rank of V_a^T B, the rows of V^T B that belong to each (the eigenvector test).

    Shapes:
        A: `(n, n)`; B: `(n, m)`.

    Arguments:
        tolerance: what counts as equal, and as 0; relative to the largest eigenvalue, and to the largest entry of B.

    Errors:
        ArgumentError: A is not symmetric.

    Of a path of n nodes steered at an end it is n, of a complete graph with one leader 2.
    """
    if not np.allclose(A, A.T):
        raise ArgumentError("The test is for a symmetric A: a graph that is not directed.")
    values, vectors = np.linalg.eigh(A)
    return int(dimensions(values[None], (vectors.T @ B)[None], tolerance=tolerance)[0])


def dimensions(values: np.ndarray, projected: np.ndarray, *, tolerance: float = TOLERANCE) -> np.ndarray:
    """The same of R systems whose eigenvalues are known.

    Shapes:
        values: `(R, n)` in ascending order; projected: `(R, n, m)`, V^T B; returns `(R,)`.
    """
    size = np.abs(values).max(axis=1, keepdims=True)  # (R, 1)
    begins = np.diff(values, axis=1, prepend=-np.inf) > tolerance * np.maximum(size, 1)  # (R, n), first of its group
    group = np.cumsum(begins.ravel()) - 1  # (R n,), over all systems
    least = tolerance * max(float(np.abs(projected).max(initial=0)), 1.0)
    sizes = np.bincount(group)  # (G,)
    alone = (sizes == 1)[group].reshape(values.shape)  # (R, n)
    found = (alone & (np.abs(projected).max(axis=2) > least)).sum(axis=1)  # (R,)
    rows, first = projected.reshape(-1, projected.shape[2]), np.cumsum(sizes) - sizes
    for size in np.unique(sizes[sizes > 1]):  # repeated eigenvalues, those repeated as often together
        begins = first[sizes == size]
        singular = np.linalg.svd(rows[begins[:, None] + np.arange(size)], compute_uv=False)  # (g, min(size, m))
        np.add.at(found, begins // values.shape[1], (singular > least).sum(axis=1))
    return found
