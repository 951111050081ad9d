"""Whether files look like pictures with words: a look, not a reading."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

HEAD = 65_536  # bytes of a JSON file by which it is told
SOME = 1_000  # characters of a text file
HALF = 0.5
"""Share of the pictures that have words beside them, from which on a folder is one of pairs [design]."""
_WORD = re.compile(r"[^\W\d_]{2,}")


def are_captioned(pictures: Sequence[str]) -> bool:
    """Whether half of these picture files have a text file of the same name that holds words, not the numbers of
    boxes."""
    if not pictures:
        return False
    texts = [os.path.splitext(name)[0] + ".txt" for name in pictures]  # noqa: PTH122 - text
    there = [name for name in texts if os.path.isfile(name)]  # noqa: PTH113
    return len(there) >= HALF * len(pictures) and any(_holds_words(name) for name in there[:3])


def is_coco(path: Path) -> bool:
    """Whether a JSON file begins as one of captions does: an object that lists images or annotations."""
    try:
        with path.open("rb") as file:
            head = file.read(HEAD)
    except OSError:
        return False
    return head.lstrip().startswith(b"{") and (b'"annotations"' in head or b'"images"' in head)


def _holds_words(path: str) -> bool:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:  # noqa: PTH123
            return _WORD.search(file.read(SOME)) is not None
    except OSError:
        return False
