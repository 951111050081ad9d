"""The cells of one column as floats: numbers, or places among the values of a category; NaN where there is none."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from contrapose.columns import Column
from contrapose.data.labels import MISSING, NUMBER, WHOLE, plain_name
from contrapose.data.tables.foreign import is_missing
from contrapose.errors import DataError

ABSENT = MISSING | {"?"}  # as the tables of the UCI repository have it
MOST_VALUES = 256
"""Values of a category that are told apart, the most frequent ones. [design] each is an input of the encoder."""
FEW_WORDS, MANY_NUMBERS = 3, 20
"""A column with at most so many words among at least so many distinct numbers holds numbers with a slip [design]."""
TRUTHS = {"false": 0.0, "true": 1.0}
MARKED = re.compile(r"[$€£¥]?\s?[-+]?\d{1,3}(\d*|([,' \u00a0]\d{3})*)([.,]\d+)?\s?[%$€£¥°]?")
"""A number as people write it, with a sign of what it counts, or commas in it: `1,485`, `46%`, `€ 3,50`."""
MANY_MARKED = 5
"""Different ones of those, from which a column of words is one of numbers [design]; in nine of ten cells."""
LEAVE_OUT = "or leave the column out: ignore_columns= (--ignore-columns)"


@dataclass(frozen=True)
class Read:
    """A column that was read.

    Arguments:
        cells: `(N,)` floating point, NaN where there is none.
        note: what was decided about it.
        aside: why it says nothing of a row, where it does not.
    """

    column: Column
    cells: np.ndarray
    note: str | None = None
    aside: str | None = None


def read_cells(name: str, cells: Any, *, typed: bool, where: str) -> Read:
    """A column as its cells have it.

    Words are a category, numbers are numbers. Words that are numbers are a category of codes where the table tells
    numbers from words and they are whole, else numbers.

    Arguments:
        cells: N of them: an array of numbers, or a list.
        typed: whether the table tells numbers from words, as CSV does not.
        where: "column 'age' of people.csv", for the error texts.

    Errors:
        DataError: numbers and words mixed, infinite numbers, other things.
    """
    if isinstance(cells, np.ndarray) and cells.dtype.kind in "biuf":
        return _numbers(name, _finite(cells, where))
    cells = cells.tolist() if isinstance(cells, np.ndarray) else cells
    words = [_word(cell) for cell in cells]
    present = Counter(word for word in words if isinstance(word, str))
    if (
        sum(word is not None and not isinstance(word, str) for word in words) >= present.total()
    ):  # none, or mostly numbers
        return _numbers(name, _finite(floats(cells, where), where))
    _check_types(words, where)
    numbers = [word for word in present if re.fullmatch(NUMBER, word)]
    others = [word for word in present if not re.fullmatch(NUMBER, word)]
    if not others and not (typed and all(re.fullmatch(WHOLE, word) for word in numbers)):
        return _numbers(name, _finite(floats(words, where), where))
    infinite = next((word for word in others if word.lower().lstrip("+-") in ("inf", "infinity")), None)
    if infinite and numbers:
        raise DataError(_infinite(where, words.index(infinite)))
    if 0 < len(others) <= FEW_WORDS and len(numbers) >= MANY_NUMBERS:
        raise DataError(
            f"{where} holds numbers and {', '.join(map(repr, sorted(others)))} (row {words.index(others[0])}): "
            f"leave cells without a number empty, {LEAVE_OUT}."
        )
    return _category(name, words, present)


def coded(column: Column, cells: Any, *, where: str) -> Read:
    """A column as another one has it, that of an encoder: values of a category that it does not know are missing.

    Truths are words in CSV (true, True, TRUE by who wrote it) and numbers in parquet and frames: all are one.

    Errors:
        DataError: words where the encoder's column holds numbers.
    """
    plain = isinstance(cells, np.ndarray) and cells.dtype.kind in "biuf"
    if column.values is None:
        return Read(column, _finite(cells if plain else floats(_truths_as_numbers(cells), where), where))
    words = [_as_value(cell) for cell in (cells.tolist() if isinstance(cells, np.ndarray) else cells)]
    spelled = {value.lower(): value for value in column.values}
    if spelled.keys() <= TRUTHS.keys():
        words = [None if word is None else spelled.get(word.lower(), word) for word in words]
    places = {value: float(place) for place, value in enumerate(column.values)}
    unknown = sorted({word for word in words if word is not None and word not in places})
    shown = f"{unknown[0]!r}{', ...' if len(unknown) > 1 else ''}" if unknown else ""
    note = f"{column.name!r} has values that the encoder does not know ({shown}): taken as none." if unknown else None
    return Read(column, np.asarray([places.get(word or "", np.nan) for word in words]), note)


def _truths_as_numbers(cells: Sequence[Any]) -> Sequence[Any]:
    """`true` and `false` as 1 and 0 where there are no other words."""
    words = [_word(cell) for cell in cells]
    if not all(word.lower() in TRUTHS for word in words if isinstance(word, str)):
        return cells
    return [TRUTHS[word.lower()] if isinstance(word, str) else word for word in words]


def floats(cells: Sequence[Any], where: str) -> np.ndarray:
    """Numbers, or words that are numbers, as `(N,)` float64.

    Errors:
        DataError: something that is no number.
    """
    found = np.full(len(cells), np.nan)
    for row, cell in enumerate(cells):
        if isinstance(cell, str) and cell.strip() in ABSENT:
            continue
        try:
            if not is_missing(cell):
                found[row] = cell
        except (TypeError, ValueError):
            raise DataError(
                f"{where} holds numbers, and {_shown(cell)} in row {row}: give one kind, {LEAVE_OUT}."
            ) from None
    return found  # (N,)


def _numbers(name: str, cells: np.ndarray) -> Read:
    known = cells[~np.isnan(cells)]  # (n,)
    column = Column(name, missing=len(known) < len(cells))
    aside = None
    if not len(known):
        aside = "it is empty"
    elif len(known) == len(cells) and len(cells) > 1 and (known == known[0]).all():
        aside = "it is always the same"
    return Read(column, cells, aside=aside)


def _category(name: str, words: Sequence[Any], present: Counter[str]) -> Read:
    values = tuple(sorted(sorted(present, key=lambda word: (-present[word], word))[:MOST_VALUES]))
    places = {value: float(place) for place, value in enumerate(values)}
    cells = np.asarray([places.get(word, np.nan) for word in words])  # (N,)
    count = sum(present.values())
    column = Column(name, values, missing=bool(np.isnan(cells).any()))
    marked = _marked(present)
    if len(words) > 1 and len(present) == count:
        written = "" if marked is None else f"; {marked!r} is no number as programs write it"
        return Read(column, cells, aside=f"it is another one in every row{written}")
    if len(present) == 1 and count == len(words):
        return Read(column, cells, aside="it is always the same")
    notes = []
    if marked is not None:
        notes.append(
            f"{name!r} holds numbers as people write them ({marked!r}), and each is a word of its own: write digits "
            "and a point alone to learn from how large they are."
        )
    if len(present) > len(values):
        notes.append(
            f"{name!r} has {len(present):,} values; all but the {MOST_VALUES} most frequent are taken as none."
        )
    return Read(column, cells, " ".join(notes) or None)


def _marked(present: Counter[str]) -> str | None:
    """One of the numbers that people wrote, in a column of little else; None for other words, and for plain codes."""
    found = [word for word in present if MARKED.fullmatch(word) and not re.fullmatch(r"[-+]?\d*\.?\d*", word)]
    often = sum(present[word] for word in found) >= 0.9 * sum(present.values())
    return min(found) if often and len(found) >= MANY_MARKED else None


def _word(cell: Any) -> Any:
    """A word without blanks around it, None for what is missing; anything else as it is."""
    if isinstance(cell, str):
        plain = plain_name(cell)
        return None if plain in ABSENT else plain
    return None if is_missing(cell) else cell


def _as_value(cell: Any) -> str | None:
    """A cell as the value of a category: 7.0, where pandas had to keep a missing one beside it, is "7"."""
    word = _word(cell)
    if isinstance(word, float) and word.is_integer():
        word = int(word)
    return None if word is None else str(word)


def _check_types(words: Sequence[Any], where: str) -> None:
    for row, word in enumerate(words):
        if word is not None and not isinstance(word, str):
            raise DataError(f"{where} holds words, and {_shown(word)} in row {row}: give one kind, {LEAVE_OUT}.")


def _finite(cells: np.ndarray, where: str) -> np.ndarray:
    cells = cells if cells.dtype.kind == "f" else cells.astype(np.float64)  # (N,)
    wrong = np.isinf(cells)
    if wrong.any():
        raise DataError(_infinite(where, int(wrong.argmax())))
    return cells


def _infinite(where: str, row: int) -> str:
    return f"{where} holds an infinite number in row {row}: leave the cell empty, {LEAVE_OUT}."


def _shown(cell: Any) -> str:
    shown = repr(cell)
    return f"{shown[:40]}{'...' if len(shown) > 40 else ''} ({type(cell).__name__})"
