"""Edits of nodes: a share of them is taken away, or what they hold is hidden."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from contrapose.graph_batch import GraphBatch
from contrapose.node_inputs import UNKNOWN
from contrapose.views.graphs.draws import chosen, share_of


def drop_nodes(graphs: GraphBatch, share: float, *, generator: torch.Generator | None = None) -> GraphBatch:
    """Take away `round(share * nodes)` nodes of each graph, one less where none would be left, with their edges."""
    counts = graphs.node_counts  # (B,)
    gone = chosen(counts, share_of(counts, share).minimum(counts - 1), generator)  # (S,)
    return induced(graphs, ~gone)


def mask_nodes(graphs: GraphBatch, share: float, *, generator: torch.Generator | None = None) -> GraphBatch:
    """Hide what `round(share * nodes)` nodes of each graph hold: their tags are unknown, their features the mean."""
    return hidden(graphs, chosen(graphs.node_counts, share_of(graphs.node_counts, share), generator))


def unchanged(graphs: GraphBatch, share: float, *, generator: torch.Generator | None = None) -> GraphBatch:
    """The graphs as they are."""
    return graphs


def hidden(graphs: GraphBatch, nodes: Tensor) -> GraphBatch:
    """The graphs with what these nodes hold hidden.

    Shapes:
        nodes: `(S,)` bool.
    """
    if graphs.nodes.is_floating_point():
        return graphs.with_nodes(graphs.nodes.masked_fill(nodes[:, None], 0))
    return graphs.with_nodes(graphs.nodes.masked_fill(nodes, UNKNOWN))


def induced(graphs: GraphBatch, kept: Tensor) -> GraphBatch:
    """The graphs of these nodes and of the edges between them.

    Shapes:
        kept: `(S,)` bool.
    """
    number = kept.cumsum(0) - 1  # (S,), of those kept
    stay = kept[graphs.edges].all(dim=0)  # (E,)
    before = functional.pad(kept.cumsum(0), (1, 0))  # (S + 1,), kept nodes before each
    edges_before = functional.pad(stay.cumsum(0), (1, 0))  # (E + 1,)
    return GraphBatch(
        graphs.nodes[kept],
        number[graphs.edges[:, stay]],
        before[graphs.node_pointers],
        edges_before[graphs.edge_pointers],
    )
