"""Files that a command writes a row a sample into: checked before the work, and how a table becomes bytes."""

from __future__ import annotations

import io
import os
from collections.abc import Collection
from pathlib import Path
from typing import Any

from contrapose.errors import ArgumentError, did_you_mean
from contrapose.optional import optional

TABLES = (".parquet", ".csv", ".jsonl")


def file_to_write(out: str | Path, endings: Collection[str], data: Any) -> Path:
    """Where to write, once it is known that it can be.

    Arguments:
        endings: of the files that the command writes.
        data: what is read.

    Errors:
        ArgumentError: another ending, a folder that is not there, or the data itself.
        MissingExtraError: `.parquet`, `.csv` or `.jsonl` without the `tables` extra.
    """
    path = Path(out)
    if path.suffix not in endings:
        raise ArgumentError(
            f"Cannot write {path.name!r}: unknown ending {path.suffix!r}.{did_you_mean(path.suffix, endings)}"
        )
    if path.suffix in TABLES:
        optional("polars", extra="tables")  # before the work, not after it
    if not path.parent.is_dir():
        raise ArgumentError(
            f"The folder {path.parent} does not exist, so {path.name} cannot be written there; create it first."
        )
    if isinstance(data, str | os.PathLike) and path.exists() and Path(data).exists() and path.samefile(data):
        raise ArgumentError(f"--out {path} is the data itself, which would be lost; name another file.")
    return path


def table_bytes(table: Any, suffix: str) -> bytes:
    """A polars frame as the content of a file with that ending."""
    buffer = io.BytesIO()
    write = {".parquet": table.write_parquet, ".csv": table.write_csv, ".jsonl": table.write_ndjson}[suffix]
    write(buffer)
    return buffer.getvalue()
