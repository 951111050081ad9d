"""Views of texts: the options need no torch, the maker is imported when asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contrapose.lazy import lazy_exports
from contrapose.views.texts.options import TextViews

if TYPE_CHECKING:
    from contrapose.views.texts.maker import TextViewMaker

__all__ = ["TextViewMaker", "TextViews"]


__getattr__, __dir__ = lazy_exports(
    __name__,
    {"TextViewMaker": "contrapose.views.texts.maker", "TextViews": "contrapose.views.texts.options"},
)
