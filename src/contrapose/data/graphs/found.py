"""What was read of graphs, as it stood there, and what was asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from contrapose.data.asked import Asked
from contrapose.node_inputs import NodeInputs


@dataclass(frozen=True, kw_only=True)
class GraphRequest(Asked):
    """The options of `open_graphs`; see there."""

    node_input: str = "auto"
    inputs: NodeInputs | None = None


@dataclass(kw_only=True)
class Found:
    """N graphs as they were found.

    Shapes:
        node_counts, edge_counts: `(N,)`.
        edges: `(2, M)`, from and to, numbered within each graph.
        tags: `(S,)` integers or texts; features: `(S, F)`; None where there are none.

    Arguments:
        origin: where they come from, for people.
        values: what is known of each graph, N of each, by name; labels are found among them.
        missing: labels that mean "no label"; None: as usual.
        names: of the classes 0, 1, ..., where the source has them.
        folds: as of `Graphs`.
    """

    node_counts: np.ndarray
    edges: np.ndarray
    edge_counts: np.ndarray
    origin: str
    tags: np.ndarray | None = None
    features: np.ndarray | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    missing: frozenset[str] | None = None
    names: Sequence[str] | None = None
    identifiers: Sequence[str] | None = None
    folds: np.ndarray | None = None
    notes: list[str] = field(default_factory=list)

    def name(self, graph: int) -> str:
        """What a graph is called."""
        return str(graph) if self.identifiers is None else self.identifiers[graph]
