"""Table files: which columns they have, and what is in one of them."""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from contrapose.data.labels import MISSING, NUMBER, WHOLE, Labels, encode_cells, encode_labels
from contrapose.data.numbers import as_numbers
from contrapose.data.tables.columns import LABEL_NAMES, Kind, asked_column, listed
from contrapose.data.tables.foreign import is_missing
from contrapose.data.tables.separated import NAMES, SEPARATORS, damage, quotes_cells, separator_of, with_points
from contrapose.data.tables.text_files import LOOKED_AT, PACKED, check_encoding, read_text
from contrapose.errors import ContraposeError, DataError
from contrapose.optional import optional

PARQUET = (".parquet", ".pq")
TOGETHER = 4 * 2**20  # bytes of a large file that are read together; three times as much is in memory then
JSON_LINES = (".jsonl", ".ndjson")


@contextmanager
def readable(origin: str) -> Iterator[None]:
    """Whatever goes wrong while a table is read, as an error that names it."""
    try:
        yield
    except ContraposeError:
        raise
    except Exception as error:  # polars and pyarrow have many error types, and the system some more
        raise DataError(f"{origin} cannot be read as a table: {first_line(error)}") from error


class Table:
    """A table of which columns can be read one by one."""

    kinds: dict[str, Kind]
    counts: list[int]

    def __init__(self, paths: Sequence[Path]) -> None:
        self.paths = paths
        self.origin = str(paths[0]) if len(paths) == 1 else f"{paths[0]} and {len(paths) - 1} more"
        self.place = "|".join(str(path.resolve()) for path in paths)
        self.polars = optional("polars", extra="tables")
        with readable(self.origin):
            self.open()
            numbers = [name for name, kind in self.kinds.items() if kind == "number"]
            self.kinds |= {name: "whole" for name in numbers if self._is_label(name)}
        if not sum(self.counts):
            raise DataError(f"{self.origin} has no rows.")

    def open(self) -> None:
        raise NotImplementedError

    def read(self, column: str) -> list[Any]:
        """The values of a column, in order."""
        raise NotImplementedError

    def head(self, column: str, count: int) -> list[Any]:
        """The first values of a column."""
        return self.read(column)[:count]

    def labels(self, column: str, where: str) -> Labels | None:
        """The classes in a column."""
        return encode_labels(self.read(column), where=where)

    def numbers(self, column: str | None) -> np.ndarray | None:
        """The numbers in a column; None where none was asked for."""
        name = asked_column(self.kinds, column, self.origin)
        return None if name is None else as_numbers(self.read(name), where=f"column {name!r} of {self.origin}")

    def file_names(self, column: str) -> list[str | None]:
        """The names of files that a column of encoded pictures carries; none at all where it carries none."""
        return []

    def _is_label(self, column: str) -> bool:
        """Whether a column of floats has the name of labels and nothing but whole numbers: one was missing once."""
        if column.lower() not in LABEL_NAMES:
            return False
        return all(is_missing(value) or value in MISSING or float(value).is_integer() for value in self.read(column))

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


class ParquetFiles(Table):
    def open(self) -> None:
        self.kinds, *others = (self._kinds(path) for path in self.paths)
        for path, found in zip(self.paths[1:], others, strict=True):
            self._check_alike(path, found)
        lengths = [self.polars.scan_parquet(path).select(self.polars.len()) for path in self.paths]
        self.counts = [length.collect().item() for length in lengths]

    def _kinds(self, path: Path) -> dict[str, Kind]:
        with readable(str(path)):
            return {name: self.kind(dtype) for name, dtype in self.polars.read_parquet_schema(path).items()}

    def _check_alike(self, path: Path, found: dict[str, Kind]) -> None:
        """Stop at a part that has other columns than the first one."""
        wrong = next((name for name, kind in self.kinds.items() if found.get(name) != kind), None)
        if wrong is not None:
            how = f"holds {found[wrong]}s in place of {self.kinds[wrong]}s" if wrong in found else "is not there"
            raise DataError(
                f"{path} is no part of the same table as {self.paths[0]}: column {wrong!r} {how} (its columns are "
                f"{listed(found)}). Leave it out, by a pattern of the others."
            )

    def head(self, column: str, count: int) -> list[Any]:
        return self.block(self.paths[0], column, 0, min(count, rows_together(self.paths[0], self.counts[0])))

    def block(self, path: Path, column: str, start: int, count: int) -> list[Any]:
        """The values of some rows of a part; no more of it is read than the groups of rows in which these lie."""
        rows = self.polars.scan_parquet(path).select(column).slice(start, count)
        return list(rows.collect()[column].to_list())

    def pieces(self, column: str) -> Iterator[Any]:
        """All values of a column, some in memory at a time."""
        for path, count in zip(self.paths, self.counts, strict=True):
            for start in range(0, count, step := rows_together(path, count)):
                with readable(str(path)):
                    some = self.block(path, column, start, step)
                yield from some

    def read(self, column: str) -> list[Any]:
        frames = [self.polars.read_parquet(path, columns=[column]) for path in self.paths]
        return [value for frame in frames for value in frame[column].to_list()]

    def labels(self, column: str, where: str) -> Labels | None:
        return encode_labels(self.read(column), where=where, names=self._class_names(column))

    def file_names(self, column: str) -> list[str | None]:
        with suppress(ImportError, AttributeError):  # reads the names alone; polars the pictures with them
            parquet = import_module("pyarrow.parquet")
            tables = [
                parquet.ParquetFile(path, memory_map=True, pre_buffer=False).read(columns=[f"{column}.path"])
                for path in self.paths
            ]
            return [None if row is None else row["path"] for table in tables for row in table[column].to_pylist()]
        names = self.polars.col(column).struct.field("path")
        frames = [self.polars.scan_parquet(path).select(names).collect(engine="streaming") for path in self.paths]
        return [name for frame in frames for name in frame["path"].to_list()]

    def _class_names(self, column: str) -> list[str] | None:
        """The names of the classes 0, 1, ... as `datasets` writes them into the file's metadata."""
        try:
            text = self.polars.read_parquet_metadata(self.paths[0]).get("huggingface", "{}")
            feature = json.loads(text)["info"]["features"][column]
            return [str(name) for name in feature["names"]] if feature["_type"] == "ClassLabel" else None
        except (AttributeError, KeyError, TypeError, ValueError):  # an older polars; written by somebody else
            return None


