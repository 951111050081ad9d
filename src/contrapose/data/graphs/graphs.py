"""`Graphs`: undirected graphs of any size, their nodes with tags or features."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from contrapose.data.ragged import Ragged
from contrapose.data.samples import Samples
from contrapose.errors import ArgumentError
from contrapose.graph_batch import GraphBatch
from contrapose.node_inputs import NodeInputs
from contrapose.words import counted

SHOWN = 4  # tags of an excerpt


class Graphs(Samples):
    """N graphs; each edge is stored in both directions, in the order of where it leads to, then of where it comes from.

    Shapes:
        nodes: `(S,)` int64 tags or `(S, F)` float32 features of all graphs, one graph after the other.
        edges: `(E, 2)` of all graphs, from and to, numbered within each.
        batch(indices): a `GraphBatch` of B graphs.
        folds: `(N,)` int64, in which part of a cross-validation each graph is tested, -1 in none; None: nobody said.

    Arguments:
        inputs: what the nodes hold.
        described: targets, class_names, identifiers, skipped, origin, notes, fingerprint, rows; see `Samples`.

    Errors:
        ArgumentError: nodes and edges of another number of graphs, nodes of another form than `inputs` says, a graph
            without nodes.
    """

    modality: ClassVar[str] = "graph"
    noun: ClassVar[str] = "graph"

    def __init__(
        self, nodes: Ragged, edges: Ragged, inputs: NodeInputs, *, folds: np.ndarray | None = None, **described: Any
    ) -> None:
        shape = (inputs.features,) if inputs.are_numbers else ()
        if len(nodes) != len(edges) or nodes.values.shape[1:] != shape or edges.values.shape[1:] != (2,):
            raise ArgumentError(
                f"Graphs with {inputs.in_words()} need nodes (S{', F' if shape else ''}) and edges (E, 2) of as many "
                f"graphs; got {nodes.values.shape} of {len(nodes)} and {edges.values.shape} of {len(edges)}."
            )
        if not len(nodes) or not nodes.lengths.all():
            raise ArgumentError("Graphs have one node or more each, and there is one graph or more.")
        self.nodes, self.edges, self.inputs = nodes, edges, inputs
        self._folds = folds
        super().__init__(len(nodes), **described)

    def batch(self, indices: Tensor | ArrayLike) -> GraphBatch:
        """The graphs of these numbers, in this order, as one batch."""
        rows = self.stored_rows(indices)  # (B,)
        places, node_pointers = self.nodes.steps_of(rows)  # (S',), (B + 1,)
        steps, edge_pointers = self.edges.steps_of(rows)  # (E',), (B + 1,)
        edges = self.edges.values[steps].T + np.repeat(node_pointers[:-1], np.diff(edge_pointers))  # (2, E')
        return GraphBatch(
            torch.from_numpy(self.nodes.values[places]),
            torch.from_numpy(np.ascontiguousarray(edges)),
            torch.from_numpy(node_pointers),
            torch.from_numpy(edge_pointers),
        )

    @property
    def folds(self) -> np.ndarray | None:
        """In which part of a cross-validation each graph is tested."""
        return self._folds if self._folds is None or self.rows is None else self._folds[self.rows]

    @property
    def every(self) -> GraphBatch:
        """All of them as one batch."""
        return self.batch(np.arange(len(self)))

    def node_counts(self) -> np.ndarray:
        """`(N,)`."""
        return self.nodes.lengths if self.rows is None else self.nodes.lengths[self.rows]

    def edge_counts(self) -> np.ndarray:
        """`(N,)`, an edge counted once."""
        lengths = self.edges.lengths if self.rows is None else self.edges.lengths[self.rows]
        return lengths // 2

    def statistics(self) -> tuple[list[float], list[float]]:
        """Mean and standard deviation of each feature over all nodes, 1 for the deviation of a constant; of tags
        nothing."""
        if not self.inputs.are_numbers:
            return [], []
        values = self.every.nodes.double()  # (S, F)
        scale = values.std(dim=0, correction=0)  # (F,)
        scale = torch.where(scale > 1e-12 * values.mean(dim=0).abs(), scale, 1.0)  # below it is rounding
        return values.mean(dim=0).tolist(), scale.tolist()

    def recoded(self, inputs: NodeInputs) -> Self:
        """The same graphs as an encoder takes them: tags by their names, those that it does not know unknown.

        Errors:
            ArgumentError: nodes that hold something else than it was trained on.
        """
        if inputs == self.inputs:
            return self
        if inputs.kind != self.inputs.kind or inputs.are_numbers:
            raise ArgumentError(
                f"The encoder was trained on graphs whose nodes have {inputs.in_words()}, and these ({self.origin}) "
                f"have {self.inputs.in_words()}: open them as data of that form."
            )
        changed = self.subset(np.arange(len(self)))
        place = {value: number for number, value in enumerate(inputs.values)}
        known = [place.get(value, -1) for value in self.inputs.values]
        if inputs.kind == "degree":
            known = [min(number, len(inputs.values) - 1) for number in range(len(self.inputs.values))]
        codes = np.array([*known, -1])[self.nodes.values]  # (S,), of -1 the last one
        changed.nodes, changed.inputs = Ragged(codes, self.nodes.pointers), inputs
        return changed

    def digest(self) -> str:
        """A hash of what nodes hold, of all nodes and of all edges."""
        digest = hashlib.sha256(f"{self.inputs} {self.nodes.values.shape} {self.edges.values.shape}".encode())
        for part in (self.nodes.pointers, self.edges.pointers, self.nodes.values, self.edges.values):
            digest.update(np.ascontiguousarray(part).tobytes())
        return digest.hexdigest()

    def contents(self) -> Iterator[bytes]:
        """Nodes and edges of each, as they are numbered."""
        for row in self.stored_rows(np.arange(len(self))):
            yield self.nodes[row].tobytes() + b"|" + self.edges[row].tobytes()

    def excerpt(self, row: int) -> str:
        """How large it is, and its most frequent tags."""
        (stored,) = self.stored_rows([row])
        size = f"{counted(len(self.nodes[stored]), 'node')}, {counted(len(self.edges[stored]) // 2, 'edge')}"
        if self.inputs.are_numbers:
            return size
        often = Counter(self.nodes[stored].tolist()).most_common()
        shown = ", ".join(f"{self.inputs.shown(tag)} ({count})" for tag, count in often[:SHOWN])
        return f"{size}; {shown}{', ...' if len(often) > SHOWN else ''}"

    def in_words(self) -> str:
        """How large they are, and what their nodes hold."""
        nodes, edges = self.node_counts(), self.edge_counts()
        return f"{_range(nodes, 'node')} and {_range(edges, 'edge')}, {self.inputs.in_words()}"

    def facts(self) -> dict[str, Any]:
        """Sizes, and what the nodes hold."""
        nodes, edges = self.node_counts(), self.edge_counts()
        return {"nodes": int(nodes.sum()), "edges": int(edges.sum()), "node_inputs": self.inputs.to_json()}


def _range(counts: np.ndarray, noun: str) -> str:
    least, most = int(counts.min()), int(counts.max())
    return counted(most, noun) if least == most else f"{least:,} to {counted(most, noun)}"
