"""Where the columns of a table come from: files, frames, dictionaries, arrays and data sets of the hub."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from contrapose.columns import numbered
from contrapose.data.arrays import KEYS, NAME_KEYS
from contrapose.data.columns import Kind
from contrapose.data.foreign import is_column, items_of
from contrapose.data.frames import kind_of_column
from contrapose.data.hub import kinds_of_dataset, labels_of_dataset
from contrapose.data.labels import Labels, encode_labels
from contrapose.data.table_files import JSON_LINES, PARQUET, ParquetFiles, Table, TextTable
from contrapose.errors import DataError


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
    """

    kinds: Mapping[str, Kind]
    read: Callable[[str], Any]
    labels: Callable[[str, str], Labels | None]
    count: int
    origin: str
    typed: bool = True
    beside: Sequence[str] = ()
    named: bool = True


def of_table(paths: Sequence[Path]) -> Source:
    """One table, or the parts of one (parquet) in the order given.

    Errors:
        MissingExtraError: polars is not installed.
        DataError: the table cannot be read.
    """
    suffix = paths[0].suffix.lower()
    table: Table = (ParquetFiles if suffix in PARQUET else TextTable)(paths)
    typed = suffix in (*PARQUET, *JSON_LINES)
    return Source(table.kinds, table.read, table.labels, sum(table.counts), f"table {table.origin}", typed)


def of_columns(columns: Mapping[str, Any], origin: str) -> Source:
    """A frame or a dictionary of columns, by position, whatever the index says.

    Errors:
        DataError: no rows, or columns of several lengths.
    """
    lengths = {len(values) for values in columns.values()}
    if len(lengths) != 1:
        shown = ", ".join(f"{name}: {len(values)}" for name, values in columns.items())
        raise DataError(f"The columns of {origin} are not equally long ({shown}): give one value a row in each.")
    if lengths == {0}:
        raise DataError(f"{origin} has no rows.")
    held = {name: _cells(values) for name, values in columns.items()}
    kinds: dict[str, Kind] = {name: _kind(values) for name, values in held.items()}

    def labels(name: str, where: str) -> Labels | None:
        return encode_labels(columns[name], where=where)

    return Source(kinds, held.__getitem__, labels, len(next(iter(held.values()))), origin)


def of_dataset(dataset: Any, origin: str) -> Source:
    """A `datasets.Dataset`, of the hub or from memory."""
    plain = dataset.with_format(None)

    def read(name: str) -> list[Any]:
        return list(plain[name][:])

    def labels(name: str, where: str) -> Labels | None:
        return labels_of_dataset(dataset, name, where)

    return Source(kinds_of_dataset(dataset), read, labels, len(dataset), origin)


def of_array(array: np.ndarray, origin: str, names: Sequence[str] | None = None) -> Source:
    """An array `(N, F)`, whose columns are called "column 0", ... unless `names` are given.

    Errors:
        DataError: another shape, or something else than numbers and words in it.
    """
    if array.ndim != 2 or 0 in array.shape:
        raise DataError(f"{origin} of shape {array.shape} is no table: give one row a sample, (N, F) with N, F > 0.")
    if array.dtype.kind not in "biufUO":
        raise DataError(f"{origin} holds {array.dtype}: give numbers or words.")
    found = [column.name for column in numbered(array.shape[1])] if names is None else names
    columns = {name: array[:, place] for place, name in enumerate(found)}  # F of (N,)
    source = of_columns(columns, origin)
    return Source(
        source.kinds, source.read, source.labels, len(array), origin, array.dtype.kind != "U", named=names is not None
    )


def of_array_file(path: Path) -> Source:
    """A `.npy` file, or a `.npz` archive with one array `(N, F)`; arrays `(N,)` beside it are labels or numbers.

    Errors:
        DataError: damaged, pickled objects, or no array that could be the table.
    """
    try:
        found = np.load(path, allow_pickle=False)
        if isinstance(found, np.ndarray):
            return of_array(found, str(path))
        with found as archive:
            arrays = {name: archive[name] for name in archive.files}
    except PermissionError:
        raise  # not damaged
    except (zipfile.BadZipFile, EOFError, OSError) as error:
        raise DataError(f"{path} is damaged or no numpy file ({error}).") from error
    except ValueError as error:
        raise DataError(f"{path} cannot be read ({error}). Save numbers, or words as an array of text.") from error
    return _of_archive(path, arrays)


def _of_archive(path: Path, arrays: dict[str, np.ndarray]) -> Source:
    tables = [name for name, array in arrays.items() if array.ndim == 2 and array.shape[1] > 0]
    usual = {name.lower(): name for name in tables}
    chosen = next((usual[name] for name in KEYS if name in usual), tables[0] if len(tables) == 1 else None)
    if chosen is None:
        shown = ", ".join(f"{name} {array.shape}" for name, array in arrays.items()) or "none"
        raise DataError(
            f"{path} has no one array of shape (N, F) called x: its arrays are {shown}. Save the table as x."
        )
    table = arrays.pop(chosen)
    flat = {name: array for name, array in arrays.items() if array.ndim == 1}
    names = next((flat[name].tolist() for name in ("columns", "feature_names") if name in flat), None)
    names = [str(name) for name in names] if names and len(set(names)) == table.shape[1] else None
    source = of_array(table, str(path), names)
    beside = {name: array for name, array in flat.items() if len(array) == len(table) and name not in source.kinds}
    class_names = next((flat[name].tolist() for name in NAME_KEYS if name in flat), None)

    def read(name: str) -> Any:
        return beside[name] if name in beside else source.read(name)

    def labels(name: str, where: str) -> Labels | None:
        values = read(name)
        return encode_labels(values, where=where, names=class_names if values.dtype.kind in "iuf" else None)

    kinds = {**source.kinds, **{name: _kind(array) for name, array in beside.items()}}
    return Source(kinds, read, labels, len(table), str(path), source.typed, tuple(beside), source.named)


def _cells(values: Any) -> Any:
    """The values of a column as an array of numbers where they are one, else as a list."""
    if hasattr(values, "detach"):
        return values.detach().cpu().numpy()
    if isinstance(values, np.ndarray):
        return values if values.dtype.kind in "biuf" else values.tolist()
    return items_of(values) if is_column(values) else list(values)


def _kind(values: Any) -> Kind:
    if isinstance(values, np.ndarray) and values.ndim == 1 and values.dtype.kind in "biuf":
        known = values[~np.isnan(values)] if values.dtype.kind == "f" else values
        return "whole" if np.array_equal(known, np.floor(known)) else "number"
    return kind_of_column(values)
