"""Pictures in tables: encoded inside a parquet file, or named by a column of paths in any kind of table."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from contrapose.data.columns import Columns, Kind, choose_columns
from contrapose.data.labels import encode_labels
from contrapose.data.listing import Listing, stamp
from contrapose.data.request import Request
from contrapose.errors import DataError
from contrapose.optional import optional

PARQUET = (".parquet", ".pq")
SEPARATORS = {".csv": ",", ".tsv": "\t"}
JSON_LINES = (".jsonl", ".ndjson")
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
    table: _Table = _Parquet(paths) if paths[0].suffix.lower() in PARQUET else _TextTable(paths)
    columns = choose_columns(table.kinds, request, origin=table.origin)
    labels = None
    if columns.label is not None:
        where = f"column {columns.label!r} of {table.origin}"
        labels = encode_labels(np.asarray(table.read(columns.label)), where=where)
    if columns.kind == "text":
        return _listing_of_files(table, columns, labels)
    pictures = EncodedPictures(paths, table.counts, columns)
    return Listing(
        pictures=pictures,
        identifiers=[str(row) for row in range(len(pictures))],
        labels=labels,
        origin=f"table {table.origin}",
        place=f"{table.place}#{columns.picture}",
        stamps=[stamp(str(path), f"{path.name}#{columns.picture}") for path in paths],
        within=() if columns.kind == "struct" else None,  # a row of it may name a file in place of holding one
        notes=(columns.note,),
    )


def _listing_of_files(table: _Table, columns: Columns, labels: Any) -> Listing:
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
            f"Paths are taken as relative to {folder}; another column is chosen with image_column=."
        )
    return Listing(
        pictures=files,
        identifiers=identifiers,
        labels=labels,
        origin=f"table {table.origin}",
        place=f"{table.place}#{columns.picture}",
        stamps=stamps,
        notes=(columns.note,),
    )


class _Table:
    """A table of which columns can be read one by one."""

    kinds: dict[str, Kind]
    counts: list[int]

    def __init__(self, paths: Sequence[Path]) -> None:
        self.paths = paths
        self.origin = str(paths[0]) if len(paths) == 1 else f"{paths[0]} and {len(paths) - 1} more"
        self.place = "|".join(str(path.resolve()) for path in paths)
        self.polars = optional("polars", extra="tables")
        try:
            self.open()
        except DataError:
            raise
        except Exception as error:  # polars has many error types, and the system some more
            raise DataError(f"{self.origin} cannot be read as a table: {_first_line(error)}") from error
        if not sum(self.counts):
            raise DataError(f"{self.origin} has no rows.")

    def open(self) -> None:
        raise NotImplementedError

    def read(self, column: str) -> list[Any]:
        raise NotImplementedError

    def kind(self, dtype: Any) -> Kind:
        pl = self.polars
        if isinstance(dtype, pl.Struct):
            return "struct" if {"bytes", "path"} <= {field.name for field in dtype.fields} else "other"
        if dtype == pl.Binary:
            return "bytes"
        if dtype in (pl.String, pl.Categorical, pl.Enum):
            return "text"
        if dtype.is_integer() or dtype == pl.Boolean:
            return "whole"
        return "number" if dtype.is_numeric() else "other"


class _Parquet(_Table):
    def open(self) -> None:
        schema = self.polars.read_parquet_schema(self.paths[0])
        self.kinds = {name: self.kind(dtype) for name, dtype in schema.items()}
        lengths = [self.polars.scan_parquet(path).select(self.polars.len()) for path in self.paths]
        self.counts = [length.collect().item() for length in lengths]

    def read(self, column: str) -> list[Any]:
        frames = [self.polars.read_parquet(path, columns=[column]) for path in self.paths]
        return [value for frame in frames for value in frame[column].to_list()]


class _TextTable(_Table):
    def open(self) -> None:
        (path,) = self.paths
        suffix = path.suffix.lower()
        if suffix in JSON_LINES:
            self.frame = self.polars.read_ndjson(path, infer_schema_length=None)
        else:
            _check_separator(path, SEPARATORS[suffix])
            self.frame = self.polars.read_csv(path, separator=SEPARATORS[suffix], infer_schema_length=None)
        self.kinds = {name: self.kind(dtype) for name, dtype in self.frame.schema.items()}
        self.counts = [len(self.frame)]

    def read(self, column: str) -> list[Any]:
        return self.frame[column].to_list()


class EncodedPictures(Sequence[Any]):
    """A column of encoded pictures of parquet files, one of which is read when its rows are asked for."""

    def __init__(self, paths: Sequence[Path], counts: Sequence[int], columns: Columns) -> None:
        self.paths = paths
        self.ends = np.cumsum(counts)
        self.columns = columns
        self.current: tuple[int, Any] | None = None

    def __len__(self) -> int:
        return int(self.ends[-1])

    def __getitem__(self, row: Any) -> Any:
        file = int(np.searchsorted(self.ends, row, side="right"))
        if self.current is None or self.current[0] != file:
            self.current = file, self._read(file)
        value = self.current[1][row - (int(self.ends[file - 1]) if file else 0)]
        if self.columns.kind == "bytes" or value is None:
            return value
        if value["bytes"] is not None or value["path"] is None:
            return value["bytes"]
        return os.path.join(self.paths[file].parent, value["path"])  # noqa: PTH118 - text

    def _read(self, file: int) -> Any:
        polars = optional("polars", extra="tables")
        try:
            frame = polars.read_parquet(self.paths[file], columns=[self.columns.picture])
        except Exception as error:  # damaged beyond its header, or gone since it was listed
            raise DataError(f"{self.paths[file]} cannot be read: {_first_line(error)}") from error
        return frame[self.columns.picture]


def _check_separator(path: Path, separator: str) -> None:
    """Say so when the first line is cut by another character than the file's suffix promises."""
    with path.open(encoding="utf-8", errors="replace") as file:
        header = file.readline().rstrip("\r\n")
    if not header:
        raise DataError(f"{path} is empty, or its first line is: it must name the columns.")
    others = {other: header.count(other) for other in ",;\t|" if other != separator}
    likely = max(others, key=lambda other: others[other])
    if separator not in header and others[likely]:
        raise DataError(
            f"{path}, line 1: no {separator!r} (what {path.suffix} files are separated by) but "
            f"{others[likely]} "
            f"{likely!r}. Save it with {separator!r} between the columns"
            + (", or rename it to .tsv." if likely == "\t" else ".")
        )
    if any(cell.strip('" ').lower().endswith((".jpg", ".jpeg", ".png")) for cell in header.split(separator)):
        raise DataError(
            f"{path}, line 1 names a picture: put a line with column names above, e.g. path{separator}label."
        )


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
