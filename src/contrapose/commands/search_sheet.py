"""The neighbours that a search found as a page of pictures. Originals are shown where their files are at hand."""

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
    show: bool = False,
    say: Callable[[str], None] = print,
) -> Path:
    """Write the page, and return its path.

    Arguments:
        out: the `.html` file; None: one in a temporary folder.
        query, data: what was searched with and in: where they are folders, tables or files, their pictures are found.
        asked, images: the pictures themselves, shown where there are no files.
        show: open the page in the browser.
        say: told when no picture could be shown.

    Errors:
        ArgumentError: `out` is no `.html`, or in no folder.
        RunError: it cannot be written.
    """
    from contrapose.report import Sheet, render_sheet
    from contrapose.report.cards import TextCard
    from contrapose.report.sheet import Answer, Entry

    file = Path(tempfile.mkdtemp(prefix="contrapose-")) / "neighbours.html" if out is None else sheet_file(out)
    queries, pictures = _Pictures(query, asked), _Pictures(data, images)
    answers = []
    for name, hits in list(zip(matches.queries, matches, strict=True))[:MOST]:
        found = [
            Entry(
                *pictures.entry(hit.identifier), label="" if hit.label is None else hit.label, similarity=hit.similarity
            )
            for hit in hits
        ]
        answers.append(Answer(Entry(*queries.entry(name)), found))
    if answers and all(isinstance(entry.card, TextCard) for answer in answers for entry in answer.found):
        say("The pictures of what was found are not at hand, so only names are shown: give their folder with --in.")
    left = len(matches) - len(answers)
    more = f" {counted(left, 'query', 'queries')} more were searched for and are not shown." if left else ""
    lead = f"By the cosine of the embeddings, among {counted(len(matches.identifiers), 'picture')}.{more}"
    title = f"Most like {matches.queries[0]}" if len(matches) == 1 else f"{counted(len(matches), 'query', 'queries')}"
    write_atomically(file, render_sheet(Sheet(title, lead, answers)).encode())
    if show:
        webbrowser.open(file.resolve().as_uri())
    return file


def sheet_of(options: SearchOptions, matches: Matches) -> Path:
    """The page for what was typed: pictures without files of their own are opened once more, from the cache."""
    from contrapose.embedder import load

    embedder = load(options.run)
    return write_sheet(
        matches,
        options.out,
        query=options.query,
        data=options.data,
        asked=_opened(embedder, options.query),
        images=_opened(embedder, options.data, limit=options.limit),
        show=options.open,
        say=lambda text: print(f"note: {text}", file=sys.stderr),
    )


def _opened(embedder: Embedder, source: str | None, **options: Any) -> Samples | None:
    """The pictures; None for what holds none, such as one picture (shown from its file) or a file of embeddings."""
    try:
        return None if source is None else embedder.open(source, progress=False, **options)
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


class _Pictures:
    """Pictures by their identifiers: from their files where there are such, else from the pixels, else by name."""

    def __init__(self, source: Any, images: Samples | None) -> None:
        self.images = images
        self.rows = {} if images is None else {name: row for row, name in enumerate(images.identifiers)}
        self.roots = _roots(source)

    def entry(self, name: str) -> tuple[Card, str, str]:
        """The card, the name and the address of a picture."""
        from contrapose.report.cards import TextCard, picture_card

        for root in self.roots:
            file = root if root.is_file() and root.name == name else root / name
            card = _thumbnail(file, name) if file.is_file() else None
            if card is not None:
                return card, name, file.resolve().as_uri()
        if self.images is not None and name in self.rows:
            return picture_card(self.images.batch([self.rows[name]])[0], f"picture {name}", side=SIDE), name, ""
        return TextCard(name), name, ""


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
