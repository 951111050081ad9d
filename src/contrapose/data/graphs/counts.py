"""What can be counted of a graph: its nodes and edges, how often each tag and each degree is there."""

from __future__ import annotations

from typing import cast

import numpy as np

from contrapose.data.graphs.graphs import Graphs
from contrapose.data.samples import Samples
from contrapose.graph_batch import GraphBatch

MOST_DEGREE = 30
"""Degrees that are counted apart; larger ones are counted with it [design]."""


class GraphCounts:
    """Standardised counts of each graph: what is known of it without looking at how it hangs together.

        [n, m, how many nodes have tag 0, 1, ..., unknown, how many have degree 0, 1, ..., most],   of features their
        means over nodes in the place of tags

    Shapes:
        returns `(N, F)` float32.

    Arguments:
        known: graphs whose means and deviations are those of the columns.
    """

    def __init__(self, known: Graphs) -> None:
        self.inputs = known.inputs
        self.most = int(min(max(known.every.edges[1].bincount().tolist(), default=0), MOST_DEGREE))
        counts = self._counts(known.every)  # (N, F)
        self.mean, scale = counts.mean(axis=0), counts.std(axis=0)  # (F,) each
        self.scale = np.where(scale > 0, scale, 1)

    def __call__(self, samples: Samples) -> np.ndarray:
        rows = (self._counts(cast(Graphs, samples).every) - self.mean) / self.scale  # (N, F)
        rows = rows if rows.any(axis=1).all() else rows + 1e-6  # a graph of means alone has no direction
        return rows.astype(np.float32)

    def _counts(self, graphs: GraphBatch) -> np.ndarray:
        owners, B = graphs.graph_of_nodes.numpy(), len(graphs)
        nodes = graphs.nodes.numpy()
        degree = np.bincount(graphs.edges[1].numpy(), minlength=len(nodes)).clip(max=self.most)  # (S,)
        sizes = np.stack([graphs.node_counts.numpy(), graphs.edge_counts.numpy() // 2], axis=1)  # (B, 2)
        if self.inputs.are_numbers:
            sums = np.zeros((B, nodes.shape[1]))
            np.add.at(sums, owners, nodes)
            held = sums / sizes[:, :1]  # (B, F)
        else:
            held = _histogram(owners, nodes % (len(self.inputs.values) + 1), B, len(self.inputs.values) + 1)
        return np.concatenate([sizes, held, _histogram(owners, degree, B, self.most + 1)], axis=1).astype(np.float64)


def _histogram(owners: np.ndarray, values: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """`(rows, columns)`, how often each value is there."""
    return np.bincount(owners * columns + values, minlength=rows * columns).reshape(rows, columns)
