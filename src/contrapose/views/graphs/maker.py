"""`GraphViewMaker`: graphs into views of them, as an encoder takes them."""

from __future__ import annotations

from collections.abc import Callable

import torch

from contrapose.graph_batch import GraphBatch
from contrapose.views.graphs.edits import EDITS
from contrapose.views.graphs.options import GraphViews


class GraphViewMaker:
    """edit(prepare(raw)), anew for each view.

    Shapes:
        raw: B graphs; returns `count` views of B graphs each, on the CPU.

    Arguments:
        options: which edit, how much of it, and how many views.
        prepare: raw graphs as the encoder takes them, `encoder.prepare`.

    Paper: GraphCL, https://arxiv.org/abs/2010.13902.
    """

    def __init__(self, options: GraphViews | None, prepare: Callable[[GraphBatch], GraphBatch]) -> None:
        self.options = options or GraphViews()
        self.edit = EDITS[self.options.edit]
        self.prepare = prepare

    @torch.no_grad()
    def __call__(self, raw: GraphBatch, *, generator: torch.Generator | None = None) -> tuple[GraphBatch, ...]:
        """Views of the graphs; the same state of `generator` (torch's global one if `None`) gives the same views."""
        graphs = self.prepare(raw)
        intact = [graphs] if self.options.keep_first else []
        count = self.options.count - len(intact)
        edited = self.edit.views(graphs, self.options.share, count, generator=generator)
        return (*intact, *edited)

    def __repr__(self) -> str:
        return f"GraphViewMaker({self.options})"
