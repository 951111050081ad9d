"""Whether a column of strings reads like texts, or holds dates, numbers and names of one word."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from contrapose.data.samples import evenly_spaced

MEASURED = 200
"""Cells of a column that are looked at, evenly spaced."""
NEARLY_ALL = 0.9
"""Share of cells that are dates, numbers or single words from which a column holds no texts [design]: of the names of
towns some have two words."""

_PART = re.compile(
    r"[\W\d_]*|.*\d.*"  # a number, or a code
    r"|(?:jan|feb|mar|apr|may|jun|jul|aug|sep|sept|oct|nov|dec)[.,]?"
    r"|(?:january|february|march|april|june|july|august|september|october|november|december),?"
    r"|(?:mon|tue|tues|wed|thu|thur|thurs|fri|sat|sun)[.,]?"
    r"|(?:mon|tues|wednes|thurs|fri|satur|sun)day,?"
    r"|[ap]\.?m\.?|utc|gmt|z",
    re.IGNORECASE,
)
"""A word of a date, a time or a number: it has a digit or no letter, or is the name of a month or a day."""

_UNSEPARATED = "\u0e00"
"""The first letter of those scripts, from Thai to Chinese, of which many are written without blanks: one word in them
may be a sentence."""


def looked_at(cells: Sequence[Any]) -> list[Any]:
    """Some evenly spaced cells of a column."""
    return [cells[row] for row in evenly_spaced(len(cells), MEASURED).tolist()]


def reads_like_texts(cells: Sequence[Any]) -> bool:
    """Whether not nearly all of the cells that hold something are dates, numbers or single words."""
    known = [cell for cell in looked_at(cells) if isinstance(cell, str) and cell.strip()]
    return sum(map(_is_short, known)) < NEARLY_ALL * len(known)


def _is_short(cell: str) -> bool:
    """Whether a cell is one word, a number or a date."""
    if any(letter >= _UNSEPARATED and letter.isalpha() for letter in cell):
        return False
    words = cell.split()
    return len(words) == 1 or all(_PART.fullmatch(word) for word in words)
