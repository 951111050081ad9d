"""Texts in tables: a column of files, frames and dictionaries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from contrapose.data.labels import Labels
from contrapose.data.numbers import as_numbers
from contrapose.data.shards.blob import Numbered
from contrapose.data.shards.packed_texts import PackedTexts, packed_texts
from contrapose.data.tables.columns import PICTURE_NAMES, TEXT_NAMES, Kind, asked_column, listed, usual_label
from contrapose.data.tables.files import readable
from contrapose.data.tables.foreign import is_missing
from contrapose.data.tables.sources import Source
from contrapose.data.texts.commented import commented
from contrapose.data.texts.found import Found, TextRequest
from contrapose.data.texts.phrases import looked_at, reads_like_texts
from contrapose.errors import ArgumentError, DataError

FEW_VALUES = 0.1
"""Values of a column for each of its cells, up to which it looks like one of classes [design]."""
LONGEST_NAME = 3
"""Words in the name of a column of texts; a first line with more is likely a sample [design]."""
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
        comment = _comment(kinds, request, column, table)
        label = label or usual_label(kinds, taken=column)
        label = label if request.reads_labels else None
        labels = None if label is None else source.labels(label, f"column {label!r} of {table}")
        number = asked_column(kinds, request.number_column, table)
        told = "" if comment is None else f", below their comments from {comment!r}"
        numbers = None if number is None else as_numbers(source.read(number), where=f"column {number!r} of {table}")
        packed = _packed(source, column, comment)
        return Found(
            cells=_cells(source, column, comment) if packed is None else packed.cells(source.count),
            identifiers=Numbered(source.count),
            kept=None if packed is None else packed.rows,
            fingerprint=None if packed is None else packed.fingerprint,
            where=f"column {column!r} of {table}",
            origin=table,
            labels=labels,
            numbers=numbers,
            notes=_notes(
                source,
                column,
                label,
                labels,
                told if number is None else f"{told}, numbers to predict from {number!r}",
                [name for name in others if name not in (label, comment, number)],
                seek=label is None and request.reads_labels,
            ),
        )


def _comment(kinds: Mapping[str, Kind], request: TextRequest, column: str, table: str) -> str | None:
    """The column with what is said of the texts, where one was asked for."""
    comment = asked_column(kinds, request.comment_column, table)
    if comment is not None and (comment == column or kinds[comment] != "text"):
        raise ArgumentError(
            f"Column {comment!r} of {table} {'is that of the texts' if comment == column else 'holds no texts'}: name "
            "another with comment_column= (--comment-column)."
        )
    return comment


def _packed(source: Source, column: str, comment: str | None) -> PackedTexts | None:
    """The texts of a large table, from a file; None of a table that is not."""
    pieces = source.pieces
    if pieces is None:
        return None

    def read() -> Iterator[Any]:
        return pieces(column) if comment is None else map(commented, pieces(comment), pieces(column))

    return packed_texts(source.paths, [column, comment], read)


def _cells(source: Source, column: str, comment: str | None) -> list[Any]:
    cells = list(source.read(column))
    if comment is None:
        return cells
    said = list(source.read(comment))
    if all(is_missing(cell) or not str(cell).strip() for cell in said):
        raise ArgumentError(
            f"Column {comment!r} of {source.origin} is empty in every row: name another with comment_column= "
            "(--comment-column), or leave it out."
        )
    return list(map(commented, said, cells))


def _choose(source: Source, label: str | None, request: TextRequest) -> tuple[str, list[str]]:
    """The column of texts, and the other ones of strings: by usual names, else the longest of what reads like texts."""
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
    chosen = chosen or max(_told(source, free), key=lambda name: _length(source.seen(name)))
    return chosen, [name for name in free if name != chosen]


def _told(source: Source, names: Sequence[str]) -> Sequence[str]:
    """Those columns of strings that read like texts; the only column of a table whatever it holds."""
    if len(source.kinds) == 1:
        return names
    told = [name for name in names if reads_like_texts(source.seen(name))]
    if not told:
        held = "holds" if len(names) == 1 else "hold"
        raise DataError(
            f"{source.origin} has no column that reads like texts: {_some(names)} {held} nothing but dates, numbers "
            "and single words. Give other data, or say which column holds the texts with text_column= (--text-column)."
        )
    return told


def _length(cells: Sequence[Any]) -> float:
    """The mean number of characters of some evenly spaced cells."""
    some = looked_at(cells)
    return sum(len(cell) for cell in some if isinstance(cell, str)) / max(len(some), 1)


def _held(kind: Kind) -> str:
    held = {"whole": "whole numbers", "number": "numbers", "bytes": "bytes", "struct": "pictures", "text": "texts"}
    return held.get(kind, "lists or other things")


def _notes(
    source: Source,
    column: str,
    label: str | None,
    labels: Labels | None,
    besides: str,
    others: Sequence[str],
    *,
    seek: bool,
) -> tuple[str, ...]:
    """What was taken, what else there is (classes, where one would `seek` them), and a first line that looks like a
    sample rather than like names."""
    classes = [name for name in others if _few_values(source, name)] if seek else []
    texts = [name for name in others if name not in classes and _is_told(source, name)]
    notes = [_note(column, label, labels, besides, texts)]
    if classes:
        say = (
            "has few values, as labels do: name it" if len(classes) == 1 else "have few values, as labels do: name one"
        )
        notes.append(f"{_some(classes)} {say} by label_column= (--label-column).")
    if len(column.split()) > LONGEST_NAME:
        notes.append(
            f"The first line names the columns, and {column!r} reads like a text: if it is a sample, put names above "
            "it, for example text,label."
        )
    return tuple(notes)


def _is_told(source: Source, name: str) -> bool:
    """Whether a column is called as texts are, or reads like them."""
    return name.lower() in TEXT_NAMES or reads_like_texts(source.seen(name))


def _few_values(source: Source, name: str) -> bool:
    """Whether a column repeats itself as classes do."""
    cells = source.seen(name)
    known = [cell for cell in looked_at(cells) if not is_missing(cell)]
    return 2 <= len(set(known)) <= FEW_VALUES * len(known)


def _note(column: str, label: str | None, labels: Labels | None, besides: str, others: Sequence[str]) -> str:
    classes = ", no labels" if label is None else f", labels from {label!r}"
    none = ", all of them missing" if label is not None and labels is None else ""
    note = f"Texts from column {column!r}{classes}{none}{besides}."
    if not others:
        return note
    hold = "holds" if len(others) == 1 else "hold"
    return f"{note} {_some(others)} {hold} texts too: take another one by text_column= (--text-column)."


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - OTHERS} more" if len(names) > OTHERS else ""
    return ", ".join(repr(name) for name in names[:OTHERS]) + more
