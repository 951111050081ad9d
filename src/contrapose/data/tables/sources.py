"""Where the columns of a table come from: files, frames, dictionaries and data sets of the hub."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from contrapose.data.labels import Labels, encode_labels
from contrapose.data.shards.streaming import refuse_stream
from contrapose.data.tables.columns import Kind
from contrapose.data.tables.files import JSON_LINES, PARQUET, ParquetFiles, Table, TextTable
from contrapose.data.tables.foreign import is_column, items_of
from contrapose.data.tables.held import held_kind
from contrapose.data.tables.hub import kinds_of_dataset, labels_of_dataset
from contrapose.errors import DataError

LARGE = 64 * 2**20
"""Bytes of parquet files above which texts are not read into memory at once [design]."""
LOOKED_AT = 2_000  # rows of such a table that are looked at


@dataclass(frozen=True)
class Source:
    """Columns by name, read one by one.

    Arguments:
        kinds: what each column holds.
        read: the cells of a column: N of them, an array of numbers or a list.
        labels: the classes in a column.
        count: N.
        origin: what it is, for people.
        typed: whether it tells numbers from words, as CSV does not.
        beside: columns that can be labels or numbers to predict, and nothing to learn from.
        named: whether the columns have names of their own.
        head: the first cells of a column, of a large table, of which no column is read only to be looked at.
        pieces: the cells of a column of such, block by block.
        paths: the files of such.
    """

    kinds: Mapping[str, Kind]
    read: Callable[[str], Any]
    labels: Callable[[str, str], Labels | None]
    count: int
    origin: str
    typed: bool = True
    beside: Sequence[str] = ()
    named: bool = True
    head: Callable[[str], list[Any]] | None = None
    pieces: Callable[[str], Iterator[Any]] | None = None
    paths: Sequence[Path] = ()

    def seen(self, column: str) -> Any:
        """Cells by which it is told what a column holds: all, of a large table the first ones."""
        return self.read(column) if self.head is None else self.head(column)


def of_table(paths: Sequence[Path]) -> Source:
    """One table, or the parts of one (parquet) in the order given.

    Errors:
        MissingExtraError: polars is not installed.
        DataError: the table cannot be read.
    """
    suffix = paths[0].suffix.lower()
    table: Table = (ParquetFiles if suffix in PARQUET else TextTable)(paths)
    typed = suffix in (*PARQUET, *JSON_LINES)
    if isinstance(table, ParquetFiles) and sum(path.stat().st_size for path in paths) > LARGE:
        return Source(
            table.kinds,
            table.read,
            table.labels,
            sum(table.counts),
            f"table {table.origin}",
            head=lambda name: table.head(name, LOOKED_AT),
            pieces=table.pieces,
            paths=tuple(paths),
        )
    return Source(table.kinds, table.read, table.labels, sum(table.counts), f"table {table.origin}", typed)


def of_columns(columns: Mapping[str, Any], origin: str) -> Source:
    """A frame or a dictionary of columns, by position, whatever the index says.

    Errors:
        DataError: no rows, or columns of several lengths.
    """
    lengths = {len(values) for values in columns.values()}
    if len(lengths) != 1:
        shown = ", ".join(f"{name}: {len(values)}" for name, values in columns.items())
        raise DataError(f"The columns of {origin} are not equally long ({shown}): give one value a sample in each.")
    if lengths == {0}:
        raise DataError(f"{origin} has no rows.")
    held = {name: _cells(values) for name, values in columns.items()}
    kinds: dict[str, Kind] = {name: held_kind(values) for name, values in held.items()}

    def labels(name: str, where: str) -> Labels | None:
        return encode_labels(columns[name], where=where)

    return Source(kinds, held.__getitem__, labels, len(next(iter(held.values()))), origin)


def of_dataset(dataset: Any, origin: str) -> Source:
    """A `datasets.Dataset`, of the hub or from memory."""
    refuse_stream(dataset)
    plain = dataset.with_format(None)

    def read(name: str) -> list[Any]:
        return list(plain[name][:])

    def labels(name: str, where: str) -> Labels | None:
        return labels_of_dataset(dataset, name, where)

    return Source(kinds_of_dataset(dataset), read, labels, len(dataset), origin)


def _cells(values: Any) -> Any:
    """The values of a column as an array of numbers where they are one, else as a list."""
    if hasattr(values, "detach"):
        return values.detach().cpu().numpy()
    if isinstance(values, np.ndarray):
        return values if values.dtype.kind in "biuf" else values.tolist()
    return items_of(values) if is_column(values) else list(values)
