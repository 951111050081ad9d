"""What the columns of a table hold, a line each, for people."""

from __future__ import annotations

import numpy as np

from contrapose.columns import Column
from contrapose.data.rows.rows import Rows
from contrapose.words import counted, percent

MOST = 30  # columns that are described
NAMED = 4  # values of a category that are named
UNEQUAL = 1000.0
"""Times the smallest scale from which a person wonders whether the largest counts more [design]."""


def row_facts(rows: Rows) -> list[str]:
    """A line a column: its name, its kind, what is in it, and how much of it is missing."""
    width = max(len(column.name) for column in rows.columns[:MOST])
    values = rows.values.numpy()  # (N, F)
    lines = [
        f"{column.name:<{width}}  {_held(column, cells.astype(np.float64))}"
        for column, cells in zip(rows.columns[:MOST], values.T, strict=False)
    ]
    if len(rows.columns) > MOST:
        lines.append(f"and {counted(len(rows.columns) - MOST, 'column')} more")
    return [*lines, *_scales(rows)]


def _held(column: Column, cells: np.ndarray) -> str:
    known = cells[~np.isnan(cells)]  # (n,)
    lacking = 1 - len(known) / len(cells)
    missing = f", {percent(lacking)} missing" if lacking else ""
    if not len(known):
        return f"{'number' if column.values is None else 'category'}, all missing"
    if column.values is None:
        low, middle, high = np.quantile(known, (0, 0.5, 1))
        return f"number    {low:.4g} to {high:.4g}, median {middle:.4g}{missing}"
    counts = np.bincount(known.astype(np.int64), minlength=len(column.values))  # (values,)
    order = np.argsort(-counts, kind="stable")[:NAMED]
    named = ", ".join(f"{column.values[place]} {percent(counts[place] / len(known))}" for place in order)
    more = ", ..." if len(column.values) > NAMED else ""
    return f"category  {counted(len(column.values), 'value')}: {named}{more}{missing}"


def _scales(rows: Rows) -> list[str]:
    """That columns of very different scales weigh the same."""
    columns, _, scales = rows.statistics()
    plain = [scale for column, scale in zip(columns, scales, strict=True) if column.values is None]
    if len(plain) < 2 or max(plain) < UNEQUAL * min(plain):
        return []
    factor = f"{max(plain) / min(plain):,.0f}"
    return [f"scales of the columns differ by a factor of {factor}: each is standardised, so that all weigh the same"]
