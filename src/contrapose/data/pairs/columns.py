"""Which columns of a table hold captions, and whether one holds pictures."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from contrapose.data.files.walk import SUFFIXES
from contrapose.data.images.arrays import KEYS
from contrapose.data.pairs.captions import captions_of
from contrapose.data.tables.columns import LABEL_NAMES, PICTURE_NAMES, Kind, asked_column, listed
from contrapose.data.tables.foreign import is_missing
from contrapose.errors import ArgumentError, DataError

CAPTION_NAMES = ("caption", "captions", "text", "texts", "alt_text", "alt", "description", "sentence", "sentences")
LATER_NAMES = ("title", "name", "prompt", "raw")
"""Names that are taken where no column has one of the others."""
LOOKED_AT = 200  # cells


def check_pictures(kinds: Mapping[str, Kind], read: Callable[[str], Any], *, origin: str) -> None:
    """Pass columns of which one holds pictures, or is called as pictures are: without them no caption is of any use.

    Errors:
        DataError: none does, or one that has another name names files of pictures.
    """
    usual = {*PICTURE_NAMES, *KEYS}
    if any(kind in ("bytes", "struct") or name.lower() in usual for name, kind in kinds.items()):
        return
    named = [name for name, kind in kinds.items() if kind == "text" and not _holds_texts(kind, read(name))]
    if named:
        raise DataError(
            f"Of {origin} no column has a usual name for pictures (image, path, file, ...), and {named[0]!r} names "
            "files of pictures: take it with image_column= (--image-column)."
        )
    raise DataError(
        f"Of {origin} no column holds pictures, encoded or as paths of files; its columns are {listed(kinds)}. Pairs "
        "need a picture beside each text: add such a column (image_column=, --image-column names it), or take a method "
        "of texts."
    )


def caption_columns(
    kinds: Mapping[str, Kind], read: Callable[[str], Any], *, asked: str | None, taken: str | None, origin: str
) -> tuple[str, ...]:
    """The column that was asked for, else one with a usual name, else the only one that holds texts; and where none
    was asked for, those that are called as it is but for a number (caption_1, caption_2; caption, caption.1).

    Arguments:
        read: the cells of a column.
        taken: the column of pictures.

    Errors:
        ArgumentError: a column that is not there, or holds no texts.
        DataError: no column with captions, or several that could be it.
    """
    if asked_column(kinds, asked, origin) is not None:
        assert asked is not None
        if asked == taken or not _holds_texts(kinds[asked], read(asked)):
            raise ArgumentError(
                f"Column {asked!r} of {origin} holds no captions: choose one with a text, or a list of texts, for each "
                f"picture with text_column= (--text-column). Its columns are {listed(kinds)}."
            )
        return (asked,)
    usual = {name.lower(): name for name in kinds if name != taken}
    for name in (*CAPTION_NAMES, *LATER_NAMES):
        if name in usual and _holds_texts(kinds[usual[name]], read(usual[name])):
            return (
                usual[name],
                *(one for one in _texts(kinds, read, taken) if _stem(one) == name and one != usual[name]),
            )
    found = _texts(kinds, read, taken)
    if found and len({_stem(name) for name in found}) == 1:
        return tuple(found)
    several = f"several columns could hold the captions ({listed(found)})" if found else "no column holds captions"
    raise DataError(
        f"Of {origin} {several}; its columns are {listed(kinds)}. Name the one with text_column= (--text-column); to "
        "learn from the pictures alone take a method of pictures, with --modality image."
    )


def _texts(kinds: Mapping[str, Kind], read: Callable[[str], Any], taken: str | None) -> list[str]:
    left = (name for name in kinds if name != taken and name.lower() not in LABEL_NAMES)
    return [name for name in left if _holds_texts(kinds[name], read(name))]


def _stem(name: str) -> str:
    """A name without a number at its end."""
    return re.sub(r"[\s_.-]*\d+$", "", name.lower())


def _holds_texts(kind: Kind, cells: Any) -> bool:
    """Whether these are texts, and not the names of pictures."""
    if kind == "text":
        some = [str(cell) for cell in list(cells[:LOOKED_AT]) if not is_missing(cell)]
        return sum(Path(cell).suffix.lower() in SUFFIXES for cell in some) <= len(some) / 2
    return kind == "other" and any(captions_of(cell) for cell in list(cells[:LOOKED_AT]))
