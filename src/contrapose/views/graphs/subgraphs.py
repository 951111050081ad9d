"""Connected parts of graphs, grown from a node."""

from __future__ import annotations

import torch
from torch import Tensor

from contrapose.graph_batch import GraphBatch
from contrapose.views.graphs.draws import share_of
from contrapose.views.graphs.nodes import induced


def grow(graphs: GraphBatch, share: float, *, generator: torch.Generator | None = None) -> GraphBatch:
    """Keep a connected part of each graph with `nodes - round(share * nodes)` nodes, fewer where its first node is
    joined with fewer."""
    return induced(graphs, grown(graphs, share, generator))


def grown(graphs: GraphBatch, share: float, generator: torch.Generator | None) -> Tensor:
    """The nodes of such parts, `(S,)` bool.

    A part grows from a random node that has edges; each further node comes over a random edge that leads out of it. So
    that all graphs grow at once, every edge is given an exponential time to be crossed: the next edge to be crossed is
    then any of those that lead out, each as likely as the others, and the part is the nodes that are reached first.
    """
    counts, owners = graphs.node_counts, graphs.graph_of_nodes  # (B,), (S,)
    alone = torch.bincount(graphs.edges[1], minlength=len(owners)) == 0  # (S,)
    drawn = torch.rand(len(owners), generator=generator, dtype=torch.float64) + alone  # (S,), those with edges first
    first = (owners + drawn / 2).argsort()[graphs.node_pointers[:-1]]  # (B,)
    passage = -torch.rand(graphs.edges.shape[1], generator=generator, dtype=torch.float64).log()  # (E,)
    reached = torch.full((len(graphs.nodes),), torch.inf, dtype=torch.float64)  # (S,), when
    reached[first] = 0
    source, target = graphs.edges  # (E,) each
    while True:  # a round for each edge of the longest way
        before = reached
        reached = before.scatter_reduce(0, target, before[source] + passage, "amin")
        if torch.equal(before, reached):
            break
    order = reached.argsort(stable=True)
    order = order[owners[order].argsort(stable=True)]  # (S,), of each graph those reached first
    place = torch.empty_like(order)
    place[order] = torch.arange(len(order)) - graphs.node_pointers[owners]
    return (place < (counts - share_of(counts, share)).clamp(min=1)[owners]) & reached.isfinite()  # (S,)
