"""`GraphBatch`: graphs of several sizes as one batch, one large graph whose parts do not touch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from contrapose.errors import ArgumentError


@dataclass(frozen=True)
class GraphBatch:
    """B undirected graphs of S nodes and E directed edges together; each edge stands there in both directions.

    Nodes are numbered over the whole batch, so that a step over all edges is a step over all graphs. Edges are in the
    order of where they lead to, then of where they come from, as `with_edges` puts them: those of a graph and those
    into a node stand together.

    Shapes:
        nodes: `(S,)` int64 tags, or `(S, F)` floating point features.
        edges: `(2, E)` int64, from and to; no edge leads from a node to itself, none is there twice.
        node_pointers: `(B + 1,)` int64 from 0 to S; graph b has the nodes `node_pointers[b]` to `node_pointers[b + 1]`.
        edge_pointers: `(B + 1,)` int64 from 0 to E, the same of edges.

    Errors:
        ArgumentError: shapes that do not fit each other.
    """

    nodes: Tensor
    edges: Tensor
    node_pointers: Tensor
    edge_pointers: Tensor

    def __post_init__(self) -> None:
        pointers = (tuple(self.node_pointers.shape), tuple(self.edge_pointers.shape))
        if self.edges.ndim != 2 or len(self.edges) != 2:
            raise ArgumentError(f"Edges of a batch of graphs have the shape (2, E), not {tuple(self.edges.shape)}.")
        if self.nodes.ndim not in (1, 2) or len({*pointers}) != 1 or self.node_pointers.shape[:1] < (1,):
            raise ArgumentError(
                "A batch of graphs has nodes (S,) or (S, F) and two pointers (B + 1,); these are of the shapes "
                f"{tuple(self.nodes.shape)}, {pointers[0]} and {pointers[1]}."
            )

    @property
    def shape(self) -> torch.Size:
        """`(B,)`, of features `(B, F)`."""
        return torch.Size((len(self), *self.nodes.shape[1:]))

    @property
    def device(self) -> torch.device:
        return self.nodes.device

    def __len__(self) -> int:
        return len(self.node_pointers) - 1

    @property
    def node_counts(self) -> Tensor:
        """`(B,)` int64."""
        return self.node_pointers.diff()

    @property
    def edge_counts(self) -> Tensor:
        """`(B,)` int64, both directions counted."""
        return self.edge_pointers.diff()

    @property
    def graph_of_nodes(self) -> Tensor:
        """`(S,)` int64, the graph that each node belongs to."""
        return _owners(self.node_pointers, len(self.nodes))

    @property
    def graph_of_edges(self) -> Tensor:
        """`(E,)` int64, the graph that each edge belongs to."""
        return _owners(self.edge_pointers, self.edges.shape[1])

    def __getitem__(self, rows: Any) -> GraphBatch:
        """These graphs, by numbers, a slice or a mask of them; of one number a batch of one."""
        chosen = torch.arange(len(self), device=self.device)[rows].reshape(-1)  # (B',)
        nodes, node_pointers = _places(self.node_pointers, chosen)  # (S',), (B' + 1,)
        edges, edge_pointers = _places(self.edge_pointers, chosen)  # (E',), (B' + 1,)
        moved = (node_pointers[:-1] - self.node_pointers[chosen]).repeat_interleave(
            edge_pointers.diff(), output_size=len(edges)
        )  # (E',), by how much the nodes of each edge are renumbered
        return GraphBatch(self.nodes[nodes], self.edges[:, edges] + moved, node_pointers, edge_pointers)

    def with_edges(self, edges: Tensor) -> GraphBatch:
        """The same nodes with other edges.

        Shapes:
            edges: `(2, E')` int64 in any order, numbered over the whole batch, none between graphs.
        """
        order = (edges[1] * len(self.nodes) + edges[0]).argsort()  # (E',)
        edges = edges[:, order]  # (2, E')
        pointers = torch.searchsorted(edges[1].contiguous(), self.node_pointers)  # (B + 1,)
        return replace(self, edges=edges, edge_pointers=pointers)

    def with_nodes(self, nodes: Tensor) -> GraphBatch:
        """The same edges between nodes with other tags or features: `(S,)` or `(S, F)`."""
        return replace(self, nodes=nodes)

    def to(self, device: torch.device | str, *, non_blocking: bool = False) -> GraphBatch:
        return GraphBatch(*(part.to(device, non_blocking=non_blocking) for part in self._parts()))

    def pin_memory(self) -> GraphBatch:
        """The same in memory from which a GPU copies by itself."""
        return GraphBatch(*(part.pin_memory() for part in self._parts()))

    def record_stream(self, stream: Any) -> None:
        """Keep its memory until what this stream of a GPU has been asked for is done."""
        for part in self._parts():
            part.record_stream(stream)

    def join(self, batches: Sequence[GraphBatch]) -> GraphBatch:
        """`batches` one after the other: `(B1 + B2 + ...)` graphs."""
        first, edges = 0, []
        for batch in batches:
            edges.append(batch.edges + first)  # (2, E1)
            first += len(batch.nodes)
        return GraphBatch(
            torch.cat([batch.nodes for batch in batches]),  # (S1 + S2 + ...,)
            torch.cat(edges, dim=1),  # (2, E1 + E2 + ...)
            _pointers(torch.cat([batch.node_counts for batch in batches])),  # (B1 + B2 + ... + 1,)
            _pointers(torch.cat([batch.edge_counts for batch in batches])),
        )

    def gathered(self, gather: Callable[[Tensor], Tensor]) -> GraphBatch:
        """Those of all processes one after the other: `(W·B)` graphs.

        Arguments:
            gather: concatenates tensors of one shape along their first dimension, in the order of processes.
        """
        sizes = gather(torch.tensor([[len(self.nodes), self.edges.shape[1], len(self)]], device=self.device))  # (W, 3)
        S, E, _ = sizes.amax(dim=0).tolist()
        nodes = gather(_lengthened(self.nodes, S)).unflatten(0, (-1, S))  # (W, S) or (W, S, F)
        edges = gather(_lengthened(self.edges.T.contiguous(), E)).unflatten(0, (-1, E))  # (W, E, 2)
        counts = gather(torch.stack([self.node_counts, self.edge_counts], dim=1))  # (W·B, 2)
        counts = counts.unflatten(0, (len(sizes), -1))  # (W, B, 2)
        every = [
            GraphBatch(
                nodes[rank, : size[0]],
                edges[rank, : size[1]].T,
                _pointers(counts[rank, :, 0]),
                _pointers(counts[rank, :, 1]),
            )
            for rank, size in enumerate(sizes.tolist())
        ]
        return self.join(every)

    def alike(self) -> tuple[Any, ...]:
        return ("graphs", *self.shape, self.nodes.dtype)

    def _parts(self) -> tuple[Tensor, ...]:
        return self.nodes, self.edges, self.node_pointers, self.edge_pointers


def _owners(pointers: Tensor, total: int) -> Tensor:
    counts = pointers.diff()  # (B,)
    return torch.arange(len(counts), device=pointers.device).repeat_interleave(counts, output_size=total)


def _pointers(counts: Tensor) -> Tensor:
    """`(B,)` sizes as the `(B + 1,)` places where each begins, and the end."""
    return functional.pad(counts.cumsum(0), (1, 0))


def _places(pointers: Tensor, chosen: Tensor) -> tuple[Tensor, Tensor]:
    """Where the nodes (or edges) of the chosen graphs lie, one graph after the other, and the pointers into those."""
    starts, counts = pointers[chosen], pointers.diff()[chosen]  # (B',) each
    found = _pointers(counts)  # (B' + 1,)
    total = int(found[-1])
    moved = (starts - found[:-1]).repeat_interleave(counts, output_size=total)
    return torch.arange(total, device=pointers.device) + moved, found


def _lengthened(values: Tensor, length: int) -> Tensor:
    return functional.pad(values, (0, 0) * (values.ndim - 1) + (0, length - len(values)))
