"""`open_items`: whatever the user has, as `Histories`."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from contrapose.data.items.actions import of_actions
from contrapose.data.items.assembly import again, assemble
from contrapose.data.items.histories import Histories
from contrapose.data.items.listed import of_list_column, of_lists
from contrapose.data.items.looks import list_column
from contrapose.data.items.names import is_list
from contrapose.data.items.request import Found, ItemRequest
from contrapose.data.items.titles import titles_of
from contrapose.data.ragged import Ragged
from contrapose.data.tables.columns import asked_column
from contrapose.data.tables.files import PARQUET, readable
from contrapose.data.tables.foreign import columns_of, is_column, is_frame, items_of
from contrapose.data.tables.held import is_many
from contrapose.data.tables.named import TABLES, Ways, of_name
from contrapose.data.tables.sources import Source, of_columns, of_dataset, of_table
from contrapose.errors import ArgumentError, DataError
from contrapose.words import a_type, capital


def open_items(
    spec: Any,
    *,
    limit: int | None = None,
    labels: Any = None,
    label_column: str | None = None,
    number_column: str | None = None,
    user_column: str | None = None,
    item_column: str | None = None,
    time_column: str | None = None,
    titles: Any = None,
    core: int = 0,
    hold_out: int | None = None,
    known: Sequence[str] | None = None,
    known_titles: Sequence[str | None] | None = None,
) -> Histories:
    """Open histories of items. Items and users may be called by numbers, from 0 or 1 on, or by texts: they are numbered
    by the order of their names, and keep these.

    Arguments:
        spec: one of the following.
            A `.parquet`, `.csv`, `.tsv` or `.jsonl` table with a row for each action: user, item, and the time, by
            which the actions of a user are sorted (equal times stay in the order of the table; without times that is
            the order of all). A row that repeats user, item and time is taken once, all other repetitions stay.
            A `.parquet` or `.jsonl` table with a row for each user and a column of lists, oldest item first.
            `"hub:OWNER/NAME[:SPLIT]"`, or `"hub:FOLDER[:SPLIT]"` as `datasets` saves it, with such columns.
            From Python: a list of lists of items; a frame of pandas, polars or pyarrow, a dictionary of columns or a
            `datasets.Dataset`, with such columns; or `Histories`.
        limit: at most so many users, evenly spaced over all.
        labels: `None` or `"auto"`: those that the data has; `False` or `"none"`: none; a sequence: one a user.
        label_column, number_column: columns with a class, and with a number to predict, of each user; of actions the
            first row of each user tells.
        user_column, item_column, time_column: `None`: columns with usual names (user_id, reviewerID, item_id, asin,
            timestamp, date, ...). With lists, `item_column` is that of the lists.
        titles: a table with the columns item and title, or a dictionary, for people to read; `None`: a column `title`.
        core: leave out users and items with fewer actions than so many, until there are none; 0: nobody. 5 by
            convention (SASRec, https://arxiv.org/abs/1808.09781).
        hold_out: how many of the last items of each user are held out; users with no more are skipped. `None`: none,
            and what was opened before stays as it is.
        known: names of the items that an encoder knows, in its order, in the place of those that are found; actions
            with others are left out, with a note.
        known_titles: titles of these, where the data have none.

    Errors:
        DataError: it is not there, cannot be read, or holds no histories; the text says what to do.
        ArgumentError: an option that makes no sense or names something that does not exist.
        MissingExtraError: tables need the extra `tables`, the hub the extra `hub`.
    """
    request = ItemRequest(
        limit=limit,
        labels=labels,
        label_column=label_column,
        number_column=number_column,
        user_column=user_column,
        item_column=item_column,
        time_column=time_column,
        titles=titles,
        core=core,
        hold_out=hold_out,
        known=None if known is None else tuple(known),
        known_titles=None if known_titles is None else tuple(known_titles),
    )
    if isinstance(spec, Histories):
        return _titled(again(spec, request), request)
    named = isinstance(spec, str | os.PathLike)
    found = _of_name(os.fspath(spec), request) if named else _of_object(spec, request)
    return _titled(assemble(found, request), request)


def _titled(histories: Histories, request: ItemRequest) -> Histories:
    """With the titles that were given, which come before any others."""
    if request.titles is None:
        return histories
    given = titles_of(request.titles)
    found = [given.get(name) for name in histories.item_names]
    if not any(found):
        raise DataError(
            f"None of the {histories.items:,} items has one of the {len(given):,} titles that were given: are the "
            f"items called alike ({next(iter(given), '')!r} there, {histories.item_names[0]!r} here)?"
        )
    titled = histories.subset(range(len(histories)))
    titled.titles = tuple(found)
    return titled


def _of_name(name: str, request: ItemRequest) -> Found:
    ways = Ways(
        source=lambda source: _of_source(source, request),
        file=lambda path: _of_file(path, request),
        folder=_of_folder,
        pattern=lambda paths: _of_pattern(paths, request),
        usual="a table (.csv, .parquet, .jsonl, ...)",
    )
    return of_name(name, ways)


def _of_source(source: Source, request: ItemRequest) -> Found:
    with readable(source.origin):
        asked = asked_column(source.kinds, request.item_column, source.origin)
        if asked is not None:
            lists = asked if source.kinds[asked] in ("other", "bytes") and is_list(source.seen(asked)) else None
        else:
            lists = list_column(source.kinds, source.seen)
        return of_actions(source, request) if lists is None else of_list_column(source, lists, request)


def _of_file(path: Path, request: ItemRequest) -> Found:
    if path.suffix.lower() not in TABLES:
        raise DataError(
            f"{path} is no table of items that is known ({path.suffix or 'no suffix'}). Known: {' '.join(TABLES)}."
        )
    return _of_source(of_table([path]), request)


def _of_folder(path: Path) -> Found:
    raise DataError(f"{path} is a folder, and histories of items are a table: give one of {' '.join(TABLES)}.")


def _of_pattern(paths: Sequence[Path], request: ItemRequest) -> Found:
    if paths[0].suffix.lower() not in PARQUET:
        raise DataError(
            f"A pattern of {paths[0]}, ... cannot be read as one: give one file, or a pattern of .parquet files."
        )
    return _of_source(of_table(paths), request)


def _of_object(spec: Any, request: ItemRequest) -> Found:
    """What was handed over in Python."""
    origin = a_type(spec)
    if hasattr(spec, "cast_column") and hasattr(spec, "features"):  # datasets.Dataset, without importing it
        return _of_source(of_dataset(spec, "a hub data set"), request)
    if is_frame(spec):
        return _of_source(of_columns(columns_of(spec), origin), request)
    if isinstance(spec, Mapping) and spec and all(is_many(values) for values in spec.values()):
        return _of_source(of_columns({str(name): spec[name] for name in spec}, "a dictionary"), request)
    if isinstance(spec, Ragged):
        return replace(of_lists(list(spec), "Ragged", "Ragged"), origin="histories in memory")
    if is_column(spec):
        spec = items_of(spec)
    if isinstance(spec, list | tuple) and spec and all(isinstance(row, Mapping) for row in spec):
        names = dict.fromkeys(str(name) for row in spec for name in row)
        columns = {name: [row.get(name) for row in spec] for name in names}
        return _of_source(of_columns(columns, f"{origin} of rows"), request)
    if isinstance(spec, list | tuple) and spec:
        return of_lists(spec, origin, f"{origin} of histories")
    raise ArgumentError(
        f"{capital(origin)} holds no histories: give a list of lists of items ([[3, 1, 4], [1, 5]]), the name of a "
        "table, or a frame."
    )
