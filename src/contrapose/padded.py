"""`Padded`: sequences of several lengths as one batch, with a mask that says what is real."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from contrapose.errors import ArgumentError


@dataclass(frozen=True)
class Padded:
    """B sequences of at most T steps: token numbers, or vectors.

    Shapes:
        values: `(B, T)` int64 token numbers, or `(B, T, F)` numbers; 0 where nothing is.
        mask: `(B, T)` bool, True where a step is real. Every sequence has at least one.
        groups: `(B, T)` int64, which steps belong together (the word that a token is a piece of); None = each its own.

    Errors:
        ArgumentError: shapes that do not fit each other.
    """

    values: Tensor
    mask: Tensor
    groups: Tensor | None = None

    def __post_init__(self) -> None:
        for name, other in (("mask", self.mask), ("groups", self.groups)):
            if other is not None and other.shape != self.values.shape[:2]:
                raise ArgumentError(
                    f"Padded values of shape {tuple(self.values.shape)} have a {name} of shape {tuple(other.shape)}: "
                    f"it must be {tuple(self.values.shape[:2])}."
                )

    @property
    def shape(self) -> torch.Size:
        """That of the values."""
        return self.values.shape

    @property
    def device(self) -> torch.device:
        return self.values.device

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, rows: Any) -> Padded:
        """These samples, by numbers, a slice or a mask of rows."""
        groups = None if self.groups is None else self.groups[rows]
        return Padded(self.values[rows], self.mask[rows], groups)

    @property
    def lengths(self) -> Tensor:
        """`(B,)` int64, how many steps there are up to the last real one."""
        return (self.mask * torch.arange(1, self.mask.shape[1] + 1, device=self.device)).amax(dim=1)

    def cut(self, steps: int) -> Padded:
        """The same sequences in `(B, steps)`, the steps behind these left out."""
        groups = None if self.groups is None else self.groups[:, :steps]
        return Padded(self.values[:, :steps], self.mask[:, :steps], groups)

    def to(self, device: torch.device | str, *, non_blocking: bool = False) -> Padded:
        groups = None if self.groups is None else self.groups.to(device, non_blocking=non_blocking)
        return Padded(
            self.values.to(device, non_blocking=non_blocking), self.mask.to(device, non_blocking=non_blocking), groups
        )

    def pin_memory(self) -> Padded:
        """The same in memory from which a GPU copies by itself."""
        groups = None if self.groups is None else self.groups.pin_memory()
        return Padded(self.values.pin_memory(), self.mask.pin_memory(), groups)

    def record_stream(self, stream: Any) -> None:
        """Keep its memory until what this stream of a GPU has been asked for is done."""
        for tensor in (self.values, self.mask, self.groups):
            if tensor is not None:
                tensor.record_stream(stream)

    def lengthened(self, steps: int) -> Padded:
        """The same sequences in `(B, steps)`, with more padding."""
        more = steps - self.values.shape[1]
        if more == 0:
            return self
        width = (0, 0) * (self.values.ndim - 2) + (0, more)
        groups = None if self.groups is None else functional.pad(self.groups, (0, more))
        return Padded(functional.pad(self.values, width), functional.pad(self.mask, (0, more)), groups)

    def join(self, views: Sequence[Padded]) -> Padded:
        """`views` below each other, padded to the longest."""
        steps = max(view.shape[1] for view in views)
        alike = [view.lengthened(steps) for view in views]
        groups = [view.groups for view in alike if view.groups is not None]
        return Padded(
            torch.cat([view.values for view in alike]),  # (B1 + B2 + ..., T) or (..., T, F)
            torch.cat([view.mask for view in alike]),  # (B1 + B2 + ..., T)
            torch.cat(groups) if len(groups) == len(alike) else None,
        )

    def gathered(self, gather: Callable[[Tensor], Tensor]) -> Padded:
        """Those of all processes below each other, padded to the longest of all: `(W·B, T)`.

        Arguments:
            gather: concatenates tensors of one shape along their first dimension, in the order of processes.
        """
        steps = gather(torch.tensor([self.shape[1]], device=self.device))  # (W,)
        own = self.lengthened(int(steps.max()))
        mask = gather(own.mask.byte()).bool()  # as numbers, for these every backend gathers
        return Padded(gather(own.values), mask, None if own.groups is None else gather(own.groups))

    def alike(self) -> tuple[Any, ...]:
        return ("padded", len(self), *self.values.shape[2:], self.values.dtype)
