"""A raw batch of pictures into views of it.

The options and their recipes need no torch (the command line shows them); the parts that compute are imported
when asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from contrapose.views.options import ImageViews
from contrapose.views.recipes import RECIPES

if TYPE_CHECKING:
    from contrapose.views.adapter import ViewAdapter
    from contrapose.views.generator import ViewGenerator

__all__ = ["RECIPES", "ImageViews", "ViewAdapter", "ViewGenerator"]


def __getattr__(name: str) -> Any:
    if name == "ViewGenerator":
        from contrapose.views.generator import ViewGenerator

        return ViewGenerator
    if name == "ViewAdapter":
        from contrapose.views.adapter import ViewAdapter

        return ViewAdapter
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
