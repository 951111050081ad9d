"""A ground of docstrings: texts of a library, whose labels are texts themselves, some of which nobody learns from."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch

from contrapose.claims.ground import Ground
from contrapose.claims.protocol import Protocol
from contrapose.data import derived_generator
from contrapose.data.texts import Texts
from contrapose.errors import ArgumentError
from contrapose.modalities import MODALITIES

LABELS = 60
"""Top packages of the library, those with most docstrings, names of programs' inner modules (`_pyio`) aside."""
GROUP = 5
"""Of so many packages of neighbouring sizes one is held out to choose on and one to report on."""
LEARNED = LABELS * (GROUP - 2) // GROUP
LEAST = 8
"""Docstrings of a package, so that some can be learned from, chosen on and reported on."""
SUMMARY_WORDS = 12
PARTS = (0.6, 0.15)
"""Shares of a package's docstrings to learn from and to choose on; the rest is reported on."""
SOURCE = "python-docs"
_HELD_OUT, _ORDER = 8, 9  # names of the random streams


@dataclass(frozen=True)
class Labelled:
    """Texts with labels that are texts, the most frequent label first."""

    texts: list[str]
    labels: np.ndarray  # (N,)
    names: list[str]


def docstrings(source: str, protocol: Protocol, seed: int) -> Ground:
    """Docstrings of Python's own library without the name of their package; labels are that name and a line on it.

    Of 60 packages 36 are learned from, 12 are held out to choose on and 12 to report on, of all sizes, drawn by the
    seed: their docstrings are pretrained on without a label. What is chosen and reported on are docstrings that nobody
    learned from: of held-out packages for zero-shot, of learned ones for the rest.

    Where the protocol asks for more than the library has, it is the labelled texts of `source`, by the names of their
    classes.

    Errors:
        ArgumentError: texts of fewer than 10 labels, or without names of them.
    """
    given = _labelled(source if protocol.images > len(_library().texts) else SOURCE)
    held = _held_out(len(given.names), seed)  # (L,): 0 learned from, 1 chosen on, 2 reported on
    part = _parts(given.labels, seed)  # (N,): 0 learned from, 1 chosen on, 2 reported on
    seen = np.flatnonzero(held == 0)  # (S,)
    place = np.full(len(held), -1)
    place[seen] = np.arange(len(seen))
    everything = Texts(given.texts, given.labels, class_names=given.names, origin="docstrings without their package")
    learned = everything.subset(_some(np.flatnonzero(part == 0), protocol.images, seed))
    known = learned.with_labels(place[np.asarray(learned.labels)], [given.names[label] for label in seen])
    labelled = known.subset(np.flatnonzero(np.asarray(known.labels) >= 0)[: protocol.labelled])
    asked = [
        everything.subset(_some(_asked(part, held[given.labels], number), count, seed))
        for number, count in ((1, protocol.validation), (2, protocol.test))
    ]
    return Ground({"pretraining": known}, labelled, asked[0], asked[1])


def _asked(part: np.ndarray, held: np.ndarray, number: int) -> np.ndarray:
    """Rows of a part, of learned labels and of those that are held out for it."""
    return np.flatnonzero((part == number) & ((held == 0) | (held == number)))


def _held_out(labels: int, seed: int) -> np.ndarray:
    """For each label, the most frequent first: 0 learned from, 1 held out to choose on, 2 to report on."""
    if labels < 2 * GROUP:
        raise ArgumentError(f"The claim holds labels out and wants {2 * GROUP} or more; these texts have {labels}.")
    held = np.zeros(labels, dtype=np.int64)
    for first in range(0, labels - labels % GROUP, GROUP):
        order = torch.randperm(GROUP, generator=derived_generator(seed, _HELD_OUT, first)).numpy()
        held[first + order[0]], held[first + order[1]] = 1, 2
    return held


def _parts(labels: np.ndarray, seed: int) -> np.ndarray:
    """Which part each text is of, so that each label has its share in all three."""
    part = np.zeros(len(labels), dtype=np.int64)
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        order = torch.randperm(len(rows), generator=derived_generator(seed, _ORDER, int(label))).numpy()
        first, second = (round(share * len(rows)) for share in np.cumsum(PARTS))
        part[rows[order[first:second]]], part[rows[order[second:]]] = 1, 2
    return part


def _some(rows: np.ndarray, count: int, seed: int) -> np.ndarray:
    """At most so many of the rows, in an order that the seed draws."""
    order = torch.randperm(len(rows), generator=derived_generator(seed, _ORDER)).numpy()
    return rows[order[:count]]


def _labelled(source: str) -> Labelled:
    if source == SOURCE:
        return _library()
    texts = MODALITIES["text"].open(source)
    if texts.labels is None or texts.class_names is None or not isinstance(texts, Texts):
        raise ArgumentError(f"The claim asks for texts with names of classes, and {source} has none.")
    known = texts.subset(np.flatnonzero(texts.labels >= 0))
    return _by_size(known.texts, [texts.class_names[label] for label in np.asarray(known.labels)])


@cache
def _library() -> Labelled:
    """The library's docstrings, each without the name of its package; that which gives a label its text is left out."""
    docs = MODALITIES["text"].open(SOURCE)
    assert isinstance(docs, Texts)
    everything = [*zip(docs.identifiers, docs.texts, strict=True)]
    summaries = {name: _summary(text) for name, text in everything if "." not in name}
    tops = [name.partition(".")[0] for name in docs.identifiers]
    most = [name for name, count in Counter(tops).most_common() if not name.startswith("_") and count >= LEAST][:LABELS]
    texts, names = [], []
    for (identifier, text), top in zip(everything, tops, strict=True):
        without = re.sub(rf"\b_*{re.escape(top)}\b", " ", text, flags=re.IGNORECASE)
        if top in most and identifier != top and without.split():
            texts.append(" ".join(without.split()))
            names.append(f"{top} {summaries.get(top, '')}".strip())
    return _by_size(texts, names)


def _summary(text: str) -> str:
    """The first words of a module's docstring."""
    return " ".join(text.strip().splitlines()[0].split()[:SUMMARY_WORDS])


def _by_size(texts: list[str], names: list[str]) -> Labelled:
    ordered = [name for name, _ in Counter(names).most_common()]
    number = {name: place for place, name in enumerate(ordered)}
    return Labelled(texts, np.asarray([number[name] for name in names]), ordered)
