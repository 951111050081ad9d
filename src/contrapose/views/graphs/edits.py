"""The edits of graphs that are known by name. Nothing here needs torch: what computes is imported when it is used."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any

from contrapose.registry import Registry


@dataclass(frozen=True)
class Edit:
    """How a view differs from its graph.

    Arguments:
        where: "module:function" of `(graphs, share, *, generator) -> graphs`, two `GraphBatch`es of as many graphs. All
            graphs of a batch are edited at once; what is drawn comes from the generator.
        in_words: what it does, with "{share}" where the share belongs.
        together: it makes all views of a batch in one call, because they have something in common:
            `(graphs, share, count, *, generator) -> count times graphs`.
    """

    where: str
    in_words: str
    together: bool = False

    def __call__(self, graphs: Any, share: float, *, generator: Any = None) -> Any:
        """One edited copy of a batch of graphs."""
        return self.views(graphs, share, 1, generator=generator)[0]

    def views(self, graphs: Any, share: float, count: int, *, generator: Any = None) -> tuple[Any, ...]:
        """So many edited copies of a batch of graphs."""
        module, _, function = self.where.partition(":")
        edit = getattr(importlib.import_module(module), function)
        if self.together:
            return tuple(edit(graphs, share, count, generator=generator))
        return tuple(edit(graphs, share, generator=generator) for _ in range(count))


EDITS: Registry[Edit] = Registry("edit of graphs")
"""Names to edits, as `--views.edit` has them."""

_CONTROL = "contrapose.views.graphs.control"
_EDGES, _NODES = "contrapose.views.graphs.edges", "contrapose.views.graphs.nodes"

EDITS.register("mixed")(Edit("contrapose.views.graphs.mixed:mixed", "one of nodes, edges, mask, subgraph ({share})"))
EDITS.register("edges")(Edit(f"{_EDGES}:rewire", "{share} of the edges taken away, and as many put elsewhere"))
EDITS.register("delete_edges")(Edit(f"{_EDGES}:delete_edges", "{share} of the edges taken away"))
EDITS.register("nodes")(Edit(f"{_NODES}:drop_nodes", "{share} of the nodes taken away"))
EDITS.register("mask")(Edit(f"{_NODES}:mask_nodes", "what {share} of the nodes hold hidden"))
EDITS.register("subgraph")(
    Edit("contrapose.views.graphs.subgraphs:grow", "a connected part, {share} of the nodes left out")
)
EDITS.register("control")(
    Edit(
        f"{_CONTROL}:control",
        "{share} of the edges taken away and as many put elsewhere, as far as all nodes stay as far from the leaders",
        together=True,
    )
)
EDITS.register("matched")(
    Edit(f"{_CONTROL}:matched", "as many edges taken away and put elsewhere as control can, at random", together=True)
)
EDITS.register("none")(Edit(f"{_NODES}:unchanged", "copies"))
