"""Views of pairs: weak and strong ones, of pictures and of their captions. The options need no torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contrapose.lazy import lazy_exports
from contrapose.views.pairs.options import CaptionViews, PairViews

if TYPE_CHECKING:
    from contrapose.views.pairs.maker import PairViewMaker

__all__ = ["CaptionViews", "PairViewMaker", "PairViews"]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "CaptionViews": "contrapose.views.pairs.options",
        "PairViewMaker": "contrapose.views.pairs.maker",
        "PairViews": "contrapose.views.pairs.options",
    },
)
