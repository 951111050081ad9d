"""Whether something looks like histories of items: a light look, for `kind_of`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from contrapose.data.items.names import ITEM_NAMES, LIST_NAMES, TIME_NAMES, TITLE_NAMES, USER_NAMES, is_list, usual
from contrapose.data.tables.columns import Kind

BESIDES = 1
"""Further columns that a table of users and items without times may have, for example ratings [design]."""


def look_like_items(kinds: Mapping[str, Kind], read: Callable[[str], Sequence[Any]]) -> bool:
    """Whether columns are users with lists of items, or actions: user, item and time, or hardly more than the former.

    Arguments:
        read: some cells of a column.
    """
    return list_column(kinds, read) is not None or _are_actions(kinds)


def list_column(kinds: Mapping[str, Kind], read: Callable[[str], Sequence[Any]]) -> str | None:
    """The column with the lists of items: by its name, or the only one of lists beside users."""
    lists = [name for name, kind in kinds.items() if kind == "other" and is_list(read(name))]
    lists += [name for name, kind in kinds.items() if kind == "bytes" and is_list(read(name))]  # of arrays
    named = usual(lists, LIST_NAMES)
    return named or (lists[0] if len(lists) == 1 and usual(kinds, USER_NAMES) is not None else None)


def are_histories(lists: Sequence[Any], *, asked: bool = False) -> bool:
    """Whether these are lists of whole numbers, or of texts; numbers in lists of one length may be anything, unless
    histories were `asked` for."""
    if not all(isinstance(one, list | tuple) for one in lists):
        return False
    cells = [cell for one in lists for cell in one]
    if cells and all(isinstance(cell, str) for cell in cells):
        return True
    return bool(cells) and all(type(cell) is int for cell in cells) and (asked or len({len(one) for one in lists}) > 1)


def _are_actions(kinds: Mapping[str, Kind]) -> bool:
    single = {name: kind for name, kind in kinds.items() if kind in ("whole", "text")}
    user, item = usual(single, USER_NAMES), usual(single, ITEM_NAMES)
    if user is None or item is None or user == item:
        return False
    time, title = usual(kinds, TIME_NAMES), usual(kinds, TITLE_NAMES)
    others = [name for name in kinds if name not in (user, item, time, title)]
    texts = [name for name in others if kinds[name] in ("text", "bytes", "struct")]
    return not texts and (time is not None or len(others) <= BESIDES)
