"""Files of separated cells (CSV, TSV): by which character they are cut, and what is wrong where they cannot be read."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from pathlib import Path
from typing import Any

from contrapose.data.labels import NUMBER
from contrapose.data.tables.text_files import read_text
from contrapose.errors import DataError

SEPARATORS = {".csv": ",", ".tsv": "\t"}
"""What the cells of a file are separated by, by its suffix."""

NAMES = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
_CLOSED = re.compile('"(?:[^"]|"")*"')
_COMMA = NUMBER.replace(r"\.", ",")


def separator_of(path: Path) -> str:
    """What separates the cells of a file: what its suffix promises, else what stands in its first line.

    Errors:
        DataError: an empty file, a first line that names no columns, or one twice.
    """
    promised = SEPARATORS[path.suffix.lower()]
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        header = file.readline().rstrip("\r\n")
    if not header:
        raise DataError(f"{path} is empty, or its first line is: it must name the columns.")
    bare = re.sub('"[^"]*"', "", header)
    others = {other: bare.count(other) for other in NAMES if other != promised}
    likely = max(others, key=lambda other: others[other])
    separator = likely if promised not in bare and others[likely] else promised
    cells = next(csv.reader([header], delimiter=separator), [])
    if any(cell.strip().lower().endswith((".jpg", ".jpeg", ".png")) for cell in cells):
        raise DataError(
            f"{path}, line 1 names a picture: put a line with column names above, e.g. path{separator}label."
        )
    twice = [name for name, count in Counter(cells).items() if count > 1 and name]
    if twice:
        raise DataError(f"{path}, line 1 names the column {twice[0]!r} twice: give each column a name of its own.")
    return separator


def quotes_cells(path: Path, separator: str) -> bool:
    """Whether quotation marks around a cell belong to the file rather than to its cells.

    Cells between commas need them, but where none begins with one, such as `5" pipe`. Between tabs many files go
    without, and a cell that begins with a quotation would swallow the lines up to the next one: such a file has marks
    that do not enclose a cell, and a line for each row.
    """
    if separator != "\t":
        begun = re.compile(rf'(?:^|[{re.escape(separator)}])\s*"')
        with path.open(encoding="utf-8-sig", errors="replace") as file:
            return any(begun.search(line) for line in file if '"' in line)
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        rows = [line.rstrip("\r\n").split("\t") for line in file if line.strip("\r\n")]
    if len({len(cells) for cells in rows}) > 1:
        return True
    return all(_CLOSED.fullmatch(cell) for cells in rows for cell in cells if '"' in cell)


def with_points(frame: Any, polars: Any) -> Any:
    """The cells of a file that is separated by semicolons: where commas stand in its numbers, points in their place."""

    def has_commas(name: str) -> bool:
        cells = frame[name].drop_nulls().str.strip_chars()
        return bool(len(cells) and cells.str.contains(f"^({_COMMA})$").all() and cells.str.contains(",").any())

    return frame.with_columns(
        polars.col(name).str.replace(",", ".", literal=True) for name in frame.columns if has_commas(name)
    )


def damage(path: Path, separator: str) -> str | None:
    """What is wrong with a file that could not be read, by its line; None where that is not seen.

    Errors:
        DataError: it is not UTF-8.
    """
    text = read_text(path)
    if text.count('"') % 2:
        line = next(number for number, line in enumerate(text.split("\n"), 1) if line.count('"') % 2)
        return f"line {line} opens a quotation mark that is not closed. Close it, or write it twice inside of a cell."
    rows = csv.reader(io.StringIO(text), delimiter=separator)
    try:
        width = len(next(rows))
        wide = next((row for row in rows if len(row) > width), None)
    except csv.Error:
        return None
    if wide is None:
        return None
    return (
        f"line {rows.line_num} has {len(wide)} cells, and the first line names {width} columns. Put a cell that holds "
        f"{NAMES[separator]} into quotation marks."
    )
