"""A raw batch of pictures into views of it.

The options and their recipes need no torch (the command line shows them); the parts that compute are imported
when asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from contrapose.lazy import lazy_exports
from contrapose.views.images.options import ImageViews
from contrapose.views.images.recipes import RECIPES
from contrapose.views.rows.options import RowViews

if TYPE_CHECKING:
    from contrapose.views.images.adapter import ViewAdapter
    from contrapose.views.images.generator import ViewGenerator
    from contrapose.views.rows.features import FeatureCorruption

__all__ = ["RECIPES", "FeatureCorruption", "ImageViews", "RowViews", "ViewAdapter", "ViewGenerator"]


__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "FeatureCorruption": "contrapose.views.rows.features",
        "ImageViews": "contrapose.views.images.options",
        "RECIPES": "contrapose.views.images.recipes",
        "RowViews": "contrapose.views.rows.options",
        "ViewAdapter": "contrapose.views.images.adapter",
        "ViewGenerator": "contrapose.views.images.generator",
    },
)
