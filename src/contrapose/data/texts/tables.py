"""Texts in tables: a column of files, frames and dictionaries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from contrapose.data.labels import Labels
from contrapose.data.numbers import as_numbers
from contrapose.data.samples import evenly_spaced
from contrapose.data.tables.columns import PICTURE_NAMES, TEXT_NAMES, Kind, asked_column, listed, usual_label
from contrapose.data.tables.files import readable
from contrapose.data.tables.sources import Source
from contrapose.data.texts.found import Found, TextRequest
from contrapose.errors import ArgumentError, DataError

MEASURED = 200  # cells of a column that are looked at to say how long its texts are
OTHERS = 4  # further columns of texts that a note names


def texts_of(source: Source, request: TextRequest) -> Found:
    """The texts of one column of a table; rows are called by their numbers.

    Errors:
        DataError: no column of texts, or a table that cannot be read.
        ArgumentError: a column that does not exist, or holds no texts.
    """
    with readable(source.origin):
        kinds, table = source.kinds, source.origin
        label = asked_column(kinds, request.label_column, table)
        column, others = _choose(source, label, request)
        label = label or usual_label(kinds, taken=column)
        label = label if request.reads_labels else None
        labels = None if label is None else source.labels(label, f"column {label!r} of {table}")
        number = asked_column(kinds, request.number_column, table)
        numbers = None if number is None else as_numbers(source.read(number), where=f"column {number!r} of {table}")
        return Found(
            cells=list(source.read(column)),
            identifiers=[str(row) for row in range(source.count)],
            where=f"column {column!r} of {table}",
            origin=table,
            labels=labels,
            numbers=numbers,
            notes=(_note(column, label, labels, [name for name in others if name != label]),),
        )


def _choose(source: Source, label: str | None, request: TextRequest) -> tuple[str, list[str]]:
    """The column of texts, and the other ones that could be: by usual names, else the longest cells."""
    kinds, table = source.kinds, source.origin
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
    free = [name for name in free if name.lower() not in PICTURE_NAMES] or free  # names of files, beside texts
    if not free:
        held = {name: "classes" if name == classes else _held(kind) for name, kind in kinds.items()}
        columns = listed(f"{name} ({what})" for name, what in held.items())
        raise DataError(
            f"{table} has no column of texts: its columns are {columns}. Give a table with one, or say which column "
            "holds the texts with text_column= (--text-column)."
        )
    usual = {name.lower(): name for name in free}
    chosen = next((usual[name] for name in TEXT_NAMES if name in usual), None)
    chosen = chosen or max(free, key=lambda name: _length(source.read(name)))
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
