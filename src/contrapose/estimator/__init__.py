"""Contrastive learning as a scikit-learn transformer. scikit-learn and torch are imported on first use."""

from typing import TYPE_CHECKING

from contrapose.lazy import lazy_exports

if TYPE_CHECKING:
    from contrapose.estimator.transformer import ContrastiveEncoder

__all__ = ["ContrastiveEncoder"]

__getattr__, __dir__ = lazy_exports(__name__, {"ContrastiveEncoder": "contrapose.estimator.transformer"})
