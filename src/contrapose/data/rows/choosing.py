"""Which columns of a table are learned from, and the `Rows` that become of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from contrapose.columns import Column, are_unnamed, numbered
from contrapose.data.asked import Asked
from contrapose.data.labels import Labels
from contrapose.data.numbers import as_numbers
from contrapose.data.rows.cells import Read, coded, read_cells
from contrapose.data.rows.rows import Rows
from contrapose.data.samples import LABEL, NUMBER
from contrapose.data.tables.columns import LABEL_NAMES, asked_column, listed, usual_label
from contrapose.data.tables.sources import Source
from contrapose.errors import DataError
from contrapose.words import counted

HELD = {"bytes": "bytes", "struct": "pictures"}


@dataclass(frozen=True, kw_only=True)
class RowRequest(Asked):
    """The options of `open_rows`; see there."""

    ignore_columns: tuple[str, ...] = ()
    columns: tuple[Column, ...] | None = None


@dataclass(frozen=True)
class _Roles:
    """What the columns of a table are for."""

    label: str | None
    number: str | None
    free: list[str]
    """Those that can be learned from."""
    aside: dict[str, str]
    """Those that cannot, and why."""


def assemble(source: Source, request: RowRequest) -> Rows:
    """The columns of a table that say something, with labels and numbers, as many rows as were asked for.

    Errors:
        DataError: no column to learn from, or one that an encoder needs is missing.
        ArgumentError: a column that does not exist.
    """
    roles = _roles(source, request)
    found = _fitted(source, roles, request.columns) if request.columns is not None else _chosen(source, roles)
    own = None
    if roles.label is not None and request.reads_labels:
        own = source.labels(roles.label, f"column {roles.label!r} of {source.origin}")
    labels = request.choose_labels(own, source.count, Rows.noun)
    numbers = None
    if roles.number is not None:
        numbers = as_numbers(source.read(roles.number), where=f"column {roles.number!r} of {source.origin}")
    rows = Rows(
        torch.from_numpy(np.stack([read.cells for read in found], axis=1)),  # (N, F)
        [read.column for read in found],
        targets={LABEL: None if labels is None else labels.numbers, NUMBER: numbers},
        class_names=None if labels is None else labels.names,
        origin=source.origin,
        notes=_notes(found, roles, labels if request.reads_labels else None, request),
    )
    return request.limited(rows)


def _roles(source: Source, request: RowRequest) -> _Roles:
    kinds, taken = source.kinds, {column.name for column in request.columns or ()}
    number = asked_column(kinds, request.number_column, source.origin)
    label = asked_column(kinds, request.label_column, source.origin)
    for name in request.ignore_columns:
        asked_column(kinds, name, source.origin)
    if label is None:  # what an encoder learned from is no label
        able = {name: kind for name, kind in kinds.items() if name != number and name not in taken}
        label = usual_label({name: kind for name, kind in able.items() if name not in request.ignore_columns})
    aside: dict[str, str] = {}
    free = []
    for name, kind in kinds.items():
        if name in (label, number):
            continue
        if name in source.beside:
            if kind == "number" and request.columns is None:
                aside[name] = "an array beside the table; --number-column predicts it"
            continue
        if name in request.ignore_columns:
            aside[name] = "as asked"
        elif kind == "number" and name.lower() in LABEL_NAMES and request.columns is None:
            aside[name] = "it is called as labels are and holds fractions; --number-column predicts it"
        elif kind in ("bytes", "struct", "other") and not _is_empty(source, name, kind):
            aside[name] = f"it holds {HELD.get(kind, 'dates, lists or other things')}"
        else:
            free.append(name)
    return _Roles(label, number, free, aside)


def _is_empty(source: Source, name: str, kind: str) -> bool:
    """Whether a column holds nothing at all, which has no type."""
    return kind == "other" and all(cell is None or cell != cell for cell in source.read(name))


def _chosen(source: Source, roles: _Roles) -> list[Read]:
    """The columns to learn from; those that say nothing are noted in `roles`."""
    found = []
    for name in roles.free:
        read = read_cells(name, source.read(name), typed=source.typed, where=f"column {name!r} of {source.origin}")
        if read.aside is None or (read.column.values is None and not source.named):  # places tell these columns apart
            found.append(read)
        else:
            roles.aside[name] = read.aside
    if not found:
        used = [(roles.label, "the label"), (roles.number, "the number to predict"), *roles.aside.items()]
        columns = "; ".join(f"{name!r}: {why}" for name, why in used if name is not None)
        raise DataError(
            f"{source.origin} has no column to learn from ({columns}): give a table with columns of numbers or "
            "categories besides."
        )
    return found


def _fitted(source: Source, roles: _Roles, columns: Sequence[Column]) -> list[Read]:
    """The columns that an encoder takes, in its order; others are noted in `roles`."""
    names = [column.name for column in columns]
    lacking = [name for name in names if name not in source.kinds]
    if lacking and (are_unnamed(columns) or not source.named) and len(roles.free) == len(columns):
        names, lacking = roles.free, []
    by_place = not source.named and names == [column.name for column in numbered(len(names))]
    if by_place and len(roles.free) != len(columns):
        raise DataError(
            f"{source.origin} has {len(roles.free)} columns, and the encoder was trained on {len(columns)}: give as "
            "many."
        )
    if lacking:
        more = f" and {len(lacking) - 1} more" if len(lacking) > 1 else ""
        raise DataError(
            f"{source.origin} lacks the column {lacking[0]!r}{more}, which the encoder was trained on: it takes "
            f"{listed(column.name for column in columns)}, and there are {listed(source.kinds)}. Give these columns."
        )
    for name in roles.free:
        if name not in names:
            roles.aside[name] = "the encoder was trained without it"
    where = f"of {source.origin}"
    return [
        coded(column, source.read(name), where=f"column {name!r} {where}")
        for name, column in zip(names, columns, strict=True)
    ]


def _notes(found: Sequence[Read], roles: _Roles, labels: Labels | None, request: RowRequest) -> list[str]:
    categories = sum(read.column.values is not None for read in found)
    numbers = len(found) - categories
    held = [f"{counted(numbers, 'column')} of numbers"] if numbers else []
    held += [f"{counted(categories, 'column')} of categories"] if categories else []
    classes = f", labels from {roles.label!r}" if roles.label else ", no labels"
    if roles.label and labels is None:
        classes = f", {roles.label!r} is left out" if not request.reads_labels else f"{classes}, all of them missing"
    predicted = f", numbers to predict from {roles.number!r}" if roles.number else ""
    notes = [f"{' and '.join(held)}{classes}{predicted}."]
    return [*notes, *_asides(roles.aside), *(read.note for read in found if read.note)]


def _asides(aside: Mapping[str, str]) -> list[str]:
    """A sentence for each reason why columns are not learned from."""
    reasons: dict[str, list[str]] = {}
    for name, why in aside.items():
        reasons.setdefault(why, []).append(repr(name))
    return [f"Not learned from: {listed(names)} ({why})." for why, names in reasons.items()]
