"""A batch of pictures into views of it. The options need no torch; what computes is imported when asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contrapose.lazy import lazy_exports
from contrapose.views.images.options import ImageViews
from contrapose.views.images.recipes import RECIPES

if TYPE_CHECKING:
    from contrapose.views.images.adapter import ViewAdapter
    from contrapose.views.images.generator import ViewGenerator

__all__ = ["RECIPES", "ImageViews", "ViewAdapter", "ViewGenerator"]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "ImageViews": "contrapose.views.images.options",
        "RECIPES": "contrapose.views.images.recipes",
        "ViewAdapter": "contrapose.views.images.adapter",
        "ViewGenerator": "contrapose.views.images.generator",
    },
)
