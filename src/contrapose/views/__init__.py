"""A raw batch of pictures into views of it.

The options and their recipes need no torch (the command line shows them); the parts that compute are imported
when asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from contrapose.lazy import lazy_exports
from contrapose.views.options import ImageViews
from contrapose.views.recipes import RECIPES
from contrapose.views.rows.options import RowViews

if TYPE_CHECKING:
    from contrapose.views.adapter import ViewAdapter
    from contrapose.views.features import FeatureCorruption
    from contrapose.views.generator import ViewGenerator

__all__ = ["RECIPES", "FeatureCorruption", "ImageViews", "RowViews", "ViewAdapter", "ViewGenerator"]


__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "FeatureCorruption": "contrapose.views.features",
        "ImageViews": "contrapose.views.options",
        "RECIPES": "contrapose.views.recipes",
        "RowViews": "contrapose.views.rows.options",
        "ViewAdapter": "contrapose.views.adapter",
        "ViewGenerator": "contrapose.views.generator",
    },
)
