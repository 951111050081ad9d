"""`Topology`: who is joined to whom in one graph, or in many that lie one after another, in arrays of NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np

from contrapose.errors import ArgumentError


class Topology:
    """B undirected graphs without weights, numbered over all of their S nodes; each edge stands there twice, once in
    each direction, by where it leads to and then by where it comes from.

    Shapes:
        source, target: `(E,)` int64, the ends of each directed edge.
        node_pointers: `(B + 1,)` int64; graph b has the nodes `node_pointers[b]` to `node_pointers[b + 1]`.
    """

    def __init__(self, source: np.ndarray, target: np.ndarray, node_pointers: np.ndarray) -> None:
        self.source, self.target, self.node_pointers = source, target, node_pointers
        self.nodes = int(node_pointers[-1])
        self.arriving = np.searchsorted(
            target, np.arange(self.nodes + 1)
        )  # (S + 1,), where the edges into a node begin

    @classmethod
    def of(cls, edges: Any, nodes: int) -> Topology:
        """One graph from its edges, in both directions and in any order.

        Shapes:
            edges: `(2, E)` whole numbers from 0 to `nodes` - 1.

        Errors:
            ArgumentError: no node; edges of another shape, from or to nodes that are not there, from a node to itself,
                twice, or in one direction alone.
        """
        pairs = np.asarray(edges)
        if isinstance(nodes, bool) or not isinstance(nodes, int | np.integer) or nodes < 1:
            raise ArgumentError(f"A graph has one node or more, and this one has {nodes!r}: leave empty graphs out.")
        if pairs.size == 0:
            pairs = np.zeros((2, 0), dtype=np.int64)
        if pairs.ndim != 2 or len(pairs) != 2 or pairs.dtype.kind not in "iu":
            raise ArgumentError(
                f"Edges are whole numbers of the shape (2, E), from and to, not {pairs.dtype} of {pairs.shape}. "
                "Weights (a third row) are not used here: leave them out."
            )
        source, target = pairs.astype(np.int64)
        if len(source) and (pairs.min() < 0 or pairs.max() >= nodes):
            raise ArgumentError(
                f"Edges join nodes 0 to {nodes - 1} of a graph of {nodes}, and these reach from {pairs.min()} to "
                f"{pairs.max()}: number the nodes of each graph from 0."
            )
        if (source == target).any():
            raise ArgumentError(f"Node {source[source == target][0]} is joined to itself: leave self-loops out.")
        forward, backward = source + target * nodes, target + source * nodes  # (E,) each
        if len(np.unique(forward)) < len(forward):
            raise ArgumentError("An edge stands there twice: give each once in each direction, without weights.")
        forward.sort()
        if (forward != np.sort(backward)).any():
            raise ArgumentError(
                "The graph is directed: some edge leads one way alone, and how a graph is steered is known here for "
                "undirected ones. Give each edge in both directions."
            )
        return cls(forward % nodes, forward // nodes, np.array([0, nodes]))

    def __len__(self) -> int:
        return len(self.node_pointers) - 1

    @property
    def node_counts(self) -> np.ndarray:
        """`(B,)`."""
        return np.diff(self.node_pointers)

    @property
    def edge_pointers(self) -> np.ndarray:
        """`(B + 1,)`: graph b has the directed edges `edge_pointers[b]` to `edge_pointers[b + 1]`."""
        return self.arriving[self.node_pointers]

    @property
    def edge_counts(self) -> np.ndarray:
        """`(B,)`, each edge once."""
        return np.diff(self.edge_pointers) // 2

    @property
    def degrees(self) -> np.ndarray:
        """`(S,)`."""
        return np.diff(self.arriving)

    @property
    def graph_of_nodes(self) -> np.ndarray:
        """`(S,)`."""
        return np.repeat(np.arange(len(self)), self.node_counts)

    @property
    def keys(self) -> np.ndarray:
        """`(E,)`, a number an edge, `S to + from`, in ascending order."""
        return self.target * self.nodes + self.source

    def adjacency(self) -> np.ndarray:
        """`(S, S)` of 0 and 1."""
        dense = np.zeros((self.nodes, self.nodes))
        dense[self.target, self.source] = 1
        return dense


def checked_leaders(leaders: Any, nodes: int) -> np.ndarray:
    """The leaders of one graph, `(m,)` int64, in ascending order.

    Errors:
        ArgumentError: none, one twice, or one that is no node of the graph.
    """
    numbers = np.asarray(leaders).reshape(-1)
    if len(numbers) == 0:
        raise ArgumentError("Without a leader nothing can be steered: name one node at least.")
    if numbers.dtype.kind not in "iu" or numbers.min() < 0 or numbers.max() >= nodes:
        raise ArgumentError(
            f"Leaders are nodes 0 to {nodes - 1} of a graph of {nodes}, not "
            f"{', '.join(map(str, numbers[:5].tolist()))}."
        )
    found = np.unique(numbers.astype(np.int64))
    if len(found) < len(numbers):
        raise ArgumentError("A leader is named twice: name each once.")
    return found
