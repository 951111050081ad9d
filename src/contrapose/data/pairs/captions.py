"""Captions: texts of which each picture has one or several, brought into one form."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from contrapose.data.ragged import Ragged
from contrapose.data.tables.foreign import is_missing

NONE = "it has no caption"
"""Why a picture without words is left out."""
LOST = "\ufffd"
"""What stands for bytes that are no letters in their encoding."""


def captions_of(cell: Any) -> tuple[str, ...]:
    """The captions in a cell: a text, or several in a list; without blank ones and without the same one twice."""
    if isinstance(cell, str):
        found: Iterable[Any] = (cell,)
    elif isinstance(cell, Sequence | np.ndarray) or hasattr(cell, "to_list"):
        found = cell
    else:
        found = ()
    texts = (" ".join(str(one).split()) for one in found if not is_missing(one))
    return tuple(dict.fromkeys(text for text in texts if text))


def as_ragged(captions: Sequence[Sequence[str]]) -> Ragged:
    """Captions `(S,)` of N pictures, one after another, and where those of each begin."""
    flat = np.empty(sum(map(len, captions)), dtype=object)  # (S,)
    flat[:] = [text for some in captions for text in some]
    return Ragged(flat, np.cumsum([0, *map(len, captions)]))


def lines_of(text: str) -> tuple[str, ...]:
    """The captions of a text file: one a line, blank lines left out."""
    return captions_of(text.splitlines())
