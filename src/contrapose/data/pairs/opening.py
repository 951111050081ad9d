"""`open_pairs`: pictures with words, whatever they lie in, as `Pairs`."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from contrapose.data.files.known_sets import MADE_BY_NAME, refuse_known_set
from contrapose.data.files.names import expanded
from contrapose.data.images.assembly import decode_listing
from contrapose.data.images.images import Images
from contrapose.data.images.listing import Listing
from contrapose.data.images.opening import find_pictures
from contrapose.data.images.request import Request
from contrapose.data.kinds import PLAIN_TEXT
from contrapose.data.labelled import with_unlabelled_note
from contrapose.data.pairs.captions import NONE, captions_of
from contrapose.data.pairs.columns import caption_columns, check_pictures
from contrapose.data.pairs.folders import beside_pictures, list_coco
from contrapose.data.pairs.made import open_made_pairs
from contrapose.data.pairs.pairs import Pairs
from contrapose.data.pairs.repeated import by_picture
from contrapose.data.pairs.tars import captions_in_tars, lost_note
from contrapose.data.samples import NUMBER, Skipped
from contrapose.data.shards.names import TAR, shard_paths
from contrapose.data.tables.opening import table_of
from contrapose.errors import ArgumentError, DataError
from contrapose.words import counted

Captions = Sequence[tuple[str, ...]]

PAIRS = (
    "a table with a column of texts beside that of pictures, x.jpg beside x.txt, a COCO JSON file, tar files with "
    "both, or a list of (picture, caption)"
)


def open_pairs(spec: Any, *, text_column: str | None = None, **options: Any) -> Pairs:
    """Open pictures with their captions.

    Arguments:
        spec: one of the following.
            A table (parquet, CSV, ..., a frame, a dictionary of columns, a data set of the hub) with a column of
            pictures and one of captions: a text, or a list of texts, in each cell; or several, caption_1, caption_2,
            ...; or a row a caption: rows that name one picture file are one pair.
            A folder with `x.jpg` beside `x.txt`, a caption a line; classes are its sub-folders, as of pictures.
            A COCO caption file, `captions.json`, with its pictures beside it.
            Tar files (webdataset) with a picture and a `.txt` member, or a caption in a `.json` member, of each sample.
            `"made:scenes?count=500&captions=2"`, digits in colours at places, with sentences about them.
            From Python: a list of (picture, caption) or (picture, [captions]), or `Pairs`.
        text_column: the column (of a tar, the key of the JSON members) with the captions. Default: one with a usual
            name (caption, text, ...), else the only one that holds texts.
        options: those of `open_data`: image_column, image_size, channels, fit, white, limit, labels, label_column, ...

    A picture without a caption is skipped, and the list of what was skipped says so.

    Errors:
        DataError: it is not there, cannot be read, or has no captions, or the same for all pictures.
        ArgumentError: a column that does not exist or holds something else.
    """
    request = Request(**options)
    if isinstance(spec, Pairs):
        return request.again(spec)
    found = find_pairs(spec, request, text_column=text_column)
    if isinstance(found, Pairs):
        return with_unlabelled_note(request.limited(found))
    return with_unlabelled_note(_of_listing(*found, request))


def find_pairs(spec: Any, request: Request, *, text_column: str | None = None) -> Pairs | tuple[Listing, Captions]:
    """Pairs as they are found: pictures in files as a listing beside the captions of each, not decoded yet.

    Errors:
        As of `open_pairs`.
    """
    if isinstance(spec, Pairs):
        return spec
    if isinstance(spec, str) and spec.startswith(MADE_BY_NAME):
        return open_made_pairs(spec, request)
    found, captions = _found(spec, text_column, request)
    if len(found) != len(captions):
        raise DataError(
            f"{found.origin} has {len(found):,} pictures and {len(captions):,} cells of captions: give one for each."
        )
    _check_told_apart(captions, found.origin)
    return (found, captions) if isinstance(found, Listing) else _of_images(found, captions)


def _found(spec: Any, text_column: str | None, request: Request) -> tuple[Listing | Images, Captions]:
    """Pictures, and the captions of each, in the same order."""
    if isinstance(spec, list | tuple):
        return _listed(spec, request)
    if isinstance(spec, str | os.PathLike):
        name = os.fspath(spec)
        shards = shard_paths(name) if name else None
        if shards is not None and shards[0].suffix.lower() in TAR:
            pictures = find_pictures(spec, replace(request, image_column=None))
            captions = captions_in_tars(shards, text_column)
            assert isinstance(pictures, Listing), "they are files"
            return replace(pictures, notes=(*pictures.notes, *lost_note(captions))), captions
        path = expanded(name)
        if not os.path.exists(path):  # noqa: PTH110 - a Path's own may raise
            refuse_known_set(name, remedy=f"give pairs, {PAIRS}; made:scenes are made to try something with")
        if path.suffix.lower() == ".json" and path.is_file():
            return list_coco(path)
        if path.suffix.lower() in PLAIN_TEXT and path.is_file():
            raise DataError(
                f"{path.name} holds texts without pictures. Give a table with a column of pictures beside that of "
                "texts, or a folder with x.jpg beside x.txt."
            )
    source = table_of(spec)
    if source is None:
        return _beside(spec, text_column, request)
    if request.image_column is None:
        check_pictures(source.kinds, source.seen, origin=source.origin)
    columns = caption_columns(
        source.kinds, source.seen, asked=text_column, taken=request.image_column, origin=source.origin
    )
    if request.image_column in columns:
        raise ArgumentError(f"Column {request.image_column!r} cannot hold both pictures and captions.")
    every = find_pictures(spec, replace(request, limit=None))
    read = zip(*(source.read(column) for column in columns), strict=True)
    cells = [captions_of([text for cell in row for text in captions_of(cell)]) for row in read]
    note = f"Captions from column{'s' if len(columns) > 1 else ''} {', '.join(map(repr, columns))}."
    if isinstance(every, Listing):
        return by_picture(replace(every, notes=(*every.notes, note)), cells)
    every.notes = (*every.notes, note)
    return every, _of_rows(every, cells)


def _of_rows(pictures: Images, cells: Captions) -> Captions:
    """The cells of those rows that could be decoded, where some could not."""
    if len(pictures) == len(cells):
        return cells
    return [cells[int(row)] for row in pictures.identifiers]


def _beside(spec: Any, text_column: str | None, request: Request) -> tuple[Listing, Captions]:
    found = find_pictures(spec, request)
    whole = isinstance(found, Listing) and all(isinstance(one, str) for one in found.pictures)
    if text_column is not None:
        raise ArgumentError(
            f"{found.origin} has no columns, and so none of the name {text_column!r}: captions of picture files are in "
            "text files of the same name. Leave text_column (--text-column) out."
        )
    if not isinstance(found, Listing) or not whole:
        raise DataError(f"{found.origin} holds pictures without words. Give pairs: {PAIRS}.")
    return beside_pictures(found)


def _listed(items: Sequence[Any], request: Request) -> tuple[Listing | Images, Captions]:
    """(picture, caption) or (picture, [captions]), one after another; dictionaries are rows of a table."""
    if items and all(isinstance(one, Mapping) for one in items):
        names = dict.fromkeys(name for row in items for name in row)
        return _found({str(name): [row.get(name) for row in items] for name in names}, None, request)
    two = bool(items) and all(isinstance(one, list | tuple) and len(one) == 2 for one in items)
    if not two or not any(captions_of(words) for _, words in items):
        raise ArgumentError(
            "A list of pairs holds (picture, caption) or (picture, [caption, ...]) for each; these are no such."
        )
    pictures = find_pictures([picture for picture, _ in items], replace(request, limit=None))
    cells = [captions_of(words) for _, words in items]
    return pictures, cells if isinstance(pictures, Listing) else _of_rows(pictures, cells)


def _of_listing(listing: Listing, captions: Captions, request: Request) -> Pairs:
    """Decoded, without the pictures that have no caption."""
    kept, silent = told(captions, listing.identifiers)
    # Which rows could be decoded is told by a number that each carries along; the user's own takes its place after.
    numbers = listing.numbers
    images = decode_listing(replace(listing, numbers=np.arange(len(listing), dtype=np.float64)).select(kept), request)
    rows = images.targets[NUMBER].astype(np.int64)  # (N,)
    images = images.with_target(NUMBER, None if numbers is None else numbers[rows])
    return Pairs(images, [captions[row] for row in rows.tolist()], skipped=[*images.skipped, *silent])


def _of_images(images: Images, captions: Captions) -> Pairs:
    kept, silent = told(captions, images.identifiers)
    some = images if len(kept) == len(images) else images.subset(kept)
    return Pairs(some, [captions[row] for row in kept.tolist()], skipped=[*images.skipped, *silent])


def told(captions: Captions, names: Sequence[str]) -> tuple[np.ndarray, list[Skipped]]:
    """The rows that have a caption, `(n,)`, and those that have none."""
    there = np.array([bool(some) for some in captions])  # (N,)
    return np.flatnonzero(there), [Skipped(str(names[row]), NONE) for row in np.flatnonzero(~there).tolist()]


def _check_told_apart(captions: Captions, origin: str) -> None:
    """Pass captions that say something of each picture.

    Errors:
        DataError: there are none, or all pictures have the same.
    """
    there = [some for some in captions if some]
    if not there:
        raise DataError(
            f"None of the {counted(len(captions), 'picture')} of {origin} has a caption. Are they in another column? "
            "--text-column (text_column=) names it."
        )
    if len(there) > 1 and len(set(there)) == 1:
        raise DataError(
            f"All {len(there):,} pictures of {origin} have the same caption ({there[0][0][:60]!r}): nothing could be "
            "learned from which belongs to which. Is it another column? --text-column (text_column=) names it."
        )
