"""One of several edits for each graph."""

from __future__ import annotations

import torch

from contrapose.graph_batch import GraphBatch
from contrapose.views.graphs.draws import chosen, share_of
from contrapose.views.graphs.edges import change_edges
from contrapose.views.graphs.nodes import hidden, induced
from contrapose.views.graphs.subgraphs import grown

NODES, EDGES, MASK, SUBGRAPH = range(4)


def mixed(graphs: GraphBatch, share: float, *, generator: torch.Generator | None = None) -> GraphBatch:
    """Draw one of the four edits of GraphCL for each graph, all equally likely: nodes, edges, mask or subgraph.

    The whole batch goes through each edit, of which graphs that have another one get nothing: that takes half the time
    of cutting the batch in four and putting it together again.
    """
    which = torch.randint(4, (len(graphs),), generator=generator)  # (B,)
    counts, owners = graphs.node_counts, graphs.graph_of_nodes  # (B,), (S,)
    changed = share_of(graphs.edge_counts // 2, share) * (which == EDGES)  # (B,)
    view = change_edges(graphs, changed, changed, generator=generator)
    wanted = share_of(counts, share).minimum(counts - 1) * ((which == NODES) | (which == MASK))  # (B,)
    drawn = chosen(counts, wanted, generator)  # (S,)
    view = hidden(view, drawn & (which == MASK)[owners])
    kept = ~drawn | (which != NODES)[owners]  # (S,)
    rows = (which == SUBGRAPH).nonzero().flatten()  # (b,)
    if len(rows):
        kept[(which == SUBGRAPH)[owners]] = grown(graphs[rows], share, generator)
    return induced(view, kept)
