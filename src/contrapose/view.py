"""What a view is to everything that does not look inside: it has a length, rows, and a device; it can be joined.

A view is the form in which an encoder takes B samples: pictures are a tensor `(B, C, H, W)`, rows of numbers `(B, F)`,
texts `Padded` ids. Learners, the loop and `Batch` know no more of it than this file says; one that is no tensor has
`join`, `alike` and `gathered` besides, and `pin_memory` and `record_stream` where it is to reach a GPU beside its work
(see `Padded`).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, Protocol, Self, TypeVar, runtime_checkable

import torch
from torch import Tensor


@runtime_checkable
class View(Protocol):
    """B samples as an encoder takes them; a tensor is one.

    Shapes:
        shape: starts with B.
    """

    @property
    def shape(self) -> Any: ...

    @property
    def device(self) -> torch.device: ...

    def __len__(self) -> int: ...

    def __getitem__(self, rows: Any) -> Any: ...

    def to(self, device: Any, *, non_blocking: bool = False) -> Any: ...


class Crops(tuple[Any, ...]):
    """Views of one batch that are upright pieces of their samples, and where in them each piece lies.

    It is the tuple of the views, so that who asks for no places need not know; `Batch` keeps them.

    Shapes:
        boxes: `(V, B, 4)`, (left, top, right, bottom) of each piece as shares of its picture's width and height, from 0
            at its left and upper edge. The edges are those of the *view*: of one that is mirrored, left is the larger.
    """

    boxes: Tensor

    def __new__(cls, views: Sequence[Any], boxes: Tensor) -> Self:
        made = super().__new__(cls, views)
        made.boxes = boxes
        return made

    def to(self, device: torch.device | str) -> Crops:
        """The same with views and boxes on `device`."""
        return Crops([on_device(view, device) for view in self], self.boxes.to(device))


V = TypeVar("V", bound=View)


def join(views: Sequence[V]) -> V:
    """Views of one form below each other: `(B1 + B2 + ..., ...)`. Those that are padded are padded to the longest."""
    first = views[0]
    if isinstance(first, Tensor):
        return torch.cat(list(views))  # type: ignore[arg-type, return-value]
    return first.join(views)  # type: ignore[attr-defined]


def alike(view: View) -> Any:
    """What views must have in common to be joined: compare it with `==`. Lengths that are padded do not matter."""
    return tuple(view.shape) if isinstance(view, Tensor) else view.alike()  # type: ignore[attr-defined]


def on_device(thing: Any, device: torch.device | str) -> Any:
    """A view, or raw samples that are a tensor, on `device`; raw samples of another form (texts) as they are.

    On the way from the host to a GPU they are pinned and copied beside what the GPU is computing.
    """
    if not hasattr(thing, "to"):
        return thing
    target = torch.device(device)
    if target.type == "cuda" and hasattr(thing, "pin_memory") and thing.device.type == "cpu":
        return _beside_work(thing, target)
    return thing.to(device, non_blocking=True)


def _beside_work(thing: Any, device: torch.device) -> Any:
    """A copy in a stream of its own, for which the work that is asked for next waits."""
    copies, work = _copies(device), torch.cuda.current_stream(device)
    with torch.cuda.stream(copies):
        there = thing.pin_memory().to(device, non_blocking=True)
    work.wait_stream(copies)
    there.record_stream(work)  # its memory was taken in the other stream, and must not go back before work is done
    return there


@cache
def _copies(device: torch.device) -> Any:
    return torch.cuda.Stream(device)
