"""A batch: what the views of some samples look like, and which samples they are."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from contrapose.errors import ArgumentError


@dataclass(frozen=True)
class Batch:
    """V views of the same B samples, in the same order, with the samples' numbers and, where known, labels.

    Shapes:
        views: V tensors `(B, ...)`: `(B, C, H, W)` for pictures; their `...` may differ (multi-crop).
        indices: `(B,)` int64, row numbers in the data set.
        labels: `(B,)` int64, or `None` where there are none (never filled with a stand-in number).

    Errors:
        ArgumentError: no view, or a view, `indices` and `labels` disagree on B.
    """

    views: tuple[Tensor, ...]
    indices: Tensor
    labels: Tensor | None = None

    def __post_init__(self) -> None:
        if not self.views:
            raise ArgumentError("A batch needs at least one view, and got none.")
        if self.indices.ndim != 1:
            raise ArgumentError(f"Batch indices must be of shape (B,), not {tuple(self.indices.shape)}.")
        rows = {f"views[{number}]": view for number, view in enumerate(self.views)}
        if self.labels is not None:
            rows["labels"] = self.labels
        for name, tensor in rows.items():
            if tensor.shape[:1] != self.indices.shape:
                raise ArgumentError(
                    f"A batch of {len(self.indices)} indices has {name} of shape {tuple(tensor.shape)}: "
                    f"its first dimension must be {len(self.indices)} too."
                )

    @property
    def size(self) -> int:
        """B, the number of samples (not of views)."""
        return len(self.indices)

    def to(self, device: torch.device | str, *, non_blocking: bool = False) -> Batch:
        """The same batch with all its tensors on `device`."""
        return Batch(
            views=tuple(view.to(device, non_blocking=non_blocking) for view in self.views),
            indices=self.indices.to(device, non_blocking=non_blocking),
            labels=None if self.labels is None else self.labels.to(device, non_blocking=non_blocking),
        )
