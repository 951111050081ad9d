"""How much of a graph can be steered at least, told from distances alone, whatever the weights of its edges."""

from __future__ import annotations

from typing import Any

import numpy as np

from contrapose.controllability.distances import UNREACHABLE, leader_distances
from contrapose.controllability.topology import Topology, checked_leaders
from contrapose.errors import ArgumentError

MOST_STATES = 200_000
"""Sets of remaining nodes that the exact bound looks at, before it gives up."""


def pmi_bound(edges: Any, nodes: int, leaders: Any, *, exact: bool = False) -> int:
    """The length delta of a pseudo-monotonically increasing sequence of distance vectors: a lower bound.

        D_(v_i)[pi(i)] < D_(v_j)[pi(i)] for some coordinate pi(i) and all j > i;   delta <= rank [B, AB, ..., A^(n-1) B]

    for A = -L of any positive weights of the edges and B the columns of the leaders.

    Shapes:
        edges: `(2, E)` in both directions; leaders: `(m,)`.

    Arguments:
        exact: the longest sequence, by going through all sets of nodes that may remain (few leaders only); else that
            which is found greedily, by the coordinate whose least distance the fewest nodes have.

    Errors:
        ArgumentError: what `leader_distances` refuses; too many sets to be exact.

    >>> line = [[0, 1, 1, 2, 2, 3], [1, 0, 2, 1, 3, 2]]
    >>> pmi_bound(line, 4, [0]), pmi_bound(line, 4, [1])
    (4, 3)

    Paper: Shabbir et al., https://arxiv.org/abs/1909.03565
    """
    distances = leader_distances(edges, nodes, leaders)
    return longest_pmi(distances) if exact else pmi_of(distances)


def pmi_of(distances: np.ndarray) -> int:
    """The greedy bound from distance vectors `(n, m)`. Nodes that no leader reaches cannot be steered, nor count."""
    left = distances[(distances < UNREACHABLE).any(axis=1)]  # (r, m)
    length = 0
    while len(left):
        least = left.min(axis=0)  # (m,)
        at_least = left == least  # (r, m)
        owners = np.where(least < UNREACHABLE, at_least.sum(axis=0), len(left) + 1)  # (m,)
        left = left[~at_least[:, int(owners.argmin())]]
        length += 1
    return length


def longest_pmi(distances: np.ndarray) -> int:
    """The exact bound from distance vectors `(n, m)`.

    What remains after some choices is the nodes beyond a threshold in each coordinate; of those, only the nearest in a
    coordinate are worth taking next, for the farther ones leave less.

    Errors:
        ArgumentError: more than 200,000 such sets.
    """
    vectors = distances[(distances < UNREACHABLE).any(axis=1)]
    columns = range(vectors.shape[1])
    nearest = [  # of each coordinate the sets of nodes of one distance, nearest first, as bits
        [_bits(vectors[:, j] == value) for value in np.unique(vectors[:, j]) if value < UNREACHABLE] for j in columns
    ]
    layer, length = {_bits(np.ones(len(vectors), dtype=bool))} - {0}, 0
    seen = len(layer)
    while layer:  # all sets that may remain after so many choices
        after = set()
        for left in layer:
            for levels in nearest:
                taken = next((level for level in levels if level & left), None)
                if taken is not None:
                    after.add(left & ~taken)
        length, layer = length + 1, after - {0}
        seen += len(layer)
        if seen > MOST_STATES:
            raise ArgumentError(
                f"The longest sequence among {len(vectors)} nodes and {len(columns)} leaders asks for more than "
                f"{MOST_STATES:,} sets of nodes: take fewer leaders, or the greedy bound (exact=False)."
            )
    return length


def _bits(mask: np.ndarray) -> int:
    return int.from_bytes(np.packbits(mask, bitorder="little").tobytes(), "little")


def zero_forcing(edges: Any, nodes: int, leaders: Any) -> np.ndarray:
    """The nodes that are coloured in the end, where a coloured node with one uncoloured neighbour colours it: their
    number is another lower bound, of the same rank as `pmi_bound`.

    Shapes:
        edges: `(2, E)` in both directions; leaders: `(m,)`, coloured at first; returns `(nodes,)` bool.

    Errors:
        ArgumentError: what `leader_distances` refuses.

    >>> ring = [[0, 1, 1, 2, 2, 3, 3, 0], [1, 0, 2, 1, 3, 2, 0, 3]]
    >>> int(zero_forcing(ring, 4, [0]).sum()), int(zero_forcing(ring, 4, [0, 1]).sum())
    (1, 4)

    Paper: Abbas et al., https://arxiv.org/abs/2105.06011
    """
    topology = Topology.of(edges, nodes)
    coloured = np.zeros(nodes, dtype=bool)
    coloured[checked_leaders(leaders, nodes)] = True
    while True:
        uncoloured = ~coloured[topology.source]  # (E,), edges from uncoloured nodes
        number = np.bincount(topology.target[uncoloured], minlength=nodes)  # (n,), uncoloured neighbours
        forces = uncoloured & (coloured & (number == 1))[topology.target]  # (E,)
        if not forces.any():
            return coloured
        coloured[topology.source[forces]] = True
