"""`WholeBeside`: the text as it is in the place of its first view."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from contrapose.padded import Padded


class WholeBeside:
    """The views of another maker, the first of them replaced by the whole text.

    Shapes:
        raw: B texts; returns as many `Padded` as `make` does.

    Arguments:
        make: `(raw, generator=) -> views`.
        prepare: texts to `Padded`.
    """

    def __init__(self, make: Callable[..., tuple[Padded, ...]], prepare: Callable[[Any], Padded]) -> None:
        self.make, self.prepare = make, prepare

    def __call__(self, raw: Sequence[str], *, generator: Any = None) -> tuple[Padded, ...]:
        """Views of the texts; the same state of `generator` gives the same ones."""
        return (self.prepare(raw), *self.make(raw, generator=generator)[1:])

    def __repr__(self) -> str:
        return f"WholeBeside({self.make!r})"
