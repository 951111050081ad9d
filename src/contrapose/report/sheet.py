"""What a search found, as one HTML page of pictures: the query, its neighbours, and where each file lies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from contrapose.report.cards import Card
from contrapose.report.draw import environment, style
from contrapose.version import __version__


@dataclass(frozen=True)
class Entry:
    """A picture on the sheet.

    Arguments:
        card: how it is shown.
        name: what it is called.
        address: `file:` address of the original; empty where there is no file.
        label: its class; empty where it has none.
        similarity: cosine with the query.
        caption: words that belong to it and are no part of the card.
    """

    card: Card
    name: str
    address: str = ""
    label: str = ""
    similarity: float = 1.0
    caption: Card | None = None


@dataclass(frozen=True)
class Answer:
    """A query and what was found for it, nearest first."""

    query: Entry
    found: Sequence[Entry]


@dataclass(frozen=True)
class Sheet:
    """The page: a heading, a sentence below it, and the answers."""

    title: str
    lead: str
    answers: Sequence[Answer]

    @property
    def linked(self) -> bool:
        """Whether anything on it is a link to its file."""
        return any(entry.address for answer in self.answers for entry in (answer.query, *answer.found))


def render_sheet(sheet: Sheet) -> str:
    """The sheet as HTML that needs no other file, runs no script and asks no network."""
    template = environment().get_template("sheet.html")
    return template.render(sheet=sheet, version=__version__, style=Markup(style()))
