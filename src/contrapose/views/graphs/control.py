"""Edits of edges that leave every node as far from some leaders as it was, and random ones that change as many."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from contrapose.controllability.changes import Change, ControlEdits, Edited
from contrapose.controllability.distances import Distances
from contrapose.controllability.leaders import SHARE, random_leaders
from contrapose.controllability.topology import Topology
from contrapose.graph_batch import GraphBatch
from contrapose.views.graphs.edges import change_edges
from contrapose.views.graphs.options import GraphViews

COUNTED = ("asked", "deleted", "added")
"""What the columns of the counts beside such views are."""


def control(
    graphs: GraphBatch, share: float, count: int, *, generator: torch.Generator | None = None
) -> tuple[GraphBatch, ...]:
    """So many views, each with `round(share * edges)` edges of each graph taken away and as many put elsewhere, as far
    as no node gets nearer to a leader or farther; a tenth of the nodes lead, the same in all of the views."""
    return control_views(graphs, share, count, generator=generator)[0]


def matched(
    graphs: GraphBatch, share: float, count: int, *, generator: torch.Generator | None = None
) -> tuple[GraphBatch, ...]:
    """The same with edges at random: of each graph as many as `control` takes away, and as many as it adds."""
    return control_views(graphs, share, count, at_random=True, generator=generator)[0]


def control_views(
    graphs: GraphBatch,
    share: float,
    count: int,
    *,
    leaders: float = SHARE,
    change: Change = "both",
    at_random: bool = False,
    generator: torch.Generator | None = None,
) -> tuple[tuple[GraphBatch, ...], Float[Tensor, "B 3"]]:
    """Views of graphs, and how many edges changed.

    Shapes:
        returns `count` batches of B graphs, and counts `(B, 3)` over all of them: edges asked to go (and as many to
            come), gone, come (`COUNTED`).

    Arguments:
        leaders: share of the nodes that lead, one at least, drawn anew in each call and the same for all views of it.
        change: what is done to edges; see `ControlEdits.draw`.
        at_random: change as many, of each graph and view, without heed of the leaders.

    What is drawn comes from NumPy's generator, begun by a number of `generator`, on the CPU.
    """
    home = graphs.to("cpu")
    device = torch.device("cpu") if generator is None else generator.device
    random = np.random.default_rng(int(torch.randint(2**62, (), generator=generator, device=device)))
    source, target = home.edges.numpy()  # (E,) each
    topology = Topology(source, target, home.node_pointers.numpy())
    edits = ControlEdits(Distances(topology, random_leaders(topology, random, share=leaders)))
    drawn = [edits.draw(share, random, change=change) for _ in range(count)]
    counts = np.zeros((len(home), len(COUNTED)), dtype=np.float32)  # (B, 3)
    for one in drawn:
        counts += np.stack([getattr(one, name) for name in COUNTED], axis=1)
    views = [_randomly(home, one, generator) if at_random else _with_edges(home, one.topology) for one in drawn]
    return tuple(view.to(graphs.device) for view in views), torch.from_numpy(counts)


def _with_edges(graphs: GraphBatch, topology: Topology) -> GraphBatch:
    edges = torch.from_numpy(np.stack([topology.source, topology.target]))  # (2, E')
    return replace(graphs, edges=edges, edge_pointers=torch.from_numpy(topology.edge_pointers))


def _randomly(graphs: GraphBatch, edited: Edited, generator: torch.Generator | None) -> GraphBatch:
    deleted, added = torch.from_numpy(edited.deleted), torch.from_numpy(edited.added)
    return change_edges(graphs, deleted, added, generator=generator)


class ControlViews:
    """edit(prepare(raw)) with leaders and a change of one's own, and how much of it was possible.

    Shapes:
        raw: B graphs; returns `count` views of B graphs each, and the counts `(B, 3)` of `control_views`.

    Arguments:
        options: `control` or `matched`, the share, the number of views, whether the first stays as it is.
        prepare: raw graphs as the encoder takes them, `encoder.prepare`.
        leaders, change: as of `control_views`.
    """

    def __init__(
        self,
        options: GraphViews,
        prepare: Callable[[GraphBatch], GraphBatch],
        *,
        leaders: float = SHARE,
        change: Change = "both",
    ) -> None:
        self.options, self.prepare, self.leaders, self.change = options, prepare, leaders, change

    @torch.no_grad()
    def __call__(self, raw: GraphBatch, *, generator: torch.Generator | None = None) -> tuple[GraphBatch | Tensor, ...]:
        """Views of the graphs; the same state of `generator` (torch's global one if `None`) gives the same views."""
        graphs = self.prepare(raw)
        intact = [graphs] if self.options.keep_first else []
        edited, counts = control_views(
            graphs,
            self.options.share,
            self.options.count - len(intact),
            leaders=self.leaders,
            change=self.change,
            at_random=self.options.edit == "matched",
            generator=generator,
        )
        return (*intact, *edited, counts)

    def __repr__(self) -> str:
        return f"ControlViews({self.options}, leaders={self.leaders}, change={self.change!r})"
