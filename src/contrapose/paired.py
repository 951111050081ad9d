"""`Paired`: two views of different forms as one, a picture and its caption."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from contrapose.errors import ArgumentError


@dataclass(frozen=True)
class Paired:
    """B samples of two sides; row b of both belongs together.

    Shapes:
        first, second: views of B samples each: pictures `(B, C, H, W)`, and texts as `Padded` `(B, T)`.

    Errors:
        ArgumentError: sides of different lengths.
    """

    first: Any
    second: Any

    def __post_init__(self) -> None:
        if len(self.first) != len(self.second):
            raise ArgumentError(
                f"The sides of a pair are of {len(self.first)} and {len(self.second)} samples: row b of the one "
                "belongs "
                "to row b of the other, so give as many of both."
            )

    @property
    def shape(self) -> torch.Size:
        """`(B,)`."""
        return torch.Size((len(self.first),))

    @property
    def device(self) -> torch.device:
        return self.first.device

    def __len__(self) -> int:
        return len(self.first)

    def __getitem__(self, rows: Any) -> Paired:
        """These samples, by numbers, a slice or a mask of rows."""
        return Paired(self.first[rows], self.second[rows])

    def to(self, device: torch.device | str, *, non_blocking: bool = False) -> Paired:
        return Paired(
            self.first.to(device, non_blocking=non_blocking), self.second.to(device, non_blocking=non_blocking)
        )

    def pin_memory(self) -> Paired:
        """The same in memory from which a GPU copies by itself."""
        return Paired(self.first.pin_memory(), self.second.pin_memory())

    def record_stream(self, stream: Any) -> None:
        """Keep its memory until what this stream of a GPU has been asked for is done."""
        self.first.record_stream(stream)
        self.second.record_stream(stream)

    def join(self, views: Sequence[Paired]) -> Paired:
        """`views` below each other."""
        return Paired(_join([view.first for view in views]), _join([view.second for view in views]))

    def gathered(self, gather: Callable[[Tensor], Tensor]) -> Paired:
        """Those of all processes below each other, `(W·B,)`."""
        first, second = (
            gather(side) if isinstance(side, Tensor) else side.gathered(gather) for side in (self.first, self.second)
        )
        return Paired(first, second)

    def alike(self) -> tuple[Any, ...]:
        return ("paired", *(tuple(x.shape) if isinstance(x, Tensor) else x.alike() for x in (self.first, self.second)))


def _join(views: Sequence[Any]) -> Any:
    """As `view.join`, which stands on the same floor."""
    return torch.cat(list(views)) if isinstance(views[0], Tensor) else views[0].join(views)
