"""Tables that come as arrays: in memory, or in the files of numpy."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from contrapose.columns import numbered
from contrapose.data.images.arrays import KEYS, NAME_KEYS
from contrapose.data.labels import Labels, encode_labels
from contrapose.data.tables.sources import Source, held_kind, of_columns
from contrapose.errors import DataError


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

    kinds = {**source.kinds, **{name: held_kind(array) for name, array in beside.items()}}
    return Source(kinds, read, labels, len(table), str(path), source.typed, tuple(beside), source.named)
