"""Max-margin contrastive learning: one support vector machine an anchor, all of them solved at once."""

from __future__ import annotations

from contrapose.objectives.max_margin.kernels import KERNELS, Kernel
from contrapose.objectives.max_margin.objective import mmcl
from contrapose.objectives.max_margin.statistics import MaxMarginStatistics
from contrapose.objectives.max_margin.weights import Machines, max_margin_weights

__all__ = ["KERNELS", "Kernel", "Machines", "MaxMarginStatistics", "max_margin_weights", "mmcl"]
