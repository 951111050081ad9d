"""What a search found as a page: pictures from their files where they are at hand, texts, cells of rows."""

from __future__ import annotations

import os
import sys
import tempfile
import webbrowser
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contrapose.atomic import write_atomically
from contrapose.errors import ArgumentError, ContraposeError
from contrapose.words import counted

if TYPE_CHECKING:
    from contrapose.commands.reading import Reading
    from contrapose.commands.search import SearchOptions
    from contrapose.data import Samples
    from contrapose.embedder import Embedder
    from contrapose.report.cards import Card
    from contrapose.search import Matches

MOST = 50  # queries: more make a page that no browser likes
SIDE = 256  # pixels of a shown picture at most


def write_sheet(
    matches: Matches,
    out: str | Path | None,
    *,
    query: Any,
    data: Any,
    asked: Samples | None = None,
    images: Samples | None = None,
    noun: str = "picture",
    show: bool = False,
    say: Callable[[str], None] = print,
) -> Path:
    """Write the page, and return its path.

    Arguments:
        out: the `.html` file; None: one in a temporary folder.
        query, data: what was searched with and in: where they are folders, tables or files, their pictures are found.
        asked, images: the samples themselves, shown where there are no files.
        noun: what one of them is called.
        show: open the page in the browser.
        say: told when nothing could be shown but names.

    Errors:
        ArgumentError: `out` is no `.html`, or in no folder.
        RunError: it cannot be written.
    """
    from contrapose.report import Sheet, render_sheet
    from contrapose.report.cards import marked
    from contrapose.report.sheet import Answer, Entry

    file = Path(tempfile.mkdtemp(prefix="contrapose-")) / "neighbours.html" if out is None else sheet_file(out)
    queries, pictures = _Shown(query, asked), _Shown(data, images)
    answers = []
    for name, hits in list(zip(matches.queries, matches, strict=True))[:MOST]:
        asked_for = Entry(*queries.entry(name))
        found: list[Entry] = []
        for hit in hits:
            card, name, address = pictures.entry(hit.identifier)
            label, caption = hit.label or "", pictures.caption(hit.identifier)
            told = None if caption is None else marked(caption, asked_for.card)
            found.append(Entry(marked(card, asked_for.card), name, address, label, hit.similarity, told))
        answers.append(Answer(asked_for, found))
    if answers and not pictures.any:
        say(f"The {noun}s that were found are not at hand, so only names are shown: give them with --in.")
    left = len(matches) - len(answers)
    more = f" {counted(left, 'query', 'queries')} more were searched for and are not shown." if left else ""
    common = " Words of the query are marked." if matches.words is not None else ""
    lead = f"By the cosine of the embeddings, among {counted(len(matches.identifiers), noun)}.{common}{more}"
    title = (
        f"Most like {queries.title(matches.queries[0])}"
        if len(matches) == 1
        else f"{counted(len(matches), 'query', 'queries')}"
    )
    write_atomically(file, render_sheet(Sheet(title, lead, answers)).encode())
    if show:
        webbrowser.open(file.resolve().as_uri())
    return file


def sheet_of(options: SearchOptions, matches: Matches) -> Path:
    """The page for what was typed: samples without files of their own are opened once more, pictures from the cache."""
    from contrapose.commands.reading import Reading
    from contrapose.embedder import load
    from contrapose.modalities import modality_of

    embedder = load(options.run)
    kind = modality_of(embedder.encoder)
    columns = ("image_column", "text_column", "label_column", "labels")
    reading = Reading.of(options.run, **{name: getattr(options, name) for name in columns})
    asked = _opened(embedder, reading, kind.as_query(options.query))
    looked_in = _opened(embedder, reading, options.data, limit=options.limit)
    if asked is not None and looked_in is not None:
        looked_in = kind.faced(looked_in, asked.modality)
    return write_sheet(
        matches,
        options.out,
        query=options.query,
        data=options.data,
        asked=asked,
        images=looked_in,
        noun=kind.noun if looked_in is None else looked_in.noun,
        show=options.open,
        say=lambda text: print(f"note: {text}", file=sys.stderr),
    )


def _opened(embedder: Embedder, reading: Reading, source: Any, **options: Any) -> Samples | None:
    """The samples; None for what holds none, such as a file of embeddings."""
    try:
        return None if source is None else reading.open(embedder, source, progress=False, **options)
    except ContraposeError:
        return None


def sheet_file(out: str | Path) -> Path:
    """The file to write, after a look that it can be one."""
    file = Path(out)
    if file.suffix.lower() not in (".html", ".htm"):
        raise ArgumentError(f"The page of neighbours is HTML; {file.name!r} is none. Take --out {file.stem}.html.")
    if not file.parent.is_dir():
        raise ArgumentError(f"The folder {file.parent} does not exist, so {file.name} cannot be written there.")
    return file


class _Shown:
    """Samples by their identifiers: pictures from their files where there are such, else the samples, else by name."""

    def __init__(self, source: Any, samples: Samples | None) -> None:
        from contrapose.report.cards import show

        self.samples = samples
        self.rows = {} if samples is None else {name: row for row, name in enumerate(samples.identifiers)}
        self.show = None if samples is None else show(samples, side=SIDE)
        self.roots = [] if samples is not None and samples.modality == "text" else _roots(source)
        self.any = False
        """Whether more than a name was shown of anything."""

    def entry(self, name: str) -> tuple[Card, str, str]:
        """The card, the name and the address of a sample."""
        from contrapose.report.cards import TextCard

        for root in self.roots:
            file = root if root.is_file() and root.name == name else root / name
            card = _thumbnail(file, name) if file.is_file() else None
            if card is not None:
                self.any = True
                return card, name, file.resolve().as_uri()
        if self.show is not None and name in self.rows:
            self.any = True
            return self.show(self.rows[name]), name, ""
        return TextCard(name), name, ""

    def caption(self, name: str) -> Card | None:
        """The words of a picture that has some."""
        from contrapose.data.pairs.captioned import CaptionedImages
        from contrapose.report.cards import TextCard

        if not isinstance(self.samples, CaptionedImages) or name not in self.rows:
            return None
        return TextCard(self.samples.excerpt(self.rows[name]))

    def title(self, name: str) -> str:
        """The beginning of a sample that is read; the name of one that is looked at."""
        excerpt = None if self.samples is None or name not in self.rows else self.samples.excerpt(self.rows[name])
        return name if excerpt is None else excerpt


def _roots(source: Any) -> list[Path]:
    """Folders in which identifiers are paths: the folder itself, or that of a table; a picture is its own."""
    if not isinstance(source, str | os.PathLike):
        return []
    path = Path(source).expanduser()
    return [path, path.parent] if path.is_file() else [path] if path.is_dir() else []


def _thumbnail(file: Path, name: str) -> Card | None:
    """The whole picture, upright, small; None for what is no picture."""
    import numpy as np
    import torch
    from PIL import Image, ImageOps

    from contrapose.report.cards import picture_card

    try:
        with Image.open(file) as image:
            image.draft("RGB", (2 * SIDE, 2 * SIDE))
            upright = ImageOps.exif_transpose(image)
            upright.thumbnail((SIDE, SIDE))
            pixels = np.array(upright.convert("RGB"))  # (H, W, 3)
    except Exception:  # a damaged file can raise anything in a decoder; the working pixels are shown instead
        return None
    return picture_card(torch.from_numpy(pixels.transpose(2, 0, 1)), f"picture {name}", side=SIDE)
