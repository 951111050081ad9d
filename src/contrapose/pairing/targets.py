"""A pairing by a number: samples of (nearly) the same target are each other's positives."""

from __future__ import annotations

import torch
from jaxtyping import Int, Real
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.pairing.groups import view_names
from contrapose.pairing.pairing import Pairing, Tile
from contrapose.tracing import is_readable

ROUNDING = 1e-6
"""Targets that differ by less than this share of their range differ by rounding alone. [design]"""


class TargetPairing(Pairing):
    """Anchor i and candidate j are positives when their targets differ by no more than a tolerance.

        weight[i, j] = 1[|y_i - y_j| <= tolerance, j is not i itself],    valid[i, j] = 1[j is not i itself]

    Being near is not an equivalence: i and j may be positives, and j and k, but not i and k.

    Shapes:
        targets: `(B,)` floating point, one number a sample; anchors and candidates are the same V·B rows.

    Arguments:
        views: V, the number of views of each sample; rows are view-major.
        tolerance: in the units of the targets.
    """

    def __init__(self, targets: Tensor, *, views: int, tolerance: float | Tensor) -> None:
        self.targets, self.views, self.tolerance = targets, views, tolerance
        self.anchors = self.candidates = views * len(targets)

    def tile(self, rows: Int[Tensor, " r"], columns: slice) -> Tile:
        each = self.targets.repeat(self.views)  # (N,)
        rows = rows.to(each.device)
        near = (each[rows].unsqueeze(1) - each[columns]).abs() <= self.tolerance  # (r, c)
        itself = torch.arange(columns.start, columns.stop, device=each.device) == rows.unsqueeze(1)  # (r, c)
        return Tile((near & ~itself).float(), ~itself)

    def to(self, device: torch.device | str) -> TargetPairing:
        tolerance = self.tolerance.to(device) if isinstance(self.tolerance, Tensor) else self.tolerance
        return TargetPairing(self.targets.to(device), views=self.views, tolerance=tolerance)

    def anchor_names(self) -> list[str]:
        return view_names(self.views, len(self.targets)) or super().anchor_names()

    def candidate_names(self) -> list[str]:
        return self.anchor_names()


def by_targets(targets: Real[Tensor, " B"], *, views: int = 1, tolerance: float | None = None) -> TargetPairing:
    """All rows whose target is that of the anchor are its positives (its own other views among them).

    Arguments:
        targets: one finite number a sample.
        views: number of views of each sample; rows are view-major.
        tolerance: targets that differ by no more are the same, in their units. None = a millionth of their range,
            which is rounding.

    >>> by_targets(torch.tensor([1.0, 1.5, 3.0]), tolerance=0.5)
    3 anchors × 3 candidates: 0 to 1 positive and 1 to 2 negative per anchor
       a0 a1 a2
    a0  .  +  -
    a1  +  .  -
    a2  -  -  .

    Errors:
        ArgumentError: not one finite number a sample, a negative tolerance.
    """
    numbers = as_targets(targets)
    return TargetPairing(numbers, views=views, tolerance=near_enough(numbers, tolerance))


def as_targets(values: Tensor, name: str = "targets") -> Tensor:
    """`values` as one row of finite floating-point numbers, integers without loss, or an error that names them.

    Shapes:
        values: `(B,)`; returns `(B,)` float32 or float64.
    """
    values = torch.as_tensor(values)
    if values.ndim != 1 or len(values) == 0 or values.is_complex() or values.dtype == torch.bool:
        raise ArgumentError(
            f"{name} must be a non-empty list of numbers, one per sample; "
            f"got shape {tuple(values.shape)} of {str(values.dtype).removeprefix('torch.')}."
        )
    wanted = torch.promote_types(values.dtype, torch.float32) if values.is_floating_point() else torch.float64
    numbers = values.detach().to(wanted)  # (B,)
    if is_readable(numbers) and not bool(numbers.isfinite().all()):
        broken = int((~numbers.isfinite()).sum())
        raise ArgumentError(
            f"{name}: {broken} of {len(numbers)} are NaN or infinite. Leave out the samples whose number is not known."
        )
    return numbers


def near_enough(targets: Tensor, tolerance: float | None) -> float | Tensor:
    """How far two targets may be apart and still be the same: `tolerance`, or a millionth of their range."""
    if tolerance is None:
        return ROUNDING * (targets.max() - targets.min())  # ()
    if not 0 <= tolerance < float("inf"):
        raise ArgumentError(
            f"tolerance must be a finite number of 0 or above, in units of the target; got {tolerance}."
        )
    return float(tolerance)
