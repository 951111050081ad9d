"""Sums over neighbours and over the nodes of a graph, each in one pass and the same on every device and every time."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from contrapose.graph_batch import GraphBatch


class Sums:
    """What is summed in a batch of graphs, found out once for all layers.

    Shapes:
        neighbours(h): `(S, H)` to `(S, H)`, the sum of h over the nodes from which an edge leads to each.
        graphs(h): `(S, H)` to `(B, H)`, the sum over the nodes of each graph.
    """

    def __init__(self, graphs: GraphBatch) -> None:
        edges, S = _in_order(graphs), len(graphs.nodes)
        nodes = torch.arange(S, device=graphs.device)  # (S,)
        self._sources = edges[0].contiguous()  # (E,)
        self._into = torch.searchsorted(edges[1].contiguous(), nodes)  # (S,), where the edges into each node begin
        self._nodes, self._starts, self._owners = nodes, graphs.node_pointers[:-1], graphs.graph_of_nodes

    def neighbours(self, h: Float[Tensor, "S H"]) -> Float[Tensor, "S H"]:
        """Edges lead both ways, so that the gradient goes the way that the sum has come."""
        found: Tensor = _BagSums.apply(h, self._sources, self._into, self._sources, self._into)
        return found

    def graphs(self, h: Float[Tensor, "S H"]) -> Float[Tensor, "B H"]:
        found: Tensor = _BagSums.apply(h, self._nodes, self._starts, self._owners, self._nodes)
        return found


class _BagSums(torch.autograd.Function):
    """y_b = sum of h over the rows listed in bag b; the gradient is the same sum with the lists turned round.

    torch's own gradient of such sums scatters (three times as slow on a processor, and in any order on a GPU); given
    the turned lists nothing is scattered.

    Shapes:
        h: `(S, H)`; rows: `(E,)`, bag after bag; starts: `(B,)`, where each bag begins; back_rows, back_starts: for
        each row of h the bags that it is in, alike.
    """

    generate_vmap_rule = False

    @staticmethod
    def forward(h: Tensor, rows: Tensor, starts: Tensor, back_rows: Tensor, back_starts: Tensor) -> Tensor:
        return functional.embedding_bag(rows, h.contiguous(), starts, mode="sum")  # (B, H)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        ctx.save_for_backward(*inputs[1:])
        ctx.save_for_forward(*inputs[1:])

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        rows, starts, back_rows, back_starts = ctx.saved_tensors
        return _BagSums.apply(gradients[0], back_rows, back_starts, rows, starts), None, None, None, None

    @staticmethod
    def jvp(ctx: Any, *tangents: Any) -> Any:
        rows, starts, back_rows, back_starts = ctx.saved_tensors
        return _BagSums.apply(tangents[0], rows, starts, back_rows, back_starts)


def _in_order(graphs: GraphBatch) -> Tensor:
    """`(2, E)`, sorted by where edges lead to, as they should be: of a batch made by hand they are put in order."""
    edges = graphs.edges
    ordered = bool((edges[1].diff() >= 0).all()) if graphs.device.type == "cpu" else False  # a GPU would wait for it
    return edges if ordered else edges[:, edges[1].argsort(stable=True)]
