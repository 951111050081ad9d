"""`FeatureCorruption`: rows of numbers into views of them, by putting in values that other rows have."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.views.rows.options import RowViews


class FeatureCorruption:
    """Views of rows of numbers: random values are exchanged for values of the same column in other rows.

        m_bf ~ Bernoulli(rate),   n_bf uniform over the N rows of `columns`
        view_bf = columns[n_bf, f]  if m_bf,  else  rows_bf

    A replaced value keeps its column's distribution and loses all that ties it to the other columns, so that an
    encoder which still recognises the row must have learned how columns hang together. SCARF draws a fixed number of
    columns a row; here each value is drawn for itself, with the same share on average.

    Shapes:
        columns: `(N, F)`, the values to draw from; rows: `(B, F)`; returns `count` views `(B, F)`.

    Arguments:
        options: rate and number of views.
        columns: the rows of the training data.

    Errors:
        ArgumentError: `columns` not `(N, F)` floats with N, F > 0; rows of another number of columns.

    Closed form: with N rows, a value that is drawn for replacement comes out as it was with probability
    (number of equal values in its column) / N. Paper: SCARF, https://arxiv.org/abs/2106.15147.
    """

    def __init__(self, options: RowViews | None, columns: Float[Tensor, "..."]) -> None:
        if columns.ndim != 2 or 0 in columns.shape or not columns.is_floating_point():
            raise ArgumentError(
                f"Values are drawn from columns of floats, (N, F) with N, F > 0; got {columns.dtype} of shape "
                f"{tuple(columns.shape)}. Give the training data as one row a sample."
            )
        self.options = options or RowViews()
        self.columns = columns

    @torch.no_grad()
    def __call__(
        self, rows: Float[Tensor, "..."], *, generator: torch.Generator | None = None
    ) -> tuple[Float[Tensor, "B F"], ...]:
        """Views of the rows; the same state of `generator` (torch's global one if `None`) gives the same views."""
        if rows.ndim != 2 or rows.shape[1] != self.columns.shape[1]:
            raise ArgumentError(
                f"Rows must be of shape (B, {self.columns.shape[1]}), as those to draw from are; "
                f"got {tuple(rows.shape)}."
            )
        intact = [rows.clone()] if self.options.keep_first else []  # a view is never the caller's own memory
        corrupted = [self._corrupt(rows, generator) for _ in range(self.options.count - len(intact))]
        return (*intact, *corrupted)

    def _corrupt(self, rows: Tensor, generator: torch.Generator | None) -> Tensor:
        draws_on = torch.device("cpu") if generator is None else generator.device
        chosen = torch.rand(rows.shape, generator=generator, device=draws_on) < self.options.corruption_rate  # (B, F)
        donors = torch.randint(len(self.columns), rows.shape, generator=generator, device=draws_on)  # (B, F)
        values = self.columns.gather(0, donors.to(self.columns.device))  # (B, F): row donors[b, f] of column f
        return torch.where(chosen.to(rows.device), values.to(rows), rows)

    def __repr__(self) -> str:
        return f"FeatureCorruption({self.options}, {self.columns.shape[0]} rows of {self.columns.shape[1]})"
