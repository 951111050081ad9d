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
"""Of so many packages of neighbouring sizes one is held out."""
LEARNED = LABELS - LABELS // GROUP
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

    Of 60 packages 48 are learned from and 12, of all sizes, are held out, drawn by the seed: their docstrings are
    pretrained on without a label. What is chosen and reported on are docstrings that nobody learned from; of held-out
    packages only to report on, for who tuned by them would not be without labels.

    Words are counted in all that is pretrained on, held-out packages among it, so that the floor knows what arms do.

    Where the protocol asks for more than the library has, it is the labelled texts of `source`, of their 60 most
    frequent classes, by the names of these.

    Errors:
        ArgumentError: texts of fewer labels, or without names of them.
    """
    given = _labelled(source if protocol.images > len(_library().texts) else SOURCE)
    held = _held_out(len(given.names), seed)  # (L,)
    part = _parts(given.labels, seed)  # (N,): 0 learned from, 1 chosen on, 2 reported on
    seen = np.flatnonzero(~held)  # (S,)
    place = np.full(len(held), -1)
    place[seen] = np.arange(len(seen))
    everything = Texts(given.texts, given.labels, class_names=given.names, origin="docstrings without their package")
    learned = everything.subset(_some(np.flatnonzero(part == 0), protocol.images, seed))
    known = learned.with_labels(place[np.asarray(learned.labels)], [given.names[label] for label in seen])
    labelled = known.subset(np.flatnonzero(np.asarray(known.labels) >= 0)[: protocol.labelled])
    chosen_on = _some(np.flatnonzero((part == 1) & ~held[given.labels]), protocol.validation, seed)
    reported_on = _some(np.flatnonzero(part == 2), protocol.test, seed)
    asked = (everything.subset(rows) for rows in (chosen_on, reported_on))
    return Ground({"pretraining": known}, labelled, *asked, floor_from=known)


def _held_out(labels: int, seed: int) -> np.ndarray:
    """Which labels are held out, `(L,)` bool; they stand by size, the most frequent first."""
    held = np.zeros(labels, dtype=bool)
    for first in range(0, labels - labels % GROUP, GROUP):
        held[first + int(torch.randint(GROUP, (), generator=derived_generator(seed, _HELD_OUT, first)))] = True
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
    names = [texts.class_names[label] for label in np.asarray(known.labels)]
    most = {name for name, _ in Counter(names).most_common(LABELS)}
    if len(most) < LABELS:
        raise ArgumentError(f"The claim is on {LABELS} labels, and {source} has {len(most)}. Give texts of more.")
    kept = [(text, name) for text, name in zip(known.texts, names, strict=True) if name in most]
    return _by_size([text for text, _ in kept], [name for _, name in kept])


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
