"""Is one thing nearer to an anchor than another is? The question of triples, asked of embeddings by cosine."""

from __future__ import annotations

import torch
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.evaluation.inputs import Array, as_rows
from contrapose.evaluation.metric import Metric
from contrapose.evaluation.similarity import levels, unit_rows


def nearer(
    anchor: Array, near: Array, far: Array, *, name: str = "nearer", generator: torch.Generator | None = None
) -> Metric:
    """Share of triples in which the one that should be near is nearer to the anchor than the one that should be far.

    Equation: right(n) = 1 if cos(anchor_n, near_n) > cos(anchor_n, far_n), 1/2 if they tie; cosines that differ by
    rounding only are ties. The value is the mean over triples, with Wilson's interval where none is tied.

    Shapes:
        anchor, near, far: `(N, D)`, row n of each is triple n, N >= 2.

    Arguments:
        name: of the metric.
        generator: of the interval, see `bootstrap_interval`.

    Errors:
        ArgumentError: different shapes, fewer than 2 triples, NaN or infinity, rows that are all zeros.

    Closed form: near ones that are copies of their anchors score 100 % beside others that are none; constant features
    score 50 %, which is chance.
    """
    sides = {"anchor": anchor, "near": near, "far": far}
    rows = {side: as_rows(given, side, minimum=2) for side, given in sides.items()}
    shapes = {tuple(found.shape) for found in rows.values()}
    if len(shapes) > 1:
        raise ArgumentError(
            f"anchor, near and far must be the three sides of the same triples; got {', '.join(map(str, shapes))}."
        )
    precision = torch.promote_types(torch.promote_types(rows["anchor"].dtype, rows["near"].dtype), rows["far"].dtype)
    device = rows["anchor"].device
    unit = {side: unit_rows(found.double().to(device), side) for side, found in rows.items()}
    to_near = _cosine_levels(unit["anchor"], unit["near"], precision)  # (N,)
    to_far = _cosine_levels(unit["anchor"], unit["far"], precision)  # (N,)
    right = (to_near > to_far).double() + 0.5 * (to_near == to_far).double()  # (N,)
    return Metric.from_items(
        name,
        right,
        protocol=f"nearer by cosine of two, {len(right):,} triples, ties count half, chance 50 %",
        generator=generator,
    )


def _cosine_levels(first: Tensor, second: Tensor, precision: torch.dtype) -> Tensor:
    """Cosines of pairs of unit rows as whole levels, `(N,)`."""
    return levels((first * second).sum(dim=1), precision)
