"""`contrapose search`: the samples most like another. No torch until it is called."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro
from tyro.conf import Positional

from contrapose.commands.reading_options import HistoryReadingOptions, ReadingOptions
from contrapose.errors import ArgumentError
from contrapose.optional import optional

if TYPE_CHECKING:
    from contrapose.data import Samples
    from contrapose.embedder import Embedder
    from contrapose.search import Index, Matches

BOLD, PLAIN = "\x1b[1m", "\x1b[22m"


@dataclass(frozen=True, kw_only=True)
class SearchOptions(ReadingOptions, HistoryReadingOptions):
    """Find what is most like a picture, some words or a row, by the cosine of their embeddings."""

    run: Positional[str]
    """The run folder, that of a stage in it (RUN/stages/NAME), or an encoder folder."""
    query: Positional[str]
    """A picture file, some words for a run on texts, or items for one on histories ("12, 7, 30"); or many: a folder,
    table, .txt, .npz or .npy, or any file that `contrapose embed` wrote."""
    data: Annotated[str | None, tyro.conf.arg(name="in")] = None
    """Where to look: a folder, file or name, as in train, or a file that `contrapose embed` wrote. May be left out when
    --index exists. Of pictures with words, words look among the pictures and a picture among the words."""
    k: Annotated[int, tyro.conf.arg(aliases=["-k"])] = 10
    """Neighbours to show."""
    index: str | None = None
    """A folder to keep the embeddings in: made when it is not there, used when it is."""
    rebuild: bool = False
    """Make the index anew, after the data or the encoder has changed."""
    backend: Literal["exact", "faiss"] = "exact"
    """exact compares with every embedding; faiss is for very many queries (extra `search`)."""
    limit: int | None = None
    """Look in no more than so many samples of --in."""
    white: float | None = None
    """The value that is white in pictures deeper than 8 bits, e.g. 4095 for 12. Default: as the encoder keeps it."""
    device: str = "auto"
    """Where to embed: auto, cpu, cuda, mps."""
    json: bool = False
    """Print JSON."""
    out: str | None = None
    """Also write the neighbours to this .html file: pictures, linked to their own files, texts, or cells of rows."""
    open: bool = False
    """Show that page in the browser; without --out it goes to a temporary folder."""


def search(
    run: str | Path,
    query: Any,
    *,
    data: Any = None,
    k: int = 10,
    index: str | Path | None = None,
    rebuild: bool = False,
    backend: str = "exact",
    limit: int | None = None,
    white: float | None = None,
    image_column: str | None = None,
    text_column: str | None = None,
    user_column: str | None = None,
    item_column: str | None = None,
    time_column: str | None = None,
    label_column: str | None = None,
    labels: Any = None,
    device: str = "cpu",
    quiet: bool = False,
) -> Matches:
    """The k samples of `data` most like each query, by a run's encoder.

    Arguments:
        run: run folder, or that of a stage in it, or encoder folder.
        query: a picture file, a Pillow image, some words, what `--data` takes, or a file that `contrapose embed` wrote.
        data: where to look; what `--data` takes, arrays, or a file that `contrapose embed` wrote. Of pairs, words look
            among the pictures and a picture among the captions. `None`: in the saved `index` as it is.
        k: neighbours. 10: a screenful.
        index: folder of a saved index; made where there is none.
        rebuild: make it anew.
        backend: `"exact"`, or `"faiss"`.
        limit: look in no more than so many samples of `data`.
        white: the value that is white in pictures deeper than 8 bits. `None`: as the encoder keeps it.
        image_column, text_column, user_column, item_column, time_column, label_column,
            labels: of `data` and of `query`, as in `open_data` and `open_texts`;
            `None`: as the run's own data where they have such columns, else those with usual names.
        device: where to embed: `"cpu"`, `"cuda"`, `"mps"` or `"auto"`.

    Errors:
        ArgumentError: nothing to look in.
        DataError: data or a query that cannot be read.
        RunError: no encoder in `run`, or a saved index that is damaged or no longer matches.
        MissingExtraError: `backend="faiss"` without the extra `search`.
        UnwrittenError: the index cannot be saved; the matches are in its `result`.
    """
    from contrapose.commands.reading import Reading
    from contrapose.commands.unwritten import kept_if_unwritten
    from contrapose.embedder import load
    from contrapose.modalities import modality_of
    from contrapose.search.queries import read_query

    if backend == "faiss":
        optional("faiss", extra="search")  # before the work, not after it
    embedder = load(run, device=device, white=white)
    reading = Reading.of(
        run,
        image_column=image_column,
        text_column=text_column,
        user_column=user_column,
        item_column=item_column,
        time_column=time_column,
        label_column=label_column,
        labels=labels,
    )
    wanted = read_query(
        embedder, query, open_pictures=partial(reading.open, embedder)
    )  # first: a mistyped name must not cost the time of an index
    folder = None if index is None else Path(index)

    def open_pictures(source: Any) -> Samples:
        opened = reading.open(embedder, source, limit=limit, progress=not quiet)
        return modality_of(embedder.encoder).faced(opened, wanted.kind)

    unlabelled = labels in ("none", False)
    found, made = _index(embedder, data, folder, rebuild=rebuild, open_pictures=open_pictures, unlabelled=unlabelled)
    matches = found.query_rows(wanted, k, backend=backend)
    if folder is not None and made:
        with kept_if_unwritten(matches, str):
            found.save(folder)
    return matches


def _index(
    embedder: Embedder,
    data: Any,
    folder: Path | None,
    *,
    rebuild: bool,
    open_pictures: Callable[[Any], Samples],
    unlabelled: bool,
) -> tuple[Index, bool]:
    """The index, and whether it was made now."""
    from contrapose.search import Index
    from contrapose.search.embedded import read_embedded
    from contrapose.search.stored import is_index

    exists = folder is not None and is_index(folder)
    if data is None and (rebuild or not exists):
        where = f"{folder} is no index yet, so s" if folder is not None and not exists else "S"
        raise ArgumentError(f"{where}ay what to look in: contrapose search RUN QUERY --in DATA.")
    known = None if data is None else read_embedded(data)
    if known is not None and unlabelled:
        known = replace(known, labels=None)
    images = known if known is not None or data is None else open_pictures(data)
    if folder is not None and exists and not rebuild:
        return Index.open(folder, embedder, data=images), False
    return Index.build(embedder, images), True


def print_matches(matches: Matches, *, as_json: bool = False) -> None:
    """Rank, similarity, identifier and label of every hit, a line each; a heading a query when there are several. Of
    texts their beginnings, on a terminal with the query's words in bold.

    What could not be searched with or for is said on standard error.
    """
    for note in matches.notes:
        print(f"note: of the query, {note}", file=sys.stderr)
    for skipped in matches.skipped:
        print(f"skipped: {skipped.path} ({skipped.reason})", file=sys.stderr)
    if matches.left_out:
        more = " and others" if len(matches.left_out) > 3 else ""
        names = ", ".join(matches.left_out[:3]) + more
        print(f"note: not in the index ({len(matches.left_out):,}): {names}", file=sys.stderr)
    if as_json:
        print(json.dumps(matches.to_dict(), indent=2))
        return
    bold = _shows_bold()
    for number, (name, hits) in enumerate(zip(matches.queries, matches, strict=True)):
        if len(matches) > 1:
            print(f"{name}:" if matches.asked is None else f"{name}: {matches.asked[number]}")
        width = max(len(hit.identifier) for hit in hits)
        widest = max(len(hit.label or "") for hit in hits)
        for hit in hits:
            label = f"{hit.label or '':<{widest}}"
            excerpt = _with_bold(hit.excerpt or "", hit.common) if bold else hit.excerpt or ""
            line = f"{hit.rank:>4}  {hit.similarity:7.4f}  {hit.identifier:<{width}}  {label}  {excerpt}"
            print(line.rstrip())


def _with_bold(text: str, words: Sequence[str]) -> str:
    """A text for a terminal, these words in bold."""
    from contrapose.data.texts.words import parts_of

    return "".join(f"{BOLD}{part}{PLAIN}" if common else part for part, common in parts_of(text, words))


def _shows_bold() -> bool:
    """Whether standard output is a terminal on which nothing was said against it (https://no-color.org)."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
