"""What items are called by people: a table of items and titles, or a dictionary."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from contrapose.data.files.names import expanded
from contrapose.data.items.names import ITEM_NAMES, TITLE_NAMES, needed, usual
from contrapose.data.items.numbering import name_of
from contrapose.data.tables.columns import listed
from contrapose.data.tables.foreign import columns_of, is_frame, is_missing
from contrapose.data.tables.held import is_many
from contrapose.data.tables.named import TABLES
from contrapose.data.tables.sources import Source, of_columns, of_table
from contrapose.errors import ArgumentError, DataError
from contrapose.words import a_type


def titles_of(spec: Any) -> dict[str, str]:
    """Titles by the names of items.

    Arguments:
        spec: a table (a file, a frame, a dictionary of columns) with a column of items and one of titles, each with a
            usual name; or a dictionary from items to titles.

    Errors:
        DataError: no such table or columns.
        ArgumentError: something else.
    """
    if isinstance(spec, str | os.PathLike):
        path = expanded(os.fspath(spec))
        if not path.is_file() or path.suffix.lower() not in TABLES:
            raise DataError(f"{path} is no table of titles: give a file out of {' '.join(TABLES)} (--titles).")
        return _of_source(of_table([Path(path)]))
    if is_frame(spec):
        return _of_source(of_columns(columns_of(spec), a_type(spec)))
    if isinstance(spec, Mapping) and spec and all(is_many(values) for values in spec.values()):
        return _of_source(of_columns({str(name): spec[name] for name in spec}, "a dictionary"))
    if isinstance(spec, Mapping):
        return _plain(spec.items(), "titles=")
    raise ArgumentError(f"titles= is {a_type(spec)}: give a table with the columns item and title, or a dictionary.")


def _of_source(source: Source) -> dict[str, str]:
    item = needed(source.kinds, None, (*ITEM_NAMES, "id"), "item", source.origin)
    title = usual({name: kind for name, kind in source.kinds.items() if name != item}, TITLE_NAMES)
    if title is None:
        raise DataError(
            f"{source.origin} has no column of titles ({', '.join(TITLE_NAMES[:4])}, ...): its columns are "
            f"{listed(source.kinds)}. Give a table of items and titles."
        )
    cells = zip(list(source.read(item)), list(source.read(title)), strict=True)
    return _plain(cells, f"column {item!r} of {source.origin}")


def _plain(pairs: Any, where: str) -> dict[str, str]:
    return {name_of(item, where): " ".join(str(title).split()) for item, title in pairs if not is_missing(title)}
