"""Graphs into views of them. The options need no torch; what computes is imported when asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contrapose.lazy import lazy_exports
from contrapose.views.graphs.edits import EDITS
from contrapose.views.graphs.options import GraphViews

if TYPE_CHECKING:
    from contrapose.views.graphs.maker import GraphViewMaker

__all__ = ["EDITS", "GraphViewMaker", "GraphViews"]

__getattr__, __dir__ = lazy_exports(__name__, {"GraphViewMaker": "contrapose.views.graphs.maker"})
