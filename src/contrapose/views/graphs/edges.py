"""Edits of edges: a share of them is taken away, and as many are put elsewhere."""

from __future__ import annotations

import torch
from torch import Tensor

from contrapose.graph_batch import GraphBatch
from contrapose.views.graphs.draws import both_ways, chosen, once, pair_counts, pair_numbers, pairs_of, share_of

DENSE = 0.75
"""Share of the pairs that are edges from which free pairs are listed rather than guessed."""


def delete_edges(graphs: GraphBatch, share: float, *, generator: torch.Generator | None = None) -> GraphBatch:
    """Take away `round(share * edges)` edges of each graph, all choices equally likely."""
    edges = once(graphs)  # (2, M)
    counts = graphs.edge_counts // 2  # (B,)
    gone = chosen(counts, share_of(counts, share), generator)  # (M,)
    return graphs.with_edges(both_ways(edges[:, ~gone]))


def rewire(graphs: GraphBatch, share: float, *, generator: torch.Generator | None = None) -> GraphBatch:
    """Take away `round(share * edges)` edges of each graph, and put as many between nodes that had none; fewer where
    there are not as many such pairs."""
    counts = share_of(graphs.edge_counts // 2, share)  # (B,)
    return change_edges(graphs, counts, counts, generator=generator)


def change_edges(
    graphs: GraphBatch, deletions: Tensor, additions: Tensor, *, generator: torch.Generator | None = None
) -> GraphBatch:
    """Take away so many edges of each graph and add so many, at random: what another edit is compared with, that
    changed as many.

    Shapes:
        deletions, additions: `(B,)` int64; no more is done than there are edges, and pairs without one.
    """
    edges = once(graphs)  # (2, M)
    gone = chosen(graphs.edge_counts // 2, deletions, generator)  # (M,)
    added = pairs_of(free_pairs(graphs, additions, generator), graphs)  # (2, A)
    return graphs.with_edges(both_ways(torch.cat([edges[:, ~gone], added], dim=1)))


def free_pairs(graphs: GraphBatch, wanted: Tensor, generator: torch.Generator | None) -> Tensor:
    """Pairs of nodes without an edge, by number (`pair_numbers`): as many of each graph as are wanted, or all there
    are; all choices equally likely.

    Pairs are guessed and those taken thrown away, until there are enough; of graphs that are nearly complete all are
    listed.
    """
    pairs, M = pair_counts(graphs), graphs.edge_counts // 2  # (B,) each
    wanted = wanted.minimum(pairs - M)  # (B,)
    taken = pair_numbers(once(graphs), graphs)  # (M,), ascending
    starts = pairs.cumsum(0) - pairs  # (B,)
    dense = DENSE * pairs < M + wanted  # (B,), an edge of those to come counts as taken
    found = taken[:0]
    while True:
        missing = wanted - _counts(found, starts)  # (B,)
        if not int(missing.sum()):
            return found
        guesses = torch.where(dense, pairs, 2 * missing + 4) * (missing > 0)  # (B,)
        owners = torch.arange(len(pairs)).repeat_interleave(guesses)  # (G,)
        drawn = torch.rand(len(owners), generator=generator, dtype=torch.float64)  # (G,)
        place = torch.arange(len(owners)) - (guesses.cumsum(0) - guesses)[owners]  # (G,)
        local = torch.where(dense[owners], place, (drawn * pairs[owners]).long())  # (G,)
        new = (starts[owners] + local).unique()  # (g,), ascending
        new = new[~_among(new, taken)]  # (g,)
        new = new[chosen(_counts(new, starts), missing, generator)]
        found = torch.cat([found, new])
        taken = torch.cat([taken, new]).sort().values


def _counts(numbers: Tensor, starts: Tensor) -> Tensor:
    """`(B,)`, how many of these pairs each graph has."""
    owners = torch.bucketize(numbers, starts, right=True) - 1  # (g,), of graphs without pairs the last one
    return torch.bincount(owners, minlength=len(starts))


def _among(numbers: Tensor, taken: Tensor) -> Tensor:
    """Which numbers stand in an ascending list."""
    if not len(taken):
        return torch.zeros(len(numbers), dtype=torch.bool)
    place = torch.searchsorted(taken, numbers).clamp(max=len(taken) - 1)
    return taken[place] == numbers
