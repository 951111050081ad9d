"""What may be wrong with graphs that could be opened, and what is in them, for people."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from contrapose.data.graphs.graphs import Graphs
from contrapose.data.problems import Problem, copies, repeated, some
from contrapose.words import counted, percent

LARGE = 50
"""Times the median number of nodes from which a graph stands out [design]."""
MOST_NAMED = 10  # tags in the facts


def graph_problems(graphs: Graphs) -> Iterator[Problem]:
    """Graphs without edges, one of them far larger than the others, sizes that tell the classes, exact copies."""
    nodes, edges = graphs.node_counts(), graphs.edge_counts()  # (N,) each
    bare = np.flatnonzero(edges == 0)
    if len(bare):
        names = some([graphs.identifiers[row] for row in bare.tolist()])
        yield Problem(
            "no edges",
            f"{counted(len(bare), 'graph')} without an edge ({names}): a set of nodes is all that is learned of such.",
            harmless=len(bare) < len(graphs) / 2,
        )
    large = np.flatnonzero(nodes > LARGE * max(float(np.median(nodes)), 1))
    if len(large):
        names = some([f"{graphs.identifiers[row]} with {nodes[row]:,}" for row in large.tolist()])
        yield Problem(
            "large",
            f"{counted(len(large), 'graph')} with more than {LARGE} times the usual number of nodes ({names}): a batch "
            "takes as long as its largest graph; leave them out, or take smaller batches with --batch-size.",
        )
    yield from copies(graphs, repeated(graphs))


def graph_facts(graphs: Graphs) -> list[str]:
    """Sizes, nodes without edges, and tags by how often they are there."""
    nodes, edges = graphs.node_counts(), graphs.edge_counts()  # (N,) each
    every = graphs.every
    degree = np.bincount(every.edges[1].numpy(), minlength=len(every.nodes))  # (S,)
    alone = float((degree == 0).mean())
    lines = [
        f"nodes  {_spread(nodes)}",
        f"edges  {_spread(edges)}",
        f"degree {degree.mean():.3g} on average, {degree.max():,} at most"
        + (f"; {percent(alone)} of the nodes have no edge" if alone else ""),
    ]
    if graphs.inputs.are_numbers:
        return [*lines, f"nodes hold {graphs.inputs.in_words()}"]
    tags, counts = np.unique(every.nodes.numpy(), return_counts=True)
    order = np.argsort(-counts, kind="stable")[:MOST_NAMED]
    shown = ", ".join(f"{graphs.inputs.shown(int(tags[row]))} {percent(counts[row] / counts.sum())}" for row in order)
    return [*lines, f"tags   {shown}{', ...' if len(tags) > MOST_NAMED else ''}"]


def _spread(counts: np.ndarray) -> str:
    return (
        f"{int(counts.sum()):,}; a graph has {counts.min():,} to {counts.max():,}, {np.median(counts):g} in the median"
    )
