"""`open_rows`: whatever table the user has, as `Rows`."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from contrapose.columns import Column
from contrapose.data.rows.arrays import of_array, of_array_file
from contrapose.data.rows.choosing import RowRequest, assemble
from contrapose.data.rows.recoding import recoded
from contrapose.data.rows.rows import Rows
from contrapose.data.tables.files import PARQUET, readable
from contrapose.data.tables.foreign import columns_of, is_frame
from contrapose.data.tables.held import is_many
from contrapose.data.tables.named import TABLES, Ways, of_name
from contrapose.data.tables.sources import Source, of_columns, of_dataset, of_table
from contrapose.errors import ArgumentError, DataError
from contrapose.words import a_type, capital

ARRAYS = (".npz", ".npy")


def open_rows(
    spec: Any,
    *,
    limit: int | None = None,
    labels: Any = None,
    label_column: str | None = None,
    number_column: str | None = None,
    ignore_columns: Sequence[str] | None = None,
    columns: Sequence[Column] | None = None,
) -> Rows:
    """Open a table of numbers and categories. Columns that say nothing of a row (always the same, or another word in
    every row) are set aside, with a note.

    Arguments:
        spec: one of the following.
            A `.csv`, `.tsv`, `.parquet` or `.jsonl` table; a pattern of the parts of a parquet.
            A `.npy` file `(N, F)`, or a `.npz` archive with such an array; labels and numbers are arrays `(N,)` in it.
            `"hub:OWNER/NAME[:SPLIT]"`, or `"hub:FOLDER[:SPLIT]"` as `datasets` saves it.
            From Python: an array or tensor `(N, F)`; a frame of pandas, polars or pyarrow; a dictionary of columns, or
            of one value each, which is one row; a list of such; a `datasets.Dataset`; or `Rows`. By position.
        limit: at most so many, evenly spaced over all, so that sorted classes keep their shares.
        labels: `None` or `"auto"`: those that the data has; `False` or `"none"`: none; a sequence: one a row, in which
            -1, `None` and NaN mean "not labelled".
        label_column: the column of classes; `None`: one with a usual name (label, class, target, y, ...). It is not
            learned from.
        number_column: the column with a number of each row that is to be predicted. It is not learned from.
        ignore_columns: further columns that are not learned from.
        columns: those that an encoder takes, found by their names (in an array without names, by their places), in
            the place of a choice; values of a category that it does not know are missing.

    Errors:
        DataError: it is not there, cannot be read, or holds no table; the text says what to do.
        ArgumentError: an option that makes no sense or names something that does not exist.
        MissingExtraError: tables need the extra `tables`, the hub the extra `hub`.
    """
    request = RowRequest(
        limit=limit,
        labels=labels,
        label_column=label_column,
        number_column=number_column,
        ignore_columns=tuple(ignore_columns or ()),
        columns=None if columns is None else tuple(columns),
    )
    if isinstance(spec, Rows):
        return request.again(spec if request.columns is None else recoded(spec, request.columns))
    named = isinstance(spec, str | os.PathLike)
    source = _of_name(os.fspath(spec)) if named else _of_object(spec)
    with readable(source.origin):
        return assemble(source, request)


def _of_name(name: str) -> Source:
    usual = "a table (.csv, .parquet, .npz, ...)"
    ways = Ways(source=lambda source: source, file=_of_file, folder=_of_folder, pattern=_of_pattern, usual=usual)
    return of_name(name, ways)


def _of_folder(path: Path) -> Source:
    raise DataError(f"{path} is a folder, and a table is a file: give one of {' '.join((*TABLES, *ARRAYS))}.")


def _of_pattern(paths: Sequence[Path]) -> Source:
    if paths[0].suffix.lower() not in PARQUET:
        raise DataError(
            f"A pattern of {paths[0]}, ... cannot be read as one: give one file, or a pattern of .parquet files."
        )
    return of_table(paths)


def _of_file(path: Path) -> Source:
    suffix = path.suffix.lower()
    if suffix in ARRAYS:
        return of_array_file(path)
    if suffix in TABLES:
        return of_table([path])
    raise DataError(
        f"{path} is no table that is known ({suffix or 'no suffix'}). Known: {' '.join((*TABLES, *ARRAYS))}."
    )


def _of_object(spec: Any) -> Source:
    origin = a_type(spec)
    if hasattr(spec, "cast_column") and hasattr(spec, "features"):  # datasets.Dataset, without importing it
        return of_dataset(spec, "a hub data set")
    if is_frame(spec):
        return of_columns(columns_of(spec), origin)
    if isinstance(spec, Mapping) and spec:
        several = [is_many(values) for values in spec.values()]
        if any(several) and not all(several):
            raise ArgumentError("A dictionary must be one of columns, or of one value each: one row.")
        return of_columns({str(name): spec[name] if several[0] else [spec[name]] for name in spec}, origin)
    if hasattr(spec, "detach"):
        return of_array(spec.detach().cpu().numpy(), "a tensor")
    if isinstance(spec, np.ndarray):
        return of_array(spec, "an array")
    if isinstance(spec, list | tuple) and spec and all(isinstance(row, Mapping) for row in spec):
        names = dict.fromkeys(str(name) for row in spec for name in row)
        return of_columns({name: [row.get(name) for row in spec] for name in names}, f"{origin} of rows")
    if isinstance(spec, list | tuple) and spec and all(isinstance(row, list | tuple) for row in spec):
        if len({len(row) for row in spec}) == 1:
            return of_array(np.array(spec, dtype=object), f"{origin} of rows")
        raise DataError(f"The rows of {origin} have several lengths: give one value a column in each.")
    raise ArgumentError(
        f"{capital(origin)} is no table that can be opened: give a path, an array (N, F), a frame or a dictionary."
    )
