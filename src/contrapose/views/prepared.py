"""Views of raw samples whose encoder takes another form of them: prepared first, then varied."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from contrapose.view import View


class PreparedViews:
    """views(prepare(raw)): a view maker for samples as they are stored.

    Arguments:
        make: `(view, generator=) -> views`.
        prepare: raw samples as the encoder takes them (`Encoder.prepare`).
    """

    def __init__(self, make: Callable[..., tuple[Any, ...]], prepare: Callable[[Any], View]) -> None:
        self.make, self.prepare = make, prepare

    def __call__(self, raw: Any, *, generator: torch.Generator | None = None) -> tuple[Any, ...]:
        return self.make(self.prepare(raw), generator=generator)

    def __repr__(self) -> str:
        return f"PreparedViews({self.make!r})"
