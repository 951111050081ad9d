"""Pages of plain facts, made without training: three groups of samples shown as pictures, texts or table rows."""

from __future__ import annotations

from html.parser import HTMLParser

import numpy as np

from contrapose.data import Images
from contrapose.report import Absent, Embedded, Page, show_pictures, show_rows, show_texts
from contrapose.report.facts.map import map_of
from contrapose.report.facts.neighbours import gallery_of
from contrapose.report.facts.spectrum import spectra_of
from contrapose.report.page import Curve, Curves, Head, PairingPicture, Results, Setup

NASTY = "<script>alert('x')</script>"


def embeddings(count: int = 60, groups: int = 3, seed: int = 0) -> np.ndarray:
    """`(N, 8)`: row i lies near the centre of group i modulo `groups`."""
    random = np.random.default_rng(seed)
    centres = 4 * random.standard_normal((groups, 8))
    return centres[np.arange(count) % groups] + 0.3 * random.standard_normal((count, 8))


def labels(count: int = 60, names: tuple[str, ...] = ("cats", "dogs & co", NASTY)) -> np.ndarray:
    return np.asarray(names)[np.arange(count) % len(names)]


def pictures(count: int = 60) -> Images:
    noise = np.random.default_rng(1).integers(0, 255, size=(count, 3, 12, 12), dtype=np.uint8)
    return Images(noise, identifiers=[f"folder/{number:03d}.png" for number in range(count)])


def samples(kind: str = "picture", *, labelled: bool = True, count: int = 60, seed: int = 0) -> Embedded:
    """Samples of one kind of data."""
    shows = {
        "picture": lambda: show_pictures(pictures(count)),
        "text": lambda: show_texts([f"the {NASTY} text of number {number}" for number in range(count)]),
        "row": lambda: show_rows(np.arange(count * 2).reshape(count, 2) / 3, ["height", "a < b"]),
    }
    names = [f"folder/{number:03d}" for number in range(count)]
    return Embedded(embeddings(count, seed=seed), shows[kind](), names, labels(count) if labelled else None)


def page(kind: str = "picture", *, labelled: bool = True) -> Page:
    """A page with every section but the views."""
    bank, asked = samples(kind, labelled=labelled), samples(kind, labelled=labelled, count=30, seed=0)
    head = Head("simclr on <b>birds</b>", "An encoder.", True, "finished", [("Paper", "A, https://arxiv.org/abs/1.2")])
    loss = Curve("Loss", "What is lowered.", [1, 2, 3], [5.0, 4.0, 3.0], chance=4.5)
    return Page(
        head=head,
        curves=Curves([loss], [(2, "the loss is at <chance>")]),
        map=map_of(asked),
        gallery=gallery_of(bank, asked if labelled else None),
        views=Absent("There are no pictures; give some."),
        pairing=PairingPicture(2, "4 anchors.", ["Positives: views."], ["a0", "b0"], [("a0", [".", "+"])]),
        spectra=spectra_of(bank.embeddings, np.random.default_rng(2).standard_normal((60, 8))),
        results=Results("30 held out", ["kNN"], [("trained", ["90 %"]), ("untrained", ["-"])], ["In brackets."]),
        setup=Setup([("epochs", "2")], [("epochs", "2")], [("torch", "2")], [("config.json", "1 kB")]),
    )


class Read(HTMLParser):
    """All elements of a page with their attributes, and its text outside scripts and styles."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self._inside = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._inside = tag

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside not in ("script", "style"):
            self.words.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())
