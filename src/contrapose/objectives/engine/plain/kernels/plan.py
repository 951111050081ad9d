"""A plain plan of one channel, by kernels: which of them, of which sides, with which gradients."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from contrapose.objectives.engine.plain.kernels.launch import Reduction
from contrapose.objectives.engine.plain.plan import PlainPlan


def logs_by_kernels(plan: PlainPlan, x: Tensor, y: Tensor, scale: Tensor) -> list[Tensor]:
    """The log channel of the rows; of the form "both" that of the columns, too.

    Shapes:
        x: `(R, D)`, y: `(M, D)`, scale: `()`; returns `(R,)`, and `(M,)`.
    """
    reduction = _reduction(plan, x, y, scale)
    return [side.log_sums() for side in ([reduction, reduction.turned()] if plan.form == "both" else [reduction])]


def by_kernels(
    plan: PlainPlan,
    x: Tensor,
    y: Tensor | None,
    scale: Tensor,
    gradients: Sequence[Tensor | None],
    logs: Sequence[Tensor],
    wanted: tuple[bool, bool],
) -> tuple[Tensor | None, Tensor | None]:
    """dx `(R, D)` and dy `(M, D)`, less the scale, of the two those that are wanted; one kernel each.

    Where x is y (y is None) a row is drawn both as a row and as a column, by one kernel.
    """
    slope = plan.slope(0)
    of_rows, *others = [
        None if gradient is None or slope == 0 else (log, slope * gradient.to(log.dtype))
        for gradient, log in zip(gradients, logs, strict=True)
    ]
    of_columns = of_rows if y is None else others[0] if others else None
    reduction = _reduction(plan, x, x if y is None else y, scale)
    if of_rows is None and of_columns is None:
        return (torch.zeros_like(x) if wanted[0] else None), (
            torch.zeros_like(y) if y is not None and wanted[1] else None
        )
    dx = reduction.gradients(of_rows, of_columns) if wanted[0] else None
    return dx, reduction.turned().gradients(of_columns, of_rows) if wanted[1] else None


def _reduction(plan: PlainPlan, x: Tensor, y: Tensor, scale: Tensor) -> Reduction:
    assert plan.numbers is not None
    return Reduction(x, y, scale, plan.numbers, float(plan.channels[0].factor), plan.distances)
