"""Rows that are `Rows` already, brought to the columns of an encoder."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from contrapose.columns import Column, are_unnamed
from contrapose.data.rows.rows import Rows
from contrapose.data.tables.columns import listed
from contrapose.errors import ArgumentError


def recoded(rows: Rows, columns: Sequence[Column]) -> Rows:
    """The same rows with the columns that an encoder takes, in its order and with its values.

    Errors:
        ArgumentError: a column is missing, or holds another kind of thing.
    """
    if [(one.name, one.values) for one in rows.columns] == [(one.name, one.values) for one in columns]:
        return rows
    places = {column.name: place for place, column in enumerate(rows.columns)}
    if (are_unnamed(columns) or are_unnamed(rows.columns)) and len(columns) == len(rows.columns):
        places = {column.name: place for place, column in enumerate(columns)}
    cells = []
    for column in columns:
        theirs = rows.columns[places[column.name]] if column.name in places else None
        if theirs is None or (theirs.values is None) != (column.values is None):
            what = "numbers" if column.values is None else "a category"
            raise ArgumentError(
                f"The encoder takes {what} in column {column.name!r}, and these rows have {listed(rows.names)}: open "
                "the data by the encoder, .embed(DATA) or .open(DATA)."
            )
        found = rows.store[:, places[column.name]]  # (N',)
        cells.append(found if column.values is None else _by_values(found, theirs, column))
    changed = Rows(torch.stack([cell.to(rows.store.dtype) for cell in cells], dim=1), columns, rows=rows.rows)
    for name in ("targets", "class_names", "identifiers", "skipped", "origin", "notes"):
        setattr(changed, name, getattr(rows, name))
    return changed


def _by_values(found: Float[Tensor, "N"], theirs: Column, ours: Column) -> Float[Tensor, "N"]:
    """Places among the values of one category as places among those of another; NaN where it has no such value."""
    known = {value: float(place) for place, value in enumerate(ours.values or ())}
    table = torch.tensor(
        [known.get(value, torch.nan) for value in theirs.values or ()] + [torch.nan], dtype=found.dtype
    )
    return table[found.nan_to_num(nan=len(table) - 1).long()]  # (N',)
