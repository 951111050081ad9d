"""Texts in tables: a column of files, frames and dictionaries."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from contrapose.data.columns import TEXT_NAMES, Kind, asked_column, listed, usual_label
from contrapose.data.foreign import is_column, items_of
from contrapose.data.frames import kind_of_column
from contrapose.data.hub import kinds_of_dataset, labels_of_dataset
from contrapose.data.labels import Labels, encode_labels
from contrapose.data.numbers import as_numbers
from contrapose.data.samples import evenly_spaced
from contrapose.data.table_files import PARQUET, ParquetFiles, Table, TextTable, readable
from contrapose.data.texts.found import Found, TextRequest
from contrapose.errors import ArgumentError, DataError

MEASURED = 200  # cells of a column that are looked at to say how long its texts are
OTHERS = 4  # further columns of texts that a note names


def texts_of_table(paths: Sequence[Path], request: TextRequest) -> Found:
    """The texts of one table, or of the parts of one (parquet) in the order given; rows are called by their numbers.

    Errors:
        MissingExtraError: polars is not installed.
        DataError: the table cannot be read, or has no column of texts.
        ArgumentError: a column that does not exist, or holds no texts.
    """
    table: Table = (ParquetFiles if paths[0].suffix.lower() in PARQUET else TextTable)(paths)
    with readable(table.origin):
        return _found(table.kinds, table.read, table.labels, f"table {table.origin}", table.origin, request)


def texts_of_columns(columns: Mapping[str, Any], origin: str, request: TextRequest) -> Found:
    """The texts of a frame or of a dictionary of columns, by position, whatever the index says.

    Errors:
        DataError, ArgumentError: as `texts_of_table`.
    """
    if len({len(values) for values in columns.values()}) != 1:
        lengths = ", ".join(f"{name}: {len(values)}" for name, values in columns.items())
        raise DataError(f"The columns of {origin} are not equally long ({lengths}): give one value a text in each.")
    kinds = {name: kind_of_column(values) for name, values in columns.items()}

    def read(name: str) -> list[Any]:
        return cells_of(columns[name])

    def labels(name: str, where: str) -> Labels | None:
        return encode_labels(columns[name], where=where)

    return _found(kinds, read, labels, origin, origin, request)


def texts_of_dataset(dataset: Any, origin: str, request: TextRequest) -> Found:
    """The texts of a `datasets.Dataset`, of the hub or from memory.

    Errors:
        DataError, ArgumentError: as `texts_of_table`.
    """
    plain = dataset.with_format(None)

    def read(name: str) -> list[Any]:
        return list(plain[name][:])

    def labels(name: str, where: str) -> Labels | None:
        return labels_of_dataset(dataset, name, where)

    return _found(kinds_of_dataset(dataset), read, labels, origin, origin, request)


def cells_of(values: Any) -> list[Any]:
    """The values of a list, an array or a column of another library, in order."""
    if is_column(values):
        return items_of(values)
    return values.tolist() if isinstance(values, np.ndarray) else list(values)


def _found(
    kinds: Mapping[str, Kind],
    read: Callable[[str], list[Any]],
    read_labels: Callable[[str, str], Labels | None],
    origin: str,
    table: str,
    request: TextRequest,
) -> Found:
    label = asked_column(kinds, request.label_column, table)
    column, others = _choose(kinds, read, label, table, request)
    label = label or usual_label(kinds, taken=column)
    label = label if request.reads_labels else None
    labels = None if label is None else read_labels(label, f"column {label!r} of {table}")
    cells = read(column)
    number = asked_column(kinds, request.number_column, table)
    numbers = None if number is None else as_numbers(read(number), where=f"column {number!r} of {table}")
    return Found(
        cells=cells,
        identifiers=[str(row) for row in range(len(cells))],
        where=f"column {column!r} of {table}",
        origin=origin,
        labels=labels,
        numbers=numbers,
        notes=(_note(column, label, labels, [name for name in others if name != label]),),
    )


def _choose(
    kinds: Mapping[str, Kind], read: Callable[[str], list[Any]], label: str | None, table: str, request: TextRequest
) -> tuple[str, list[str]]:
    """The column of texts, and the other ones that could be: by usual names, else the longest cells."""
    asked = asked_column(kinds, request.text_column, table)
    texts = [name for name, kind in kinds.items() if kind == "text" and name != label]
    if asked is not None:
        if kinds[asked] != "text":
            raise ArgumentError(
                f"Column {asked!r} of {table} holds no texts ({_held(kinds[asked])}): choose another of "
                f"{listed(kinds)} with text_column= (--text-column)."
            )
        return asked, [name for name in texts if name != asked]
    classes = usual_label(kinds)
    free = [name for name in texts if name != classes or len(kinds) == 1]
    if not free:
        held = {name: "classes" if name == classes else _held(kind) for name, kind in kinds.items()}
        columns = listed(f"{name} ({what})" for name, what in held.items())
        raise DataError(
            f"{table} has no column of texts: its columns are {columns}. Give a table with one, or say which column "
            "holds the texts with text_column= (--text-column)."
        )
    usual = {name.lower(): name for name in free}
    chosen = next((usual[name] for name in TEXT_NAMES if name in usual), None)
    chosen = chosen or max(free, key=lambda name: _length(read(name)))
    return chosen, [name for name in free if name != chosen]


def _length(cells: Sequence[Any]) -> float:
    """The mean number of characters of some evenly spaced cells."""
    some = [cells[row] for row in evenly_spaced(len(cells), MEASURED).tolist()]
    return sum(len(cell) for cell in some if isinstance(cell, str)) / max(len(some), 1)


def _held(kind: Kind) -> str:
    held = {"whole": "whole numbers", "number": "numbers", "bytes": "bytes", "struct": "pictures", "text": "texts"}
    return held.get(kind, "lists or other things")


def _note(column: str, label: str | None, labels: Labels | None, others: Sequence[str]) -> str:
    classes = ", no labels" if label is None else f", labels from {label!r}"
    none = ", all of them missing" if label is not None and labels is None else ""
    note = f"Texts from column {column!r}{classes}{none}."
    if not others:
        return note
    more = f" and {len(others) - OTHERS} more" if len(others) > OTHERS else ""
    named = ", ".join(repr(name) for name in others[:OTHERS])
    hold = "holds" if len(others) == 1 else "hold"
    return f"{note} {named}{more} {hold} texts too: take another one by text_column= (--text-column)."
