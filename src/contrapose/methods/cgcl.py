"""CGCL: graphs told apart by views that can be steered as they can."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, cast

from contrapose.methods.method import About, Method, register

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from contrapose.data import Samples
    from contrapose.data.source import MakeViews
    from contrapose.encoders import Encoder, GraphEncoder
    from contrapose.learners import Learner
    from contrapose.pairing import Pairing

CONTROLLED = ("control", "matched")
"""Edits that have leaders, and say how many edges they changed."""
CHANGES = ("both", "delete", "add", "substitute")
_ASKED_ABOUT = 256  # graphs of which it is looked up how many edges can change
_FEW = 0.5


@register("cgcl")
@dataclass(frozen=True, kw_only=True)
class CGCL(Method):
    """SimCLR on graphs whose views keep how they can be steered: edges go and come, and every node stays as far from
    some leaders as it was.

    A tenth of the nodes lead, drawn anew in every step and the same for both views of a graph. An edge goes if each of
    its ends keeps its distance from all leaders by another edge, and comes between nodes that are about as far from all
    of them: with the distances stays a bound on how much of the graph the leaders can steer, whatever the weights of
    its edges. Fewer edges may be able to change than are asked to, of molecules, which are nearly trees, a quarter of
    those that should go: the metrics say how many did (`edges_deleted`, `edges_added`, as shares of those asked for).
    `--views.edit matched` changes as many of each graph at random, which is what it has to be compared with,
    `--views.edit edges` all that are asked for; `--views.edit none` is copies. `--views.keep-first` leaves the first
    view as it is. Which nodes hold what is left alone. `contrapose analyse controllability DATA` describes graphs by
    the same means without any training.

    What to expect: on PROTEINS (20 epochs, five seeds, nested SVM; `contrapose reproduce cgcl`: *not resolved here*)
    74.8 %, as many changes at random 75.1, copies 74.9, untrained 74.1, tag and degree counts 75.2, the descriptor of
    `analyse controllability` 73.2; on IMDB-BINARY (`contrapose reproduce cgcl-imdb`: *not resolved here*) 72.8, 73.0,
    72.1, 71.5, 71.4 and 71.2. That distances from leaders are kept made no difference that five seeds can show, and
    little is learned over an untrained network.

    No code of the authors was found, and the body of the paper was not at hand: what may be changed is derived from its
    abstract and the theory that it rests on.
    """

    modality: ClassVar[str] = "graph"
    kinds: ClassVar[tuple[str, ...]] = ("graph",)
    kinds_note: ClassVar[str] = "for it is edges that it changes"
    view_defaults: ClassVar[Mapping[str, Any]] = {"edit": "control"}
    about: ClassVar[About] = About(
        question="who is a positive, when labels do not say?",
        purpose="vectors of graphs: views lose and get edges, but every node stays as far from some leaders as it was",
        paper="Ahmad et al., ACC 2024, https://arxiv.org/abs/2403.04923",
    )

    batch_size: int = 128
    """Samples per process and step. 128: GraphCL's."""
    temperature: float = 0.2
    """Sharpness of the softmax. 0.2: GraphCL's; 0.5 is usual, too."""
    leaders: float = 0.1
    """Share of the nodes of a graph that lead, one at least. [design] a tenth, one of the shares of the descriptor."""
    change: Literal["both", "delete", "add", "substitute"] = "both"
    """What becomes of edges: as many are asked to go as to come (both), or they only go (delete) or come (add);
    substitute lets as many go as come, as far as both can."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check("temperature", self.temperature > 0, "above 0")
        self._check("leaders", 0 < self.leaders <= 1, "above 0, at most 1")
        self._check("change", self.change in CHANGES, f"one of {', '.join(CHANGES)}")
        self._check_views(2)

    def views_for(self, views: MakeViews, samples: Samples, encoder: Encoder) -> MakeViews:
        """What makes the views of these graphs; where fewer than half of the edges can change that are asked to, a
        warning says so."""
        if self.views.edit not in CONTROLLED:
            return views
        import numpy as np
        import torch

        from contrapose.views.graphs.control import ControlViews

        prepare = cast("GraphEncoder", encoder).prepare
        make = ControlViews(self.views, prepare, leaders=self.leaders, change=self.change)
        some = np.linspace(0, len(samples) - 1, min(len(samples), _ASKED_ABOUT)).astype(int)
        *_, counts = make(samples.batch(some), generator=torch.Generator().manual_seed(self.seed))
        asked, gone, come = cast("torch.Tensor", counts).sum(dim=0).tolist()
        few = [
            f"{done / max(asked, 1):.0%} of the edges that are asked to {word}"
            for done, word, changes in ((gone, "go", "add"), (come, "come", "delete"))
            if self.change != changes and done < _FEW * asked
        ]
        if few:
            warnings.warn(
                f"Of these graphs {' and '.join(few)} can, without moving a node away from its leaders: views differ "
                "less than --views.share says. A smaller --leaders leaves more to change.",
                stacklevel=2,
            )
        return make

    def learner(self, encoder: Encoder, *, generator: torch.Generator) -> Learner:
        from contrapose.learners import Counted
        from contrapose.objectives import OBJECTIVES, nt_xent

        def objective(z: Tensor, pairing: Pairing, rows: Tensor | None) -> Tensor:
            return nt_xent(z, pairing, temperature=self.temperature, rows=rows)

        head, chance = self.head(encoder.dimension), OBJECTIVES["nt_xent"].chance
        return Counted(encoder, head, objective, counted=("edges_deleted", "edges_added"), chance=chance)
