"""`open_texts`: whatever the user has, as `Texts`."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from contrapose.data.kinds import names_data
from contrapose.data.shards.names import TAR
from contrapose.data.tables.files import PARQUET
from contrapose.data.tables.foreign import columns_of, is_column, is_frame, items_of
from contrapose.data.tables.held import is_many
from contrapose.data.tables.named import TABLES, Ways, of_name
from contrapose.data.tables.sources import of_columns, of_dataset, of_table
from contrapose.data.texts.found import Found, TextRequest, assemble
from contrapose.data.texts.functions import SOURCES, functions_of, list_sources
from contrapose.data.texts.members import texts_of_tars
from contrapose.data.texts.plain import PLAIN, files_of, lines_of, list_texts
from contrapose.data.texts.python_library import PYTHON_DOCS, PYTHON_FUNCTIONS, python_docs, python_functions
from contrapose.data.texts.tables import texts_of
from contrapose.data.texts.texts import EXCERPT, Texts
from contrapose.errors import ArgumentError, DataError
from contrapose.words import a_type, capital

EMBEDDED = {PYTHON_DOCS: python_docs, PYTHON_FUNCTIONS: python_functions}
"""The sets that come with Python itself, and how they are read."""


def open_texts(
    spec: Any,
    *,
    limit: int | None = None,
    labels: Any = None,
    text_column: str | None = None,
    comment_column: str | None = None,
    label_column: str | None = None,
    number_column: str | None = None,
) -> Texts:
    """Open texts of any kind. What holds no text (an empty cell, a blank) is skipped and told of.

    Arguments:
        spec: one of the following. Of shards that are large, texts are read when they are asked for.
            A `.txt` file: a line a text.
            A folder of `.txt` files: a file a text, classes from its sub-folders.
            A `.parquet`, `.csv`, `.tsv` or `.jsonl` table with a column of texts; a pattern of the parts of a parquet.
            Shards: tar files (webdataset: `.txt` members, or a key of `.json` ones) or parquet files, by a folder, a
            pattern, `"train-{000..009}.tar"`, or addresses (what fsspec opens), which are copied into the cache.
            A `.py` file, or a folder with more of them than of `.txt` files: a function a text.
            `"python-docs"`, the docstrings of Python's own library; `"python-functions"`, its functions.
            `"hub:OWNER/NAME[:SPLIT]"`, or `"hub:FOLDER[:SPLIT]"` as `datasets` saves it.
            From Python: a list, series or array of `str`; a frame of pandas, polars or pyarrow; a dictionary of columns
            such as `{"text": [...], "label": [...]}`; a `datasets.Dataset`; or `Texts`. All are taken by position.
        limit: at most so many, evenly spaced over all, so that sorted classes keep their shares.
        labels: `None` or `"auto"`: those that the data has; `False` or `"none"`: none; a sequence: one a text, in which
            -1, `None` and NaN mean "not labelled".
        text_column: the column of texts; `None`: one with a usual name (text, sentence, review, ...), else the one
            with the longest texts, but none of nothing but dates, numbers or single words; a note says which, and
            which others there are.
        comment_column: the column with what is said of each text, a program; it becomes a comment above it.
        number_column: the column with a number of each text that is to be predicted.
        label_column: the column of classes; `None`: one with a usual name (label, class, ...).

    Errors:
        DataError: it is not there, cannot be read, or holds no texts; the text says what to do.
        ArgumentError: an option that makes no sense or names something that does not exist.
        MissingExtraError: tables need the extra `tables`, the hub the extra `hub`.
    """
    request = TextRequest(
        limit=limit,
        labels=labels,
        text_column=text_column,
        comment_column=comment_column,
        label_column=label_column,
        number_column=number_column,
    )
    if isinstance(spec, Texts):
        return request.again(spec)
    if isinstance(spec, str | os.PathLike):
        name = os.fspath(spec)
        if name in EMBEDDED:
            return request.again(EMBEDDED[name]())
        return assemble(_of_name(name, request), request)
    return assemble(_of_object(spec, request), request)


def _of_name(name: str, request: TextRequest) -> Found:
    ways = Ways(
        source=lambda source: texts_of(source, request),
        file=lambda path: _of_file(path, request),
        folder=_of_folder,
        pattern=lambda paths: _of_pattern(paths, request),
        usual=f"a file, a folder or {PYTHON_DOCS!r}",
        embedded=[*EMBEDDED],
    )
    try:
        return of_name(name, ways)
    except DataError as error:
        if len(name.split()) < 2 or names_data(name):
            raise
        raise DataError(f"{error} To take it for a text, put it in a list: [{name[:EXCERPT]!r}].") from None


def _of_file(path: Path, request: TextRequest) -> Found:
    suffix = path.suffix.lower()
    if suffix in PLAIN:
        return lines_of(path)
    if suffix in TABLES:
        return texts_of(of_table([path]), request)
    if suffix in SOURCES:
        return functions_of([path], path.parent)
    known = " ".join((*PLAIN, *TABLES, *SOURCES))
    raise DataError(f"{path} is no file of texts that is known ({suffix or 'no suffix'}). Known: folders, and {known}.")


def _of_folder(path: Path) -> Found:
    """Plain texts, or the functions of Python files where there are more of these."""
    sources = list_sources(path)
    try:
        plain = list_texts(path)
    except DataError:
        if not sources:
            raise
        plain = []
    return functions_of(sources, path) if len(sources) > len(plain) else files_of(plain, path)


def _of_pattern(paths: Sequence[Path], request: TextRequest) -> Found:
    """Plain text files, each a text, or the parts of a parquet table."""
    suffix = paths[0].suffix.lower()
    if suffix in TAR:
        return texts_of_tars(paths, request)
    if suffix in PARQUET:
        return texts_of(of_table(paths), request)
    if suffix in (*PLAIN, *SOURCES):
        read = files_of if suffix in PLAIN else functions_of
        return read(paths, Path(os.path.commonpath([path.absolute().parent for path in paths])))
    raise DataError(f"A pattern of {paths[0]}, ... cannot be read as one: give one file.")


def _of_object(spec: Any, request: TextRequest) -> Found:
    """What was handed over in Python."""
    if hasattr(spec, "cast_column") and hasattr(spec, "features"):  # datasets.Dataset, without importing it
        return texts_of(of_dataset(spec, "a hub data set"), request)
    if is_frame(spec):
        return texts_of(of_columns(columns_of(spec), a_type(spec)), request)
    if isinstance(spec, Mapping):
        if spec and all(is_many(values) for values in spec.values()):
            return texts_of(of_columns({str(name): spec[name] for name in spec}, "a dictionary"), request)
        raise ArgumentError('A dictionary must be one of columns: {"text": [...], "label": [...]}.')
    if is_column(spec):
        return _of_sequence(items_of(spec), a_type(spec))
    if isinstance(spec, np.ndarray):
        if spec.ndim == 2 and spec.shape[1] == 1:
            spec = spec[:, 0]  # (N,)
        if spec.ndim != 1:
            raise DataError(f"An array of shape {spec.shape} is not one text a sample: give one column, shape (N,).")
        return _of_sequence(spec.tolist(), "an array")
    if isinstance(spec, list | tuple):
        return _of_sequence(spec, a_type(spec))
    kind = capital(a_type(spec))
    if isinstance(spec, set | frozenset) or hasattr(spec, "__next__"):
        raise ArgumentError(f"{kind} has no order that could be repeated: give list(...) or sorted(...) of it.")
    raise ArgumentError(
        f'{kind} holds no texts: give a list of them (["some words", "other words"]), the name of a file or folder, or '
        "a frame."
    )


def _of_sequence(cells: Sequence[Any], kind: str) -> Found:
    if not len(cells):
        raise DataError(f"{capital(kind)} without items holds no texts.")
    return Found(
        cells=cells, identifiers=[str(row) for row in range(len(cells))], where=kind, origin=f"{kind} of texts"
    )
