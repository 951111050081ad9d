"""Views of texts: the options need no torch, the maker is imported when asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contrapose.lazy import lazy_exports
from contrapose.views.texts.options import TextViews

if TYPE_CHECKING:
    from contrapose.views.texts.maker import TextViewMaker
    from contrapose.views.texts.url_address import destination
    from contrapose.views.texts.url_spelling import respell

__all__ = ["TextViewMaker", "TextViews", "destination", "respell"]


__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "TextViewMaker": "contrapose.views.texts.maker",
        "TextViews": "contrapose.views.texts.options",
        "destination": "contrapose.views.texts.url_address",
        "respell": "contrapose.views.texts.url_spelling",
    },
)
