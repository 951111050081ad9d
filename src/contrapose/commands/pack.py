"""`contrapose pack`: any pictures, texts or pairs of both into shards."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from tyro.conf import Positional

from contrapose.commands.reading_options import ReadingOptions
from contrapose.errors import ArgumentError

IN_EACH = 10_000  # samples of a shard where nobody says how many shards [design]


@dataclass(frozen=True, kw_only=True)
class PackOptions(ReadingOptions):
    """Write pictures, texts, or pictures with their captions into shards: tar files (webdataset) that train, embed and
    evaluate read in any order without unpacking them. Pictures stay encoded as they are; classes and names of samples
    go with them."""

    data: Positional[str]
    """What to pack: a folder, file or name, as in train; also stream:OWNER/NAME[:SPLIT]."""
    out: str
    """The folder of the shards, a new one."""
    shards: int | None = None
    """How many. Default: one for every 10,000 samples."""
    modality: Literal["image", "text", "pairs"] | None = None
    """What the data are. Default: as they look."""
    number_column: str | None = None
    """Column of a table with a number of each sample, to go with it."""
    limit: int | None = None
    """At most so many samples, evenly spaced over all."""
    workers: int | None = None
    """Threads that read and try pictures. Default: one per core."""


@dataclass(frozen=True)
class PackedData:
    """What was written.

    Arguments:
        paths: the shards.
        count: of samples.
        noun: what one is called.
        skipped, notes: as of `Samples`.
    """

    paths: tuple[Path, ...]
    count: int
    noun: str
    skipped: tuple[Any, ...]
    notes: tuple[str, ...]


def pack(
    data: Any,
    *,
    out: str | Path,
    shards: int | None = None,
    modality: str | None = None,
    limit: int | None = None,
    workers: int | None = None,
    **reading: Any,
) -> PackedData:
    """Write `data` into tar shards in the folder `out`, in order, so that they read back to the same samples.

    Arguments:
        data: what `open_data`, `open_texts` or `open_pairs` opens, or a `datasets.IterableDataset`, which is read once.
        shards: how many, in which the samples stand evenly; None: one for every 10,000 samples.
        modality: `"image"`, `"text"` or `"pairs"`; None: as it looks.
        reading: image_column, text_column, label_column, number_column and labels, as of these.

    Pictures that cannot be read are left out, and listed; so are those of pairs that have no caption.

    Errors:
        ArgumentError: a folder that is not empty, a kind that is not packed, or an option that it does not have.
        DataError: the data cannot be read.
        RunError: the shards cannot be written; nothing is left of them then.
    """
    from contrapose.data.shards.streaming import is_stream
    from contrapose.data.shards.writing import check_new
    from contrapose.modalities import asked_kind, check_reading

    if shards is not None and shards < 1:
        raise ArgumentError(f"shards is {shards}: give 1 or more.")
    folder = Path(out)
    check_new(folder)
    if is_stream(data):
        return _of_stream(data, folder, limit)
    kind = asked_kind(data, modality, reading)
    if kind.name not in ("image", "text", "pairs"):
        raise ArgumentError(
            f"Shards are of pictures, texts, and pairs of both, and these data are {kind.plural}, which are read at "
            "once or mapped: give train their file or folder as it is."
        )
    reading = {**check_reading(kind, reading), "limit": limit}
    find = {"image": _pictures, "text": _texts, "pairs": _pairs}[kind.name]
    return find(data, folder, shards, workers or os.cpu_count() or 1, reading)


def _pictures(data: Any, folder: Path, shards: int | None, workers: int, reading: dict[str, Any]) -> PackedData:
    from contrapose.data.images.listing import Listing
    from contrapose.data.images.opening import find_pictures
    from contrapose.data.images.request import Request
    from contrapose.data.shards.encoded import of_images

    request = Request(**reading)
    found = find_pictures(data, request)
    if isinstance(found, Listing):
        return _listed(found, None, folder, shards, workers, request)
    return _write(
        folder, len(found), shards, lambda rows: of_images(found, rows), found.class_names, found.noun,
        notes=found.notes, skipped=list(found.skipped),
    )  # fmt: skip


def _pairs(data: Any, folder: Path, shards: int | None, workers: int, reading: dict[str, Any]) -> PackedData:
    from contrapose.data.images.request import Request
    from contrapose.data.pairs.opening import find_pairs
    from contrapose.data.pairs.pairs import Pairs
    from contrapose.data.shards.encoded import of_images

    text_column = reading.pop("text_column", None)
    request = Request(**reading)
    found = find_pairs(data, request, text_column=text_column)
    if not isinstance(found, Pairs):
        return _listed(*found, folder, shards, workers, request)
    pairs = request.limited(found)
    lost = ("Words that may stand for others (synonyms) do not go with them.",) if pairs.synonyms else ()
    pictures, captions = pairs.pictures, pairs.captions
    return _write(
        folder, len(pairs), shards, lambda rows: of_images(pictures, rows, captions), pairs.class_names, pairs.noun,
        notes=(*pairs.notes, *lost), skipped=list(pairs.skipped),
    )  # fmt: skip


def _listed(found: Any, captions: Any, folder: Path, shards: int | None, workers: int, request: Any) -> PackedData:
    """Picture files, of which each stays as it is encoded; with captions where there are some."""
    from contrapose.data.pairs.opening import told
    from contrapose.data.samples import Skipped, evenly_spaced
    from contrapose.data.shards.encoded import of_listing

    listing = found.with_labels(request.labels)
    skipped: list[Skipped] = []
    if captions is not None:
        kept, silent = told(captions, listing.identifiers)
        listing, captions = listing.select(kept), [captions[row] for row in kept.tolist()]
        skipped.extend(silent)
    if request.limit is not None and request.limit < len(listing):
        rows = evenly_spaced(len(listing), request.limit)
        listing = listing.select(rows)
        captions = captions and [captions[row] for row in rows.tolist()]
    return _write(
        folder,
        len(listing),
        shards,
        lambda rows: of_listing(listing, rows, skipped, workers, captions),
        None if listing.labels is None else listing.labels.names,
        "picture" if captions is None else "pair",
        notes=listing.notes,
        skipped=skipped,
    )


def _texts(data: Any, folder: Path, shards: int | None, workers: int, reading: dict[str, Any]) -> PackedData:
    from contrapose.data.shards.encoded import of_texts
    from contrapose.data.texts import open_texts

    texts = open_texts(data, **reading)
    skipped = list(texts.skipped)
    return _write(
        folder, len(texts), shards, lambda rows: of_texts(texts, rows), texts.class_names, texts.noun,
        notes=texts.notes, skipped=skipped,
    )  # fmt: skip


def _write(
    folder: Path,
    count: int,
    shards: int | None,
    members: Callable[[range], Iterator[Any]],
    classes: Any,
    noun: str,
    *,
    notes: tuple[str, ...],
    skipped: list[Any],
) -> PackedData:
    from contrapose.data.shards.writing import even_ranges, write_shards

    if shards is not None and shards > count:
        raise ArgumentError(f"{count:,} {noun}s do not fill {shards:,} shards: give at most {count:,}.")
    ranges = even_ranges(count, shards or -(-count // IN_EACH))
    before = len(skipped)
    about = {} if classes is None else {"classes": list(classes)}
    paths = write_shards(map(members, ranges), folder, prefix=f"{noun}s", about=lambda: {"noun": noun, **about})
    return PackedData(tuple(paths), count - len(skipped) + before, noun, tuple(skipped), notes)


def _of_stream(dataset: Any, folder: Path, limit: int | None) -> PackedData:
    from contrapose.data.shards.streaming import classes_of, samples_of
    from contrapose.data.shards.writing import in_groups, write_shards

    groups = in_groups(samples_of(dataset, limit), IN_EACH)
    paths = write_shards(groups, folder, about=lambda: classes_of(dataset))
    from contrapose.data.shards.members import TarSamples

    return PackedData(tuple(paths), len(TarSamples(paths)), "sample", (), ())


def print_packed(options: PackOptions) -> None:
    """What the command does and says."""
    import sys

    from contrapose.words import counted

    done = pack(**vars(replace(options)))
    for note in done.notes:
        print(f"note: {note}", file=sys.stderr)
    for skipped in done.skipped:
        print(f"skipped: {skipped.path} ({skipped.reason})", file=sys.stderr)
    print(f"Wrote {counted(done.count, done.noun)} in {counted(len(done.paths), 'shard')} to {options.out}")
