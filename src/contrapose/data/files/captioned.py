"""Whether files look like pictures with words, and what text files beside pictures say: a look, not a reading."""

from __future__ import annotations

import codecs
import os
import re
from collections.abc import Sequence
from pathlib import Path

HEAD = 65_536  # bytes of a JSON file, at either end, by which it is told
MOST_JSON = 20  # files that are looked at
SOME = 4_000  # bytes of a text file
HALF = 0.5
"""Share of the pictures that have words beside them, from which on a folder is one of pairs [design]."""
_WORD = re.compile(r"[^\W\d_]{2,}")


def are_captioned(pictures: Sequence[str]) -> bool:
    """Whether half of these picture files have a text file of the same name that holds words, not the numbers of
    boxes."""
    if not pictures:
        return False
    there = [name for name in map(text_beside, pictures) if name is not None]
    return len(there) >= HALF * len(pictures) and any(_holds_words(name) for name in there[:3])


def text_beside(picture: str) -> str | None:
    """The text file of the same name as a picture file, where there is one; cameras and Windows write .TXT."""
    stem = os.path.splitext(picture)[0]  # noqa: PTH122 - text
    return next((stem + end for end in (".txt", ".TXT") if os.path.isfile(stem + end)), None)  # noqa: PTH113


def decoded(content: bytes) -> str:
    """A text in UTF-8, or in UTF-16 where it begins with the mark of that; bytes that are no letters in it become
    U+FFFD."""
    wide = content[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
    return content.decode("utf-16" if wide else "utf-8-sig", "replace")


def caption_files(folder: Path) -> list[Path]:
    """Those JSON files in a folder, or in one of its folders, that hold captions of pictures as COCO has them, and not
    boxes alone."""
    found = sorted(path for pattern in ("*.json", "*/*.json") for path in folder.glob(pattern))[:MOST_JSON]
    return [path for path in found if is_coco(path) and b'"caption"' in _ends(path)]


def is_coco(path: Path) -> bool:
    """Whether a JSON file begins as one of captions does: an object that lists images or annotations."""
    try:
        with path.open("rb") as file:
            head = file.read(HEAD)
    except OSError:
        return False
    return head.lstrip().startswith(b"{") and (b'"annotations"' in head or b'"images"' in head)


def _ends(path: Path) -> bytes:
    """The beginning and the end of a file: pictures come first in it, and then what is said of them."""
    try:
        with path.open("rb") as file:
            head = file.read(HEAD)
            file.seek(max(0, path.stat().st_size - HEAD))
            return head + file.read(HEAD)
    except OSError:
        return b""


def _holds_words(path: str) -> bool:
    try:
        with open(path, "rb") as file:  # noqa: PTH123
            return _WORD.search(decoded(file.read(SOME))) is not None
    except OSError:
        return False
