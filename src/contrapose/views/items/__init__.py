"""Histories of items into views of them. The options need no torch; the maker is imported when asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contrapose.lazy import lazy_exports
from contrapose.views.items.options import ItemViews

if TYPE_CHECKING:
    from contrapose.views.items.beside import HistoryAndViews
    from contrapose.views.items.maker import ItemViewMaker

__all__ = ["HistoryAndViews", "ItemViewMaker", "ItemViews"]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "HistoryAndViews": "contrapose.views.items.beside",
        "ItemViewMaker": "contrapose.views.items.maker",
        "ItemViews": "contrapose.views.items.options",
    },
)
