"""Sequences of frames into views of them. The options need no torch; the maker is imported when asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contrapose.lazy import lazy_exports
from contrapose.views.frames.options import FrameViews

if TYPE_CHECKING:
    from contrapose.views.frames.maker import FrameViewMaker

__all__ = ["FrameViewMaker", "FrameViews"]

__getattr__, __dir__ = lazy_exports(
    __name__, {"FrameViewMaker": "contrapose.views.frames.maker", "FrameViews": "contrapose.views.frames.options"}
)
