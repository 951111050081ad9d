"""Numbers that describe a connected graph by itself, without anybody who steers it."""

from __future__ import annotations

import numpy as np

from contrapose.controllability.topology import Topology

STRUCTURE_NAMES: tuple[str, ...] = (
    *("nodes", "edges", "biconnected components"),
    *(f"Laplacian eigenvalue {place}" for place in (1, 2, 3, 4, -3, -2, -1)),
    *(f"cyclomatic number {number}" for number in ("0", "1", "2", "above 2")),
    *("Laplacian energy", "largest eccentricity eigenvalue", "eccentricity energy", "Wiener index"),
    "trace of the degree sequence",
)
"""What the numbers of `structure` are, in order."""


def structure(topology: Topology, distances: np.ndarray) -> np.ndarray:
    """19 numbers of a connected graph of five nodes or more: `STRUCTURE_NAMES`.

        Laplacian energy: sum |lambda - 2 |E| / n|;   eccentricity matrix: d_ij where d_ij = min(e_i, e_j), else 0
        Wiener index: the sum of d_ij over pairs;   trace of the degree sequence: max {i: d_(i) >= i}, degrees ascending

    Shapes:
        distances: `(n, n)`, of all nodes from all; returns `(19,)`.
    """
    n, edges = topology.nodes, len(topology.source) // 2
    degrees = np.sort(topology.degrees)
    eigenvalues = np.linalg.eigvalsh(np.diag(topology.degrees) - topology.adjacency())  # (n,), ascending
    eccentricity = distances.max(axis=1)  # (n,)
    far = np.where(distances == np.minimum(eccentricity, eccentricity[:, None]), distances, 0)  # (n, n)
    spectrum = np.linalg.eigvalsh(far.astype(np.float64))
    cycles = edges - n + 1
    reaches = np.flatnonzero(degrees >= np.arange(1, n + 1))
    return np.array(
        [
            *(n, edges, biconnected_components(topology)),
            *eigenvalues[[1, 2, 3, 4, -3, -2, -1]],
            *(cycles == 0, cycles == 1, cycles == 2, cycles > 2),
            *(np.abs(eigenvalues - 2 * edges / n).sum(), spectrum[-1], np.abs(spectrum).sum(), distances.sum() / 2),
            reaches[-1] + 1 if len(reaches) else 0,
        ],
        dtype=np.float64,
    )


def biconnected_components(topology: Topology) -> int:
    """How many parts there are that no single node holds together, a bridge being one, by Tarjan's depth first search.

    They are counted where they are left: a child from which no edge leads to before its parent.
    """
    partners, begin = topology.source.tolist(), topology.arriving.tolist()
    seen, low = [0] * topology.nodes, [0] * topology.nodes
    number = count = 0
    for root in range(topology.nodes):
        if seen[root]:
            continue
        number += 1
        seen[root] = low[root] = number
        path, places = [root], [begin[root]]
        while path:
            node, place = path[-1], places[-1]
            if place == begin[node + 1]:  # all of its edges have been gone along
                path.pop()
                places.pop()
                if path:
                    parent = path[-1]
                    count += low[node] >= seen[parent]
                    low[parent] = min(low[parent], low[node])
                continue
            places[-1] += 1
            other = partners[place]
            if not seen[other]:
                number += 1
                seen[other] = low[other] = number
                path.append(other)
                places.append(begin[other])
            elif len(path) < 2 or other != path[-2]:
                low[node] = min(low[node], seen[other])
    return count
