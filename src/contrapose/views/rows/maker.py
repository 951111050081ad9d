"""`RowViewMaker`: rows as they stand in the table into views of them, as an encoder takes them."""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from contrapose.views.rows.features import FeatureCorruption
from contrapose.views.rows.options import RowViews


class RowViewMaker:
    """prepare(corrupt(raw)): cells are exchanged before they are prepared, so that a category changes as a whole, and a
    missing cell is as frequent in views as in the table.

    Shapes:
        raw: `(B, F)`; returns `count` views, each `(B, I)`, on the CPU.

    Arguments:
        options: chance and number of views.
        values: `(N, F)`, the rows to draw cells from.
        prepare: raw rows as the encoder takes them, `encoder.prepare`.

    Errors:
        ArgumentError: rows of another number of columns.

    Paper: SCARF, https://arxiv.org/abs/2106.15147.
    """

    def __init__(
        self, options: RowViews | None, values: Float[Tensor, "N F"], prepare: Callable[[Tensor], Tensor]
    ) -> None:
        self.corrupt = FeatureCorruption(options, values)
        self.prepare = prepare

    def __call__(
        self, raw: Float[Tensor, "B F"], *, generator: torch.Generator | None = None
    ) -> tuple[Float[Tensor, "B I"], ...]:
        """Views of the rows; the same state of `generator` (torch's global one if `None`) gives the same views."""
        return tuple(self.prepare(view) for view in self.corrupt(raw, generator=generator))  # V of (B, I)

    def __repr__(self) -> str:
        return f"RowViewMaker({self.corrupt!r})"
