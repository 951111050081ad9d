"""Graphs for tests, their edges in both directions, and slow words for what is asked of them."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import numpy as np

from contrapose.controllability.topology import Topology


def both_ways(pairs: Sequence[tuple[int, int]]) -> np.ndarray:
    """`(2, 2 U)`."""
    one = np.array(list(pairs), dtype=np.int64).reshape(-1, 2).T
    return np.concatenate([one, one[::-1]], axis=1)


def path(n: int) -> np.ndarray:
    return both_ways([(v, v + 1) for v in range(n - 1)])


def ring(n: int) -> np.ndarray:
    return both_ways([(v, (v + 1) % n) for v in range(n)])


def star(n: int) -> np.ndarray:
    """Node 0 in the middle."""
    return both_ways([(0, v) for v in range(1, n)])


def complete(n: int) -> np.ndarray:
    return both_ways([(u, v) for v in range(n) for u in range(v)])


def petersen() -> np.ndarray:
    outer = [(v, (v + 1) % 5) for v in range(5)]
    inner = [(5 + v, 5 + (v + 2) % 5) for v in range(5)]
    return both_ways([*outer, *inner, *((v, v + 5) for v in range(5))])


def tree(n: int, random: np.random.Generator) -> np.ndarray:
    return both_ways([(int(random.integers(v)), v) for v in range(1, n)])


def connected(n: int, random: np.random.Generator, *, share: float = 0.15) -> np.ndarray:
    """A random tree with other edges besides."""
    pairs = {(int(random.integers(v)), v) for v in range(1, n)}
    pairs |= {(u, v) for v in range(n) for u in range(v) if random.random() < share}
    return both_ways(sorted(pairs))


def joined(graphs: Sequence[tuple[np.ndarray, int]]) -> Topology:
    """Graphs, each its edges and its number of nodes, as one batch."""
    parts = [Topology.of(edges, nodes) for edges, nodes in graphs]
    first = np.cumsum([0, *(part.nodes for part in parts)])
    source = np.concatenate([part.source + at for part, at in zip(parts, first, strict=False)])
    target = np.concatenate([part.target + at for part, at in zip(parts, first, strict=False)])
    return Topology(source, target, first)


def searched(edges: np.ndarray, nodes: int, leader: int) -> list[int]:
    """Distances from one leader, by a queue; -1 where there is no path."""
    near: list[list[int]] = [[] for _ in range(nodes)]
    for a, b in edges.T.tolist():
        near[a].append(b)
    found, queue = [-1] * nodes, deque([leader])
    found[leader] = 0
    while queue:
        node = queue.popleft()
        for other in near[node]:
            if found[other] < 0:
                found[other] = found[node] + 1
                queue.append(other)
    return found
