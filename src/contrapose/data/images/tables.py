"""Pictures in tables: encoded inside a parquet file, or named by a column of paths in any kind of table."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from contrapose.data.images.columns import Columns, choose_columns
from contrapose.data.images.listing import Listing, stamp
from contrapose.data.images.request import Request
from contrapose.data.tables.columns import asked_column
from contrapose.data.tables.files import (
    JSON_LINES,
    PARQUET,
    ParquetFiles,
    Table,
    TextTable,
    first_line,
    readable,
    rows_together,
)
from contrapose.data.tables.separated import SEPARATORS
from contrapose.errors import ArgumentError, DataError
from contrapose.optional import optional

SUFFIXES = (*PARQUET, *SEPARATORS, *JSON_LINES)


def list_table(paths: Sequence[Path], request: Request) -> Listing:
    """The pictures of one table, or of the parts of one (parquet shards) in the order given.

    Paths in a column are relative to the folder of the table. Encoded pictures are read only when they are
    needed: a table whose pictures were packed before is opened by its size and time of change alone.

    Errors:
        MissingExtraError: polars is not installed.
        DataError: the table cannot be read, has no pictures, or names files of which none exists.
        ArgumentError: a column that does not exist.
    """
    table: Table = (ParquetFiles if paths[0].suffix.lower() in PARQUET else TextTable)(paths)
    columns = choose_columns(table.kinds, request, origin=table.origin)
    with readable(table.origin):
        where = f"column {columns.label!r} of {table.origin}"
        labels = None if columns.label is None else table.labels(columns.label, where)
        names = table.file_names(columns.picture) if columns.kind == "struct" else ()
        numbers = table.numbers(request.number_column)
        masks = _masks(table, request.masks)
    if columns.kind == "text":
        return replace(_listing_of_files(table, columns, labels), numbers=numbers, masks=masks)
    pictures = EncodedPictures(paths, table.counts, columns)
    return Listing(
        pictures=pictures,
        identifiers=row_names(names, len(pictures)),
        labels=labels,
        numbers=numbers,
        masks=masks,
        origin=f"table {table.origin}",
        place=f"{table.place}#{columns.picture}",
        stamps=[stamp(str(path), f"{path.name}#{columns.picture}") for path in paths],
        within=() if columns.kind == "struct" else None,  # a row of it may name a file in place of holding one
        notes=(columns.noted(labels),),
    )


def _masks(table: Table, asked: Any) -> Sequence[Any] | None:
    """The masks in the column that was asked for: encoded, or the files that it names; None where none was."""
    if not isinstance(asked, str) or (asked not in table.kinds and os.path.isdir(asked)):  # noqa: PTH112
        return None
    column = asked_column(table.kinds, asked, table.origin)
    kind = table.kinds[column or ""]
    if column is None or kind not in ("bytes", "struct", "text"):
        raise ArgumentError(
            f"Column {asked!r} of {table.origin} holds neither encoded masks nor paths of files: choose another with "
            "masks= (--masks)."
        )
    if kind != "text":
        return EncodedPictures(table.paths, table.counts, Columns(column, kind, None))
    folder = table.paths[0].parent
    return [None if name is None else os.path.join(folder, name) for name in table.read(column)]  # noqa: PTH118


def row_names(names: Sequence[str | None], count: int) -> list[str]:
    """What rows of encoded pictures are called: by their files where these are told apart, else `ROW:FILE`, else `ROW`.

    Arguments:
        names: the file that each row came from; none at all where that is not known.
    """
    if len(names) != count:
        return [str(row) for row in range(count)]
    distinct = max(Counter(names).values(), default=0) == 1
    if distinct and None not in names:
        return [str(name) for name in names]
    return [str(row) if not name else f"{row}:{name}" for row, name in enumerate(names)]


def _listing_of_files(table: Table, columns: Columns, labels: Any) -> Listing:
    folder = table.paths[0].parent
    names = table.read(columns.picture)
    files = [None if name is None else os.path.join(folder, name) for name in names]  # noqa: PTH118 - text
    identifiers = [str(row) if name is None else name for row, name in enumerate(names)]
    stamps = [stamp(file or "", name) for file, name in zip(files, identifiers, strict=True)]
    if all(size < 0 for _, size, *_ in stamps):
        first = next((file for file in files if file is not None), "none named")
        raise DataError(
            f"None of the {len(files)} files in column {columns.picture!r} of {table.origin} exists (first: "
            f"{first}). "
            f"Paths are taken as relative to {folder}; another column is chosen with image_column= (--image-column)."
        )
    return Listing(
        pictures=files,
        identifiers=identifiers,
        labels=labels,
        origin=f"table {table.origin}",
        place=f"{table.place}#{columns.picture}",
        stamps=stamps,
        notes=(columns.noted(labels),),
    )


class EncodedPictures(Sequence[Any]):
    """A column of encoded pictures of parquet files, of which some rows are read when one of these is asked for."""

    def __init__(self, paths: Sequence[Path], counts: Sequence[int], columns: Columns) -> None:
        self.paths = paths
        self.ends = np.cumsum(counts)
        self.columns = columns
        self.steps = [rows_together(path, count) for path, count in zip(paths, counts, strict=True)]
        self.current: tuple[tuple[int, int], Any] | None = None

    def __len__(self) -> int:
        return int(self.ends[-1])

    def __getitem__(self, row: Any) -> Any:
        file = int(np.searchsorted(self.ends, row, side="right"))
        inside = int(row) - (int(self.ends[file - 1]) if file else 0)
        block = file, inside // self.steps[file]
        if self.current is None or self.current[0] != block:
            self.current = block, self._read(*block)
        value = self.current[1][inside % self.steps[file]]
        if self.columns.kind == "bytes" or value is None:
            return value
        if value["bytes"] is not None or value["path"] is None:
            return value["bytes"]
        return os.path.join(self.paths[file].parent, value["path"])  # noqa: PTH118 - text

    def _read(self, file: int, block: int) -> Any:
        polars = optional("polars", extra="tables")
        try:
            column = polars.scan_parquet(self.paths[file]).select(self.columns.picture)
            frame = column.slice(block * self.steps[file], self.steps[file]).collect()
        except Exception as error:  # damaged beyond its header, or gone since it was listed
            raise DataError(f"{self.paths[file]} cannot be read: {first_line(error)}") from error
        return frame[self.columns.picture]
