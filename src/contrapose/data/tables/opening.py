"""`table_of`: the columns of whatever is a table, to look at before it is known what to do with it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from contrapose.data.tables.files import PARQUET
from contrapose.data.tables.foreign import columns_of, is_frame
from contrapose.data.tables.held import is_many
from contrapose.data.tables.named import TABLES, Ways, of_name
from contrapose.data.tables.sources import Source, of_columns, of_dataset, of_table
from contrapose.words import a_type


def table_of(spec: Any) -> Source | None:
    """The columns of a table file, of parts of a parquet, a data set of the hub, a frame, or a dictionary of columns.

    None for what is no table: folders, arrays, lists.

    Errors:
        DataError: a table that cannot be read, or a name of nothing.
        MissingExtraError: tables need the extra `tables`, the hub the extra `hub`.
    """
    if isinstance(spec, str | os.PathLike):
        ways: Ways[Source | None] = Ways(
            source=lambda source: source,
            file=lambda path: _of_parts([path], TABLES),
            folder=lambda path: None,
            pattern=lambda paths: _of_parts(paths, PARQUET),
            usual="a table",
        )
        return of_name(os.fspath(spec), ways)
    if hasattr(spec, "cast_column") and hasattr(spec, "features"):  # datasets.Dataset, without importing it
        return of_dataset(spec, "a hub data set")
    if is_frame(spec):
        return of_columns(columns_of(spec), a_type(spec))
    if isinstance(spec, Mapping) and spec and all(map(is_many, spec.values())):
        return of_columns({str(name): values for name, values in spec.items()}, "a dictionary")
    return None


def _of_parts(paths: Sequence[Path], known: Sequence[str]) -> Source | None:
    return of_table(paths) if paths[0].suffix.lower() in known else None
