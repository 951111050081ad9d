"""What stands on maps of features in place of on one row of them: heads cell by cell, and attention over the cells."""

from contrapose.encoders.dense.projection import DenseProjection
from contrapose.encoders.dense.propagation import Propagation, propagate

__all__ = ["DenseProjection", "Propagation", "propagate"]
