"""Names of data sets that come with the package or are made by it: what kind each is of, and what to say where another
kind is wanted."""

from __future__ import annotations

from contrapose.errors import DataError

EMBEDDED = {"omniglot": "image", "python-docs": "text", "python-functions": "text"}
"""The sets that come with the package, and their kinds."""
MADE_BY_NAME = "made:"
"""Begins the name of pictures that are made when they are asked for."""
MADE_PAIRS = ("scenes",)
"""Those of them that are made with captions."""

_HELD = {"image": "pictures", "text": "texts", "pairs": "pictures with captions"}


def kind_of_set(name: str) -> str | None:
    """The kind of data that such a name stands for: "image", "text" or "pairs"; None for any other name."""
    if not name.startswith(MADE_BY_NAME):
        return EMBEDDED.get(name)
    return "pairs" if name.removeprefix(MADE_BY_NAME).partition("?")[0] in MADE_PAIRS else "image"


def refuse_known_set(name: str, *, remedy: str) -> None:
    """Pass a name that stands for no such set; of one that does, say what it holds: it is there, and of another kind.

    Arguments:
        remedy: what to give in its place, for people.

    Errors:
        DataError: the name of such a set.
    """
    kind = kind_of_set(name)
    if kind is not None:
        how = "that are made by their name" if name.startswith(MADE_BY_NAME) else "that come with the package"
        raise DataError(f"{name} stands for {_HELD[kind]} {how}, and another kind of data is wanted here: {remedy}.")
