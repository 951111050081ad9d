"""`Texts`: the one form that every kind of text data takes before training."""

from __future__ import annotations

import hashlib
import re
import textwrap
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike
from torch import Tensor

from contrapose.data.chosen import Chosen
from contrapose.data.samples import LABEL, Samples, evenly_spaced
from contrapose.data.texts.words import words_of
from contrapose.errors import ArgumentError

EXCERPT = 80  # characters
CUT = " ..."
LOOKED_AT = 10_000  # characters of an endless text
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
COUNTED = 1_000  # texts whose words are counted to say how long they are


class Texts(Samples):
    """Texts in memory, with what is known about each.

    Shapes:
        batch(indices): a list of B `str`.

    Arguments:
        texts: the texts, of which `rows` are these samples; or a sequence that reads each when it is asked for. Kept as
            `store`.
        labels: one class number a sample, `(N,)` int64; -1 for one that has no label.
        described: targets, class_names, identifiers, skipped, origin, notes, fingerprint and rows; see `Samples`.

    Errors:
        ArgumentError: no texts, something that is none, or lengths that do not fit each other.
    """

    modality: ClassVar[str] = "text"
    noun: ClassVar[str] = "text"

    def __init__(self, texts: Sequence[str], labels: np.ndarray | None = None, **described: Any) -> None:
        few = isinstance(texts, list | tuple) or not len(texts)
        some = texts if few else [texts[0]]  # others may be read from a disk, each by itself
        if isinstance(texts, str) or not len(texts) or not all(isinstance(text, str) for text in some):
            raise ArgumentError("Texts hold one str or more: open_texts(...) brings other things into this form.")
        self.store = texts
        super().__init__(len(texts), **{**described, "targets": {**(described.get("targets") or {}), LABEL: labels}})

    def batch(self, indices: Tensor | ArrayLike) -> list[str]:
        """The texts of these row numbers, in this order."""
        return [self.store[row] for row in self.stored_rows(indices).tolist()]

    @property
    def texts(self) -> Sequence[str]:
        """All texts, in order; those that lie on a disk are read one by one, when somebody takes them out."""
        if isinstance(self.store, list | tuple):
            return self.batch(np.arange(len(self)))
        return self.store if self.rows is None else Chosen(self.store, self.rows)

    @property
    def every_text(self) -> Sequence[str]:
        """All texts that an encoder is going to read, for its vocabulary; those themselves, if nothing belongs to
        them."""
        return self.texts

    def digest(self) -> str:
        """A hash of all texts in their order."""
        digest = hashlib.sha256(f"{len(self.store)} texts".encode())
        for text in self.store:
            content = text.encode("utf-8", "surrogatepass")
            digest.update(f"\n{len(content)} ".encode() + content)
        return digest.hexdigest()

    def contents(self) -> Iterator[bytes]:
        """The bytes of each text, blanks around it aside: two that are equal are copies."""
        for text in self.texts:
            yield text.strip().encode("utf-8", "surrogatepass")

    @property
    def median_words(self) -> int:
        """The median number of words, between blanks, of at most 1,000 evenly spaced texts."""
        some = self.batch(evenly_spaced(len(self), COUNTED))
        return round(float(np.median([len(text.split()) for text in some])))

    def excerpt(self, row: int) -> str:
        """The first words, in one line; a mark for each character by which a terminal could be steered."""
        (text,) = self.batch([row])
        shown = textwrap.shorten(text[:LOOKED_AT], EXCERPT, placeholder=CUT)
        if shown == CUT.strip():  # an address, or another word that is too long
            shown = text.split(maxsplit=1)[0][: EXCERPT - len(CUT)] + CUT
        return _CONTROL.sub("\ufffd", shown)

    def words(self, row: int) -> frozenset[str]:
        """The words of a text, in small letters."""
        return frozenset(words_of(self.batch([row])[0][:LOOKED_AT]))

    def in_words(self) -> str:
        """How long they are."""
        words = self.median_words
        return f"{words} {'word' if words == 1 else 'words'} (median)"

    def facts(self) -> dict[str, Any]:
        """The median number of words."""
        return {"median_words": self.median_words}
