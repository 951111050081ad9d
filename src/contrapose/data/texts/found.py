"""What was asked of `open_texts`, and what was found before it becomes `Texts`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from contrapose.data.asked import Asked
from contrapose.data.chosen import Chosen
from contrapose.data.labels import Labels
from contrapose.data.samples import NUMBER, Skipped
from contrapose.data.tables.foreign import is_missing
from contrapose.data.texts.texts import Texts
from contrapose.errors import DataError
from contrapose.words import capital, counted

SHOWN = 40  # characters of a wrong value


@dataclass(frozen=True, kw_only=True)
class TextRequest(Asked):
    """The options of `open_texts`; see there."""

    text_column: str | None = None
    comment_column: str | None = None


@dataclass(frozen=True, kw_only=True)
class Found:
    """Cells that should be texts, in the order in which they become rows.

    Arguments:
        cells: N of them; `None`, NaN and blanks are no text, and are skipped.
        identifiers: N texts: row or line numbers, names of files or of objects.
        where: what holds them, for the error texts: "column 'text' of reviews.csv".
        origin, notes: as of `Samples`.
        labels: their classes, where known.
        numbers: `(N,)` a number each, where one was asked for.
        reasons: why there is no text in a cell, where that is not plain.
        kept: the rows that hold a text, where cells are read only when they are asked for; None: all are read now.
        fingerprint: as of `Samples`.
        lists_skipped: whether cells without a text are named one by one, or counted in a note only.
    """

    cells: Sequence[Any]
    identifiers: Sequence[str]
    where: str
    origin: str
    labels: Labels | None = None
    numbers: np.ndarray | None = None
    notes: tuple[str, ...] = ()
    reasons: Mapping[int, str] = field(default_factory=dict)
    lists_skipped: bool = True
    kept: np.ndarray | None = None
    fingerprint: str | None = None


def assemble(found: Found, request: TextRequest) -> Texts:
    """The texts that were found, with the labels and as many of them as were asked for.

    Errors:
        DataError: no text among the cells, cells of other types, or another number of labels than of cells.
    """
    labels = request.choose_labels(found.labels, len(found.cells), Texts.noun)
    if found.kept is not None:
        return request.limited(_later(found, found.kept, labels))
    kept: list[int] = []
    texts: list[str] = []
    skipped: list[Skipped] = []
    repaired = 0
    for row, cell in enumerate(found.cells):
        text = _text(cell, found, row)
        if text is None or not text.strip():
            name = found.identifiers[row]
            called = f"row {name}" if name.isdecimal() else name  # "0" alone would read as a count
            skipped.append(Skipped(called, found.reasons.get(row, "no text" if text is None else "blank")))
            continue
        whole = _whole(text)
        repaired += whole != text
        kept.append(row)
        texts.append(whole)
    if not texts:
        raise DataError(f"There is no text in {found.where}: {_all(len(found.cells))} empty.")
    notes = list(found.notes)
    if repaired:
        notes.append(f"{counted(repaired, 'text')} with characters that no file can hold: these became '?'.")
    if skipped and not found.lists_skipped:
        notes.append(f"{counted(len(skipped), 'blank line')} passed over.")
    identifiers = [found.identifiers[row] for row in kept]
    shown = skipped if found.lists_skipped else []
    return request.limited(
        _made(replace(found, notes=tuple(notes)), texts, np.asarray(kept), labels, identifiers, shown)
    )


def _later(found: Found, kept: np.ndarray, labels: Labels | None) -> Texts:
    """Texts that are read when they are asked for; which rows hold none is known."""
    if not len(kept):
        raise DataError(f"There is no text in {found.where}: {_all(len(found.cells))} empty.")
    if len(kept) == len(found.cells):
        return _made(found, found.cells, kept, labels, found.identifiers, [])
    lost = np.setdiff1d(np.arange(len(found.cells)), kept).tolist()
    skipped = [Skipped(found.identifiers[row], "no text") for row in lost]
    return _made(found, Chosen(found.cells, kept), kept, labels, Chosen(found.identifiers, kept), skipped)


def _made(
    found: Found,
    texts: Sequence[str],
    rows: np.ndarray,
    labels: Labels | None,
    identifiers: Sequence[str],
    skipped: Sequence[Skipped],
) -> Texts:
    chosen = None if labels is None else labels.select(rows)
    return Texts(
        texts,
        None if chosen is None else chosen.numbers,
        targets={NUMBER: None if found.numbers is None else found.numbers[rows]},
        class_names=None if chosen is None else chosen.names,
        identifiers=identifiers,
        skipped=skipped,
        origin=found.origin,
        notes=found.notes,
        fingerprint=found.fingerprint,
    )


def _text(cell: Any, found: Found, row: int) -> str | None:
    if isinstance(cell, str):
        return str(cell)  # of numpy's own kind as well
    if is_missing(cell):
        return None
    shown = repr(cell)
    raise DataError(
        f"{capital(found.where)} holds other things than texts: in row {found.identifiers[row]} "
        f"there is {shown[:SHOWN]}{'...' if len(shown) > SHOWN else ''}, of type {type(cell).__name__}. "
        + ("Decode bytes first: .decode()." if isinstance(cell, bytes) else "Give texts, or str(...) of it.")
    )


def _whole(text: str) -> str:
    """The text without halves of characters (lone surrogates), which can be neither written nor cut into words."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _all(count: int) -> str:
    return "it is" if count == 1 else f"all {count:,} rows are"
