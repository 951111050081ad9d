"""Plain text files: a line a text; or in a folder, a file a text."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from contrapose.data.files.names import printable
from contrapose.data.labels import encode_labels
from contrapose.data.tables.text_files import read_text
from contrapose.data.texts.found import Found
from contrapose.errors import DataError
from contrapose.words import counted

PLAIN = (".txt",)


def lines_of(path: Path) -> Found:
    """A line a text, called by its number from 1 on; blank lines are passed over and counted.

    Errors:
        DataError: a file that is empty, cannot be read, or is no text.
    """
    lines = read_text(path).split("\n")
    if lines[-1] == "":
        lines.pop()  # behind the last line's end
    if not lines:
        raise DataError(f"{path} is empty: give a file with a text on each line.")
    return Found(
        cells=[line.rstrip("\r") for line in lines],
        identifiers=[str(number) for number in range(1, len(lines) + 1)],
        where=str(path),
        origin=printable(f"lines of {path}"),
        lists_skipped=False,
    )


def files_of(paths: Sequence[Path], folder: Path) -> Found:
    """A file a text, called by its path in the folder; classes by the sub-folders, where all files lie in two or more.

    Files that cannot be read or are no text are skipped and listed.

    Errors:
        DataError: all of them are such.
    """
    names = [os.path.relpath(path, folder).replace(os.sep, "/") for path in paths]
    parts = [name.split("/") for name in names]
    classes = {part[0] for part in parts if len(part) > 1}
    labels, notes = None, [f"A text is a whole file: {counted(len(paths), 'file')}."]
    if len(classes) > 1 and all(len(part) > 1 for part in parts):
        labels = encode_labels([printable(part[0]) for part in parts], where="the sub-folders", missing=())
        notes = [f"{notes[0][:-1]}, labels from their {len(classes)} folders."]
    cells: list[str | None] = []
    refused: dict[int, DataError] = {}
    for row, path in enumerate(paths):
        try:
            cells.append(read_text(path))
        except DataError as error:
            cells.append(None)
            refused[row] = error
    if len(refused) == len(paths):
        raise refused[0]
    return Found(
        cells=cells,
        identifiers=[printable(name) for name in names],
        where=str(folder),
        origin=printable(f"files of {folder}"),
        labels=labels,
        notes=tuple(notes),
        reasons={row: _reason(error, paths[row]) for row, error in refused.items()},
    )


def _reason(error: DataError, path: Path) -> str:
    """Why a file was skipped, in the words of its error: the first sentence, without the name."""
    return str(error).removeprefix(f"{path} ").removeprefix("is ").partition(". ")[0].rstrip(".")


def list_texts(folder: Path) -> list[Path]:
    """The plain text files below a folder, hidden ones and those in hidden folders aside, sorted by path.

    Errors:
        DataError: there are none.
    """
    found = [
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in PLAIN and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    ]
    if not found:
        raise DataError(
            f"{folder} holds no texts ({' '.join(PLAIN)}): give a folder of them, a .txt file with a text on each "
            "line, or a table with a column of texts."
        )
    return sorted(found)
