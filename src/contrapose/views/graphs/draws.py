"""Drawing from each graph of a batch at once, and the pairs of nodes by number."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from contrapose.graph_batch import GraphBatch


def chosen(counts: Tensor, wanted: Tensor, generator: torch.Generator | None) -> Tensor:
    """Of so many things of each graph, one graph after the other, as many as are wanted: all choices equally likely.

    Shapes:
        counts, wanted: `(B,)` int64; returns `(sum of counts,)` bool.
    """
    total = int(counts.sum())
    owners = torch.arange(len(counts)).repeat_interleave(counts, output_size=total)  # (M,)
    order = (owners + torch.rand(total, generator=generator, dtype=torch.float64)).argsort()  # (M,)
    starts = counts.cumsum(0) - counts  # (B,)
    taken = torch.arange(total) - starts[owners] < wanted[owners]  # (M,), of places in that order
    found = torch.empty(total, dtype=torch.bool)
    found[order] = taken
    return found


def share_of(counts: Tensor, share: float) -> Tensor:
    """`(B,)` int64, the whole number nearest to this share of each; halves go to the even one."""
    return (counts.double() * share).round().long()


def pair_counts(graphs: GraphBatch) -> Tensor:
    """`(B,)` int64, how many pairs of nodes each graph has."""
    nodes = graphs.node_counts
    return nodes * (nodes - 1) // 2


def pair_numbers(edges: Tensor, graphs: GraphBatch) -> Tensor:
    """Each edge's number among the pairs of nodes of all graphs, ascending where edges are in order.

        number(u, v) = pairs of the graphs before + v (v - 1) / 2 + u,   u < v within their graph

    Shapes:
        edges: `(2, M)`, the smaller node first; returns `(M,)` int64.
    """
    owners = torch.bucketize(edges[1], graphs.node_pointers[1:], right=True)  # (M,)
    u, v = edges - graphs.node_pointers[owners]  # (M,) each
    return _pair_pointers(graphs)[owners] + v * (v - 1) // 2 + u


def pairs_of(numbers: Tensor, graphs: GraphBatch) -> Tensor:
    """The edges of these numbers, `(2, M)`: the inverse of `pair_numbers`."""
    pointers = _pair_pointers(graphs)  # (B + 1,)
    owners = torch.bucketize(numbers, pointers[1:], right=True)  # (M,)
    local = numbers - pointers[owners]  # (M,)
    v = ((1 + (1 + 8 * local.double()).sqrt()) / 2).long()  # (M,), off by one at most by rounding
    v = v - (v * (v - 1) // 2 > local).long()
    v = v + (v * (v + 1) // 2 <= local).long()
    return torch.stack([local - v * (v - 1) // 2, v]) + graphs.node_pointers[owners]  # (2, M)


def _pair_pointers(graphs: GraphBatch) -> Tensor:
    return functional.pad(pair_counts(graphs).cumsum(0), (1, 0))


def once(graphs: GraphBatch) -> Tensor:
    """`(2, M)`, each edge once, from the smaller node to the larger, in order."""
    return graphs.edges[:, graphs.edges[0] < graphs.edges[1]]


def both_ways(edges: Tensor) -> Tensor:
    """`(2, 2M)`, each edge in both directions."""
    return torch.cat([edges, edges.flip(0)], dim=1)
