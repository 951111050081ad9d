"""A batch: what the views of some samples look like, which samples they are, and what is known of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from contrapose.data.samples import LABEL
from contrapose.errors import ArgumentError
from contrapose.view import Crops, View

ALL = "all"  # the turn of a step in which everything moves at once


@dataclass(frozen=True, init=False)
class Batch:
    """V views of the same B samples, in the same order, with the samples' numbers and, where known, targets.

    Shapes:
        views: V of B samples each: `(B, C, H, W)` for pictures; their `...` may differ (multi-crop). What is no tensor
            is a `View`.
        indices: `(B,)` int64, row numbers in the data set.
        labels: `(B,)` int64 class numbers, or `None` where there are none (never filled with a stand-in number).
        targets: `(B,)` each, by name; the labels are those of the name "label".
        boxes: `(V, B, 4)`, where in its sample each view lies (`view.Crops`); `None` where nobody knows.

    Arguments:
        others: batches of other data beside this one, by name: a second side of pairs, a second data set.
        part: which of the batches of one step this is, from 0.
        turn: name of the turn that it is for, where a step has several (`contrapose.learners.Turn`).

    Errors:
        ArgumentError: no view, or a view, `indices` and targets disagree on B.
    """

    views: tuple[Any, ...]
    indices: Tensor
    targets: Mapping[str, Tensor]
    others: Mapping[str, Batch]
    part: int
    turn: str
    boxes: Tensor | None

    def __init__(
        self,
        views: tuple[View, ...],
        indices: Tensor,
        labels: Tensor | None = None,
        *,
        targets: Mapping[str, Tensor] | None = None,
        others: Mapping[str, Batch] | None = None,
        part: int = 0,
        turn: str = ALL,
        boxes: Tensor | None = None,
    ) -> None:
        if isinstance(views, Crops):
            boxes, views = views.boxes, tuple(views)
        known = {**(targets or {}), **({} if labels is None else {LABEL: labels})}
        values = {"views": views, "indices": indices, "targets": known, "others": dict(others or {})}
        for name, value in {**values, "part": part, "turn": turn, "boxes": boxes}.items():
            object.__setattr__(self, name, value)
        self._check()

    def _check(self) -> None:
        if not self.views:
            raise ArgumentError("A batch needs at least one view, and got none.")
        if self.indices.ndim != 1:
            raise ArgumentError(f"Batch indices must be of shape (B,), not {tuple(self.indices.shape)}.")
        rows: dict[str, View] = {f"views[{number}]": view for number, view in enumerate(self.views)}
        rows |= {f"{name}s": values for name, values in self.targets.items()}
        for name, view in rows.items():
            if tuple(view.shape[:1]) != tuple(self.indices.shape):
                raise ArgumentError(
                    f"A batch of {len(self.indices)} indices has {name} of shape {tuple(view.shape)}: "
                    f"its first dimension must be {len(self.indices)} too."
                )

        if self.boxes is not None and tuple(self.boxes.shape) != (len(self.views), len(self.indices), 4):
            raise ArgumentError(
                f"A batch of {len(self.views)} views of {len(self.indices)} samples has boxes of shape "
                f"{tuple(self.boxes.shape)}: give ({len(self.views)}, {len(self.indices)}, 4), a box for each view."
            )

    @property
    def size(self) -> int:
        """B, the number of samples (not of views)."""
        return len(self.indices)

    @property
    def labels(self) -> Tensor | None:
        """Class numbers, `(B,)`; None where there are none."""
        return self.targets.get(LABEL)

    def to(self, device: torch.device | str, *, non_blocking: bool = False) -> Batch:
        """The same batch with all that it holds on `device`."""
        return Batch(
            views=tuple(view.to(device, non_blocking=non_blocking) for view in self.views),
            indices=self.indices.to(device, non_blocking=non_blocking),
            targets={name: values.to(device, non_blocking=non_blocking) for name, values in self.targets.items()},
            others={name: batch.to(device, non_blocking=non_blocking) for name, batch in self.others.items()},
            part=self.part,
            turn=self.turn,
            boxes=None if self.boxes is None else self.boxes.to(device, non_blocking=non_blocking),
        )
