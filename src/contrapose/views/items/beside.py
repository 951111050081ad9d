"""`HistoryAndViews`: each history as it is, and its views beside it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from contrapose.padded import Padded


class HistoryAndViews:
    """What learns from a history and from what was changed of it: the history, then the views.

    Shapes:
        raw: B histories; returns 1 + V `Padded` of B.

    Arguments:
        prepare: histories to `Padded`, `encoder.prepare`.
        views: a maker of V views of what was prepared; None: the history alone.
    """

    def __init__(self, prepare: Callable[[Any], Padded], views: Callable[..., tuple[Padded, ...]] | None) -> None:
        self.prepare, self.views = prepare, views

    def __call__(self, raw: Any, *, generator: torch.Generator | None = None) -> tuple[Padded, ...]:
        """The history and views of it; the same state of `generator` gives the same views."""
        history = self.prepare(raw)
        return (history, *(() if self.views is None else self.views(history, generator=generator)))

    def __repr__(self) -> str:
        return f"HistoryAndViews({self.views!r})"
