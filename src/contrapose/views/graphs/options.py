"""The options of views of graphs: a frozen dataclass, and so the run's config and the command line's flags.

Nothing here needs torch.
"""

from __future__ import annotations

from dataclasses import dataclass

from contrapose.errors import OptionError, did_you_mean
from contrapose.views.graphs.edits import EDITS
from contrapose.words import counted, percent


@dataclass(frozen=True, kw_only=True)
class GraphViews:
    """How views of a graph are made: a share of its edges or nodes is changed.

    Errors:
        OptionError: an unknown edit, a share outside [0, 1), a count below 1.
    """

    count: int = 2
    """Views of each graph. Two: GraphCL (arXiv 2010.13902)."""
    edit: str = "mixed"
    """mixed draws one of nodes, edges, mask and subgraph for each graph; edges takes some away and puts as many
    elsewhere, delete_edges takes away alone; nodes leaves out nodes; mask hides what nodes hold; subgraph keeps a
    connected part; control changes edges so that all nodes stay as far from some of them, the leaders (`cgcl`), and
    matched as many at random; none: copies."""
    share: float = 0.2
    """Share of the edges or nodes that is changed. 0.2: GraphCL."""
    keep_first: bool = False
    """Leave the first view as it is; by default every view is edited, as in GraphCL."""

    def __post_init__(self) -> None:
        share, count = self.share, self.count
        if self.edit not in EDITS:
            hint = did_you_mean(str(self.edit), EDITS)
            raise OptionError(f"edit is {self.edit!r}; it must be one of {', '.join(EDITS)}.{hint}", "edit")
        if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share < 1:
            raise OptionError(f"share is {share!r}; it must be a number from 0 to below 1.", "share")
        if isinstance(count, bool) or not isinstance(count, int) or count < 1:
            raise OptionError(f"count is {count!r}; it must be a whole number, at least 1.", "count")

    def total(self) -> int:
        """How many views there are of each graph."""
        return self.count

    def in_words(self) -> str:
        """What is done to a graph, for people."""
        kept = ", in all but the first" if self.keep_first and self.edit != "none" else ""
        done = EDITS[self.edit].in_words.format(share=percent(self.share))
        return f"{counted(self.count, 'view')} of each graph: {done}{kept}"
