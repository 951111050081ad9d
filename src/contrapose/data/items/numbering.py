"""Whatever items are called into numbers 1 to M: by the order of their names, or as an encoder knows them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from contrapose.data.labels import MISSING
from contrapose.data.tables.foreign import is_missing
from contrapose.errors import DataError
from contrapose.words import a_type

NO_ITEM = 0
"""The number of what is no item: a missing cell, or one that the encoder does not know."""

_WAS_FLOAT = re.compile(r"-?\d+\.0*")


def name_of(cell: Any, where: str) -> str:
    """An item or a user as text; "" where there is none.

    Errors:
        DataError: neither a whole number nor a text.
    """
    if is_missing(cell):
        return ""
    if isinstance(cell, str):
        name = cell.strip()
        return "" if name in MISSING else name
    if isinstance(cell, bool | np.bool_) or not isinstance(cell, int | float | np.integer | np.floating):
        raise DataError(f"{where} holds {a_type(cell)} ({cell!r}): items and users are whole numbers or texts.")
    if cell != int(cell):
        raise DataError(f"{where} holds {cell!r}, which is no whole number: items and users are counted or named.")
    return str(int(cell))


def coded(cells: Sequence[Any], where: str) -> tuple[np.ndarray, list[str]]:
    """Cells as numbers of the names that they hold, in the order in which these come up.

    Shapes:
        returns `(S,)` int64, -1 where a cell holds nothing, and C names.

    Errors:
        DataError: a cell that can be no name, or a negative number where all are numbers.
    """
    array = cells if isinstance(cells, np.ndarray) and cells.dtype.kind in "iu" else None
    if array is not None:
        values, first, codes = np.unique(array, return_index=True, return_inverse=True)  # (C,), (C,), (S,)
        order = first.argsort()  # (C,)
        names = [str(value) for value in values[order].tolist()]
        numbers = order.argsort()[codes.reshape(-1)]  # (S,)
    else:
        places: dict[Any, int] = {}
        numbers = np.fromiter((places.setdefault(cell, len(places)) for cell in _plain(cells)), np.int64, len(cells))
        numbers, names = _merged(numbers, [name_of(cell, where) for cell in places])
    _check_negative(names, where)
    return numbers.astype(np.int64), names


def numbered(codes: np.ndarray, names: Sequence[str], known: Sequence[str] | None) -> tuple[np.ndarray, list[str]]:
    """Codes as numbers of items from 1 on, 0 for what is none, and the names of items 1 to M.

    Names that are all numbers are sorted as such, others as texts, so that the same items have the same numbers
    whichever of them came first; with `known` the numbers are those of an encoder, and the others become 0.
    """
    used = np.zeros(len(names) + 1, dtype=bool)  # the last place is that of code -1
    used[codes] = True
    there = [name for name, is_used in zip(names, used, strict=False) if is_used]
    items = list(known) if known is not None else sorted(there, key=sort_key(there))
    places = {name: place for place, name in enumerate(items, 1)}
    table = np.asarray([*(places.get(name, NO_ITEM) for name in names), NO_ITEM], dtype=np.int64)  # (C + 1,)
    return table[codes], items


def sort_key(names: Iterable[str]) -> Any:
    """How names are ordered: numbers by their size, all else by their letters."""
    return (lambda name: (int(name), name)) if all(name.isdecimal() for name in names) else None


def _plain(cells: Sequence[Any]) -> Iterable[Any]:
    """Cells that can be looked up: NaN, which is unequal to itself, becomes None."""
    try:
        return [None if cell != cell else cell for cell in cells]
    except (TypeError, ValueError) as error:
        raise DataError(f"Items are single values, and one of these is none: {error}.") from None


def _merged(numbers: np.ndarray, names: list[str]) -> tuple[np.ndarray, list[str]]:
    """Two ways of writing one name (7 and "7", 3 and "3.0") are one; "" is none."""
    if any(_WAS_FLOAT.fullmatch(name) for name in names):
        plain = [name.partition(".")[0] if _WAS_FLOAT.fullmatch(name) else name for name in names]
        names = plain if all(name == "" or name.lstrip("-").isdecimal() for name in plain) else names
    places: dict[str, int] = {}
    table = [places.setdefault(name, len(places)) if name else -1 for name in names]
    return np.asarray(table, dtype=np.int64)[numbers], list(places)


def _check_negative(names: Sequence[str], where: str) -> None:
    negative = next((name for name in names if name.startswith("-") and name[1:].isdecimal()), None)
    if negative is not None and all(name.lstrip("-").isdecimal() for name in names):
        raise DataError(
            f"{where} holds {negative}, and a negative number is no item and no user: where it stands for a missing "
            "one, leave the cell empty or the row out."
        )
