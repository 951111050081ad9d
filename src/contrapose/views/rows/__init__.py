"""Rows of a table into views of them. The options need no torch; the maker is imported when asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contrapose.lazy import lazy_exports
from contrapose.views.rows.options import RowViews

if TYPE_CHECKING:
    from contrapose.views.rows.maker import RowViewMaker

__all__ = ["RowViewMaker", "RowViews"]

__getattr__, __dir__ = lazy_exports(
    __name__, {"RowViewMaker": "contrapose.views.rows.maker", "RowViews": "contrapose.views.rows.options"}
)
