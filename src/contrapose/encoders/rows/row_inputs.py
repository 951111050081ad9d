"""Rows of a table into the numbers that a network takes, and back into what people read."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from contrapose.columns import Column


def input_count(columns: Sequence[Column]) -> int:
    """How many numbers a row becomes."""
    return sum(column.missing + 1 if column.values is None else len(column.values) for column in columns)


def row_inputs(
    raw: Float[Tensor, "B F"], columns: Sequence[Column], mean: Sequence[float], scale: Sequence[float]
) -> Float[Tensor, "B I"]:
    """Standardised numbers, then an indicator of each column of numbers of which some are missing, then each category
    as one number a value.

        x_bf = (raw_bf - mean_f) / scale_f   of numbers; 0, the mean, where there is none
        i_bf = 1 if raw_bf is missing
        o_bfk = 1 if raw_bf = k              of categories; all 0 where it is missing or unknown

    Computed in float64 and on the CPU: a column of large numbers keeps its digits.

    Shapes:
        raw: `(B, F)`; returns `(B, I)` float32, I = `input_count(columns)`.
    """
    values = raw.cpu().double()  # (B, F)
    means, scales = (torch.tensor(given, dtype=torch.float64) for given in (mean, scale))  # (F,) each
    standardised = ((values - means) / scales).masked_fill(values.isnan(), 0)  # (B, F)
    places = _Places(columns)
    parts = [standardised[:, places.numbers], values[:, places.indicated].isnan().double()]  # (B, n), (B, m)
    for place, count in places.categories:
        parts.append((values[:, place, None] == torch.arange(count)).double())  # (B, K)
    return torch.cat(parts, dim=1).float()  # (B, I)


ROUNDING = 1e-6
"""Standard deviations around 0 that single precision leaves of a cell that was 0."""


def row_texts(
    view: Float[Tensor, "B I"], columns: Sequence[Column], mean: Sequence[float], scale: Sequence[float]
) -> list[list[str]]:
    """For each row of `row_inputs`, what its F cells were, as people read them."""
    places = _Places(columns)
    view = view.detach().cpu().double()  # (B, I)
    raw = view.new_full((len(view), len(columns)), torch.nan)  # (B, F)
    n = len(places.numbers)
    means, scales = (torch.tensor(given, dtype=torch.float64)[places.numbers] for given in (mean, scale))  # (n,) each
    cells = view[:, :n] * scales + means  # (B, n)
    raw[:, places.numbers] = cells.where(cells.abs() > ROUNDING * scales, 0)
    absent = view[:, n : n + len(places.indicated)] > 0.5  # (B, m)
    raw[:, places.indicated] = raw[:, places.indicated].masked_fill(absent, torch.nan)
    start = n + len(places.indicated)
    for place, count in places.categories:
        best, value = view[:, start : start + count].max(dim=1)  # (B,) each
        raw[:, place] = value.double().masked_fill(best < 0.5, torch.nan)
        start += count
    return [[column.shown(cell) for column, cell in zip(columns, row, strict=True)] for row in raw.tolist()]


class _Places:
    """Numbers of the columns that hold numbers, of those among them with an indicator, and of categories."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self.numbers = [place for place, column in enumerate(columns) if column.values is None]
        self.indicated = [place for place in self.numbers if columns[place].missing]
        self.categories = [
            (place, len(column.values)) for place, column in enumerate(columns) if column.values is not None
        ]
