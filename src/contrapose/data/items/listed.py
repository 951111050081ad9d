"""Histories that stand one in a row: a column of lists, or lists in Python."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np

from contrapose.data.items.names import USER_NAMES, is_list, usual
from contrapose.data.items.numbering import name_of
from contrapose.data.items.request import Found, ItemRequest
from contrapose.data.numbers import as_numbers
from contrapose.data.tables.columns import asked_column, usual_label
from contrapose.data.tables.foreign import is_missing
from contrapose.data.tables.sources import Source
from contrapose.errors import DataError
from contrapose.words import a_type, counted


def of_list_column(source: Source, column: str, request: ItemRequest) -> Found:
    """A user a row, with the list of what they took, oldest first.

    Errors:
        ArgumentError: a column was asked for that is not there.
        DataError: a cell that is no list.
    """
    where = f"column {column!r} of {source.origin}"
    user = asked_column(source.kinds, request.user_column, source.origin) or usual(source.kinds, USER_NAMES)
    number = asked_column(source.kinds, request.number_column, source.origin)
    label = asked_column(source.kinds, request.label_column, source.origin)
    label = label or usual_label({name: kind for name, kind in source.kinds.items() if name not in (number, user)})
    labels = None
    if label is not None and request.reads_labels:
        labels = source.labels(label, f"column {label!r} of {source.origin}")
    found = of_lists(list(source.read(column)), where, source.origin)
    said = "the order in each list is taken for that of time"
    if user is None:
        notes = (f"Items from column {column!r}, a user a row, {said}.",)
        return _with(found, labels, _numbers(source, number), notes, found.identifiers)
    identifiers = [name_of(cell, f"column {user!r} of {source.origin}") for cell in source.read(user)]
    twice = len(identifiers) - len(set(identifiers))
    if twice:
        raise DataError(
            f"Column {user!r} of {source.origin} holds {counted(twice, 'user')} twice or more: with lists, give one "
            "row a user, or name another column with user_column= (--user-column)."
        )
    notes = (f"Items from column {column!r}, users from {user!r}, {said}.",)
    return _with(found, labels, _numbers(source, number), notes, identifiers)


def of_lists(lists: Sequence[Any], where: str, origin: str) -> Found:
    """A list of lists; an empty or missing one is a user without items.

    Errors:
        DataError: something else than lists of single things, or nothing at all.
    """
    if not lists:
        raise DataError(f"{origin} holds no histories.")
    held: list[Any] = [() if is_missing(one) else one for one in lists]
    for row, one in enumerate(held):
        if len_of(one) is None or (len(one) and not is_list([one])):
            raise DataError(
                f"{where} holds {a_type(one)} in row {row}, and a history is a list of items, oldest first: [[3, 1, 4],"
                " [1, 5], ...]."
            )
    lengths = np.asarray([len(one) for one in held])  # (U,)
    cells: Any
    if all(isinstance(one, np.ndarray) and one.dtype.kind in "iu" for one in held):
        cells = np.concatenate(held)
    else:
        cells = list(chain.from_iterable(one.tolist() if hasattr(one, "tolist") else one for one in held))
        plain = np.asarray(cells) if cells and all(type(cell) is int for cell in cells) else None
        cells = plain if plain is not None and plain.dtype.kind == "i" else cells
    return Found(
        items=cells,
        users=np.repeat(np.arange(len(held)), lengths),
        identifiers=[str(row) for row in range(len(held))],
        where=where,
        origin=origin,
    )


def len_of(value: Any) -> int | None:
    """How many there are in a list, tuple, array or series; None of anything else, texts among it."""
    if isinstance(value, str | bytes | dict | set | frozenset) or not hasattr(value, "__len__"):
        return None
    return len(value)


def _with(found: Found, labels: Any, numbers: Any, notes: tuple[str, ...], identifiers: Sequence[str]) -> Found:
    return Found(
        items=found.items,
        users=found.users,
        identifiers=identifiers,
        where=found.where,
        origin=found.origin,
        notes=notes,
        labels=labels,
        numbers=numbers,
    )


def _numbers(source: Source, column: str | None) -> np.ndarray | None:
    if column is None:
        return None
    return as_numbers(source.read(column), where=f"column {column!r} of {source.origin}")
