"""Texts of large tables, written once into one file in the cache, from which each is read when it is asked for.

CACHE/texts/NAME-KEY/index.json           what was written from which files; replaced last, in one step
CACHE/texts/NAME-KEY/TOKEN.bin            the texts in UTF-8, one behind the other, named by the index
CACHE/texts/NAME-KEY/TOKEN.npy            (2, N) int64: which rows of the table hold texts, and where each text ends
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from contrapose.data.images.listing import stamp
from contrapose.data.images.packing.cache import cache_folder, in_turn
from contrapose.data.images.packing.mapped import given_back
from contrapose.data.shards.blob import Blob
from contrapose.errors import DataError

FORMAT, INDEX = 1, "index.json"
BLOCK = 4_096  # rows of a table that are read together


class MappedTexts(Blob):
    """Texts in a file, of which the process keeps no more than it is looking at."""

    def __getitem__(self, row: Any) -> Any:
        found = super().__getitem__(row)
        given_back(self.content, 1)
        return found


class PackedTexts:
    """N texts from a table.

    Shapes:
        rows: `(N,)` int64, which rows of the table they are; the others are blank.

    Arguments:
        texts: read when they are asked for.
        fingerprint: a hash of all of them.
    """

    def __init__(self, folder: Path, index: dict[str, Any]) -> None:
        table = np.load(folder / f"{index['token']}.npy", mmap_mode="r", allow_pickle=False)  # (2, N)
        content = np.memmap(folder / f"{index['token']}.bin", np.uint8, mode="r")
        self.rows, self.fingerprint = table[0], str(index["fingerprint"])
        self.texts = MappedTexts(content, table[1])

    def cells(self, count: int) -> Sequence[Any]:
        """A cell for each of so many rows of the table; None where there is no text."""
        return _Cells(self, count)


class _Cells(Sequence[Any]):
    def __init__(self, packed: PackedTexts, count: int) -> None:
        self.packed, self.length = packed, count

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, row: Any) -> Any:
        row = range(self.length)[row]  # of negative ones, and of none
        place = int(np.searchsorted(self.packed.rows, row))
        there = place < len(self.packed.rows) and self.packed.rows[place] == row
        return self.packed.texts[place] if there else None


def packed_texts(paths: Sequence[Path], terms: Sequence[object], read: Callable[[], Iterable[Any]]) -> PackedTexts:
    """The texts that `read` gives, from the cache where no file has changed since they were written.

    Arguments:
        paths: the files of the table.
        terms: what else says which texts these are: the columns.
        read: the cells in their order; None, what is no text, and blanks are passed over.

    Errors:
        DataError: a cell of another type, no texts at all, or a cache that cannot be written.
    """
    key = hashlib.sha256(json.dumps([*(str(path.resolve()) for path in paths), *terms]).encode()).hexdigest()[:16]
    called = re.sub(r"[^A-Za-z0-9]+", "-", paths[0].stem).strip("-")[:40]
    entry = cache_folder() / "texts" / f"{called}-{key}"
    stamps = [FORMAT, *([*stamp(str(path), path.name)] for path in paths)]
    try:
        entry.mkdir(parents=True, exist_ok=True)
        with in_turn(entry) as alone:
            found = _kept(entry, stamps)
            if found is not None:
                return found
            for left in entry.iterdir() if alone else ():
                if left.suffix in (".bin", ".npy", ".partial"):
                    left.unlink()
            _write(entry, stamps, read())
            made = _kept(entry, stamps)
    except OSError as error:
        raise DataError(
            f"The cache folder {entry} cannot be used ({error.strerror or error}). Choose another with "
            "CONTRAPOSE_CACHE."
        ) from error
    assert made is not None, "it was written just now"
    return made


def _kept(entry: Path, stamps: list[Any]) -> PackedTexts | None:
    with suppress(OSError, ValueError, KeyError, TypeError):
        index = json.loads((entry / INDEX).read_text(encoding="utf-8"))
        if index["stamps"] == stamps:
            return PackedTexts(entry, index)
    return None


def _write(entry: Path, stamps: list[Any], cells: Iterable[Any]) -> None:
    token, digest = uuid.uuid4().hex, hashlib.sha256()
    rows: list[int] = []
    ends: list[int] = []
    end = 0
    with (entry / f"{token}.bin").open("wb") as file:
        for row, content in _contents(cells):
            digest.update(f"\n{len(content)} ".encode() + content)
            file.write(content)
            end += len(content)
            rows.append(row)
            ends.append(end)
        file.flush()
        os.fsync(file.fileno())
    if not rows:
        raise DataError("There is no text in it: all rows are empty.")
    np.save(entry / f"{token}.npy", np.array([rows, ends], dtype=np.int64), allow_pickle=False)
    index = {"stamps": stamps, "token": token, "fingerprint": digest.hexdigest()}
    partial = entry / f"{token}.partial"
    partial.write_text(json.dumps(index), encoding="utf-8")
    partial.replace(entry / INDEX)


def _contents(cells: Iterable[Any]) -> Iterator[tuple[int, bytes]]:
    for row, cell in enumerate(cells):
        if cell is None:
            continue
        if not isinstance(cell, str):
            raise DataError(f"Row {row} holds {cell!r:.40}, of type {type(cell).__name__}, and no text.")
        if cell.strip():
            yield row, cell.encode("utf-8", "replace")