class TextTable(Table):
    def open(self) -> None:
        (path,) = self.paths
        check_encoding(path)
        try:
            self._open(path, path.suffix.lower())
        except self.polars.exceptions.PolarsError:
            read_text(path)  # says it better where the file is not UTF-8
            lines = path.suffix.lower() in JSON_LINES
            found = _damaged_line(path) if lines else damage(path, separator_of(path))
            if found is None:
                raise
            raise DataError(f"{path} cannot be read as a table: {found}") from None
        self.counts = [len(self.frame)]

    def _open(self, path: Path, suffix: str) -> None:
        if suffix in JSON_LINES:
            self.frame = self.polars.read_ndjson(_bare(path), infer_schema_length=None)
            self.kinds = {name: self.kind(dtype) for name, dtype in self.frame.schema.items()}
        else:  # nothing but text: what looks like a number may be a name, and 007 is not 7
            separator = separator_of(path)
            quote = '"' if quotes_cells(path, separator) else None
            self.frame = self.polars.read_csv(_bare(path), separator=separator, quote_char=quote, infer_schema_length=0)
            if separator == ";":  # of a spreadsheet in a language that writes 3,5
                self.frame = with_points(self.frame, self.polars)
            if separator != SEPARATORS[suffix]:
                self.origin = f"{path} (separated by {NAMES[separator]})"
            self.kinds = {name: self._kind_of_cells(name) for name in self.frame.columns}

    def read(self, column: str) -> list[Any]:
        return self.frame[column].to_list()

    def labels(self, column: str, where: str) -> Labels | None:
        encode = encode_labels if self.paths[0].suffix.lower() in JSON_LINES else encode_cells
        return encode(self.read(column), where=where)

    def _kind_of_cells(self, column: str) -> Kind:
        cells = self.frame[column].drop_nulls().str.strip_chars()
        cells = cells.filter(~cells.is_in(list(MISSING)))
        if not len(cells) or not cells.str.contains(f"^({NUMBER})$").all():
            return "text"
        return "whole" if cells.str.contains(f"^({WHOLE})$").all() else "number"


def _damaged_line(path: Path) -> str | None:
    """The first line that is no JSON object; None where all are."""
    example = 'Each line is a row by itself: {"name": value, ...}.'
    lines = [(number, line) for number, line in enumerate(read_text(path).split("\n"), 1) if line.strip("\ufeff \t")]
    if not lines:
        return f"it is empty. {example}"
    for number, line in lines:
        try:
            found = json.loads(line.removeprefix("\ufeff"))
        except (ValueError, RecursionError):
            return f"line {number} is no JSON. {example}"
        if not isinstance(found, dict):
            what = "a list" if isinstance(found, list) else "a single value"
            return f"line {number} holds {what}. {example}"
    return None


def _bare(path: Path) -> Path | bytes:
    """The file, or its content where polars cannot read it as it is: JSON behind the mark that some programs put before
    UTF-8, lines that end in carriage returns alone."""
    with path.open("rb") as file:
        head = file.read(LOOKED_AT)
        if path.suffix.lower() in JSON_LINES and head.startswith(codecs.BOM_UTF8):
            return (head + file.read()).removeprefix(codecs.BOM_UTF8)
        if b"\r" in head and b"\n" not in head and not head.startswith(PACKED):
            content = head + file.read()
            return content if b"\n" in content else content.replace(b"\r", b"\n")
    return path


def rows_together(path: Path, count: int) -> int:
    """How many rows of a parquet file are read together, for them not to fill the memory."""
    return max(1, min(4_096, count * TOGETHER // max(path.stat().st_size, 1)))


def first_line(error: Exception) -> str:
    """The first line of an error's text."""
    return (str(error).splitlines() or [type(error).__name__])[0]
