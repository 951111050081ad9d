"""The columns of a table: what they hold, the names that they usually have, and the one that was asked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

from contrapose.errors import ArgumentError, did_you_mean

Kind = Literal["bytes", "struct", "text", "whole", "number", "other"]

PICTURE_NAMES = (
    *("image", "img", "picture", "photo", "pixels", "path", "image_path", "img_path", "file", "filename"),
    *("file_name", "filepath", "file_path", "image_file"),
)
TEXT_NAMES = (
    *("text", "texts", "sentence", "sentences", "review", "content", "body", "title", "description", "comment"),
    *("message", "question", "document", "docstring", "abstract", "caption", "tweet", "url"),
)
MOST_SHOWN = 20  # columns in an error's text: a table of pixels has hundreds
LABEL_NAMES = ("label", "labels", "class", "class_name", "category", "target", "y", "fine_label")


def usual_label(kinds: Mapping[str, Kind], *, taken: str | None = None) -> str | None:
    """The column of classes by its name (any case) and type, `taken` left aside; None where there is none."""
    usable = {name.lower(): name for name, kind in kinds.items() if kind in ("whole", "text")}
    return next((usable[name] for name in LABEL_NAMES if name in usable and usable[name] != taken), None)


def asked_column(kinds: Mapping[str, Kind], name: str | None, origin: str) -> str | None:
    """The column that the user named, if any.

    Errors:
        ArgumentError: there is none of that name.
    """
    if name is not None and name not in kinds:
        raise ArgumentError(
            f"{origin} has no column {name!r}: its columns are {listed(kinds)}."
            + did_you_mean(name, kinds).partition(" Known:")[0]
        )
    return name


def listed(names: Iterable[str]) -> str:
    """The names of columns, of very many the first."""
    shown = list(names)
    more = f" and {len(shown) - MOST_SHOWN} more" if len(shown) > MOST_SHOWN else ""
    return ", ".join(shown[:MOST_SHOWN]) + more
