"""One of several edits for each graph."""

from __future__ import annotations

import torch

from contrapose.graph_batch import GraphBatch
from contrapose.view import join
from contrapose.views.graphs.edges import rewire
from contrapose.views.graphs.nodes import drop_nodes, mask_nodes
from contrapose.views.graphs.subgraphs import grow

MIXED = (drop_nodes, rewire, mask_nodes, grow)


def mixed(graphs: GraphBatch, share: float, *, generator: torch.Generator | None = None) -> GraphBatch:
    """Draw one of the four edits of GraphCL for each graph, all equally likely."""
    which = torch.randint(len(MIXED), (len(graphs),), generator=generator)  # (B,)
    rows = [(which == number).nonzero().flatten() for number in range(len(MIXED))]
    parts = [
        edit(graphs[some], share, generator=generator) for edit, some in zip(MIXED, rows, strict=True) if len(some)
    ]
    return join(parts)[torch.cat(rows).argsort()] if parts else graphs
