"""Tables with an action a row: who took what, and when."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np

from contrapose.data.items.names import ITEM_NAMES, TIME_NAMES, TITLE_NAMES, USER_NAMES, needed, usual
from contrapose.data.items.numbering import coded, name_of
from contrapose.data.items.request import Found, ItemRequest
from contrapose.data.items.times import as_times
from contrapose.data.labels import Labels
from contrapose.data.numbers import as_numbers
from contrapose.data.tables.columns import asked_column, usual_label
from contrapose.data.tables.foreign import is_missing
from contrapose.data.tables.sources import Source
from contrapose.errors import DataError
from contrapose.words import counted


def of_actions(source: Source, request: ItemRequest) -> Found:
    """Rows of user, item and time into histories, sorted by time; rows of one time stay in the order of the table.

    A row that says the same as another one (user, item and time) is taken once: it was written twice. What was taken
    again at another time, or in a table without times, stays.

    Errors:
        ArgumentError: a column was asked for that is not there.
        DataError: no such columns, times that cannot be ordered, users or items that can be none.
    """
    kinds, origin = source.kinds, source.origin
    user = needed(kinds, request.user_column, USER_NAMES, "user", origin)
    item = needed({k: v for k, v in kinds.items() if k != user}, request.item_column, ITEM_NAMES, "item", origin)
    time = asked_column(kinds, request.time_column, origin) or usual(kinds, TIME_NAMES)
    who, identifiers = coded(_cells(source, user), f"column {user!r} of {origin}")  # (S,)
    there = np.flatnonzero(who >= 0)
    notes = [] if len(there) == len(who) else [f"{counted(len(who) - len(there), 'row')} without a user left out."]
    if not len(there):
        raise DataError(f"Column {user!r} of {origin} names no user: name another with user_column= (--user-column).")
    items = _cells(source, item)
    order = there
    if time is None:
        said = "no times: the order of the rows is taken for that of time (--time-column says otherwise)"
    else:
        times = as_times(_cells(source, time), f"column {time!r} of {origin}")  # (S,)
        order, more = _in_time(who, times, there)
        order, twice = _once(who, items, times, order, f"column {item!r} of {origin}")
        notes += more + twice
        said = f"times from {time!r}"
    notes.insert(0, f"Items from column {item!r}, users from {user!r}, {said}.")
    labels, numbers = _of_users(source, request, who, (user, item, time))
    return Found(
        items=cast("Sequence[Any]", items[order])
        if isinstance(items, np.ndarray)
        else [items[row] for row in order.tolist()],
        users=who[order],
        identifiers=identifiers,
        where=f"column {item!r} of {origin}",
        origin=origin,
        notes=tuple(notes),
        labels=labels,
        numbers=numbers,
        titles=_titles(source, items, item),
    )


def _cells(source: Source, column: str) -> Any:
    """A column; whole numbers as an array."""
    cells = source.read(column)
    if isinstance(cells, np.ndarray):
        return cells if cells.dtype.kind in "iu" else cells.tolist()
    cells = list(cells)
    if all(type(cell) is int for cell in cells):
        array = np.asarray(cells)
        return array if array.dtype.kind == "i" else cells
    return cells


def _in_time(who: np.ndarray, times: np.ndarray, there: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """The rows of each user together, in the order of time, and whether they were not."""
    order = there[np.lexsort((times[there], who[there]))]  # stable: lexsort keeps the order of equals
    given = there[np.argsort(who[there], kind="stable")]
    moved = int((order != given).sum())
    note = f"{counted(moved, 'row')} of {len(there):,} did not stand in the order of time: sorted."
    return order, [note] if moved else []


def _once(
    who: np.ndarray, items: Sequence[Any], times: np.ndarray, order: np.ndarray, where: str
) -> tuple[np.ndarray, list[str]]:
    """The rows without those that say the same as one before."""
    codes, _ = coded(items, where)  # (S,)
    rows = np.lexsort((order, codes[order], times[order], who[order]))
    same = np.zeros(len(order), dtype=bool)
    before, after = order[rows[:-1]], order[rows[1:]]
    same[rows[1:]] = (who[before] == who[after]) & (times[before] == times[after]) & (codes[before] == codes[after])
    note = f"{counted(int(same.sum()), 'row')} with the same user, item and time as another one left out."
    return order[~same], [note] if same.any() else []


def _of_users(
    source: Source, request: ItemRequest, who: np.ndarray, taken: Sequence[str | None]
) -> tuple[Labels | None, np.ndarray | None]:
    """The label and the number in the first row of each user."""
    kinds, origin = source.kinds, source.origin
    number, label = (asked_column(kinds, name, origin) for name in (request.number_column, request.label_column))
    label = label or usual_label({name: kind for name, kind in kinds.items() if name not in (number, *taken)})
    count = int(who.max()) + 1
    first = np.full(count, len(who))  # (U,)
    np.minimum.at(first, who[who >= 0], np.flatnonzero(who >= 0))
    labels = None
    if label is not None and request.reads_labels:
        found = source.labels(label, f"column {label!r} of {origin}")
        labels = None if found is None else found.select(first)
    numbers = None
    if number is not None:
        numbers = as_numbers(source.read(number), where=f"column {number!r} of {origin}")[first]
    return labels, numbers


def _titles(source: Source, items: Sequence[Any], column: str) -> dict[str, str]:
    """What each item is called in a column of titles, where there is one."""
    title = usual({name: kind for name, kind in source.kinds.items() if kind == "text"}, TITLE_NAMES)
    if title is None or title == column:
        return {}
    where = f"column {column!r} of {source.origin}"
    pairs = dict(zip(items.tolist() if isinstance(items, np.ndarray) else items, source.read(title), strict=True))
    return {name_of(item, where): str(text) for item, text in pairs.items() if not is_missing(text)}
