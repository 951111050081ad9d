"""`Texts`: the one form that every kind of text data takes before training."""

from __future__ import annotations

import hashlib
import textwrap
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike
from torch import Tensor

from contrapose.data.samples import LABEL, Samples, evenly_spaced
from contrapose.errors import ArgumentError

EXCERPT = 80  # characters
LOOKED_AT = 10_000  # characters of an endless text
COUNTED = 1_000  # texts whose words are counted to say how long they are


class Texts(Samples):
    """Texts in memory, with what is known about each.

    Shapes:
        batch(indices): a list of B `str`.

    Arguments:
        texts: the texts, of which `rows` are these samples. Kept as `store`.
        labels: one class number a sample, `(N,)` int64; -1 for one that has no label.
        described: targets, class_names, identifiers, skipped, origin, notes, fingerprint and rows; see `Samples`.

    Errors:
        ArgumentError: no texts, something that is none, or lengths that do not fit each other.
    """

    modality: ClassVar[str] = "text"
    noun: ClassVar[str] = "text"

    def __init__(self, texts: Sequence[str], labels: np.ndarray | None = None, **described: Any) -> None:
        if isinstance(texts, str) or not len(texts) or not all(isinstance(text, str) for text in texts):
            raise ArgumentError("Texts hold one str or more: open_texts(...) brings other things into this form.")
        self.store = texts
        super().__init__(len(texts), **{**described, "targets": {**(described.get("targets") or {}), LABEL: labels}})

    def batch(self, indices: Tensor | ArrayLike) -> list[str]:
        """The texts of these row numbers, in this order."""
        return [self.store[row] for row in self.stored_rows(indices).tolist()]

    @property
    def texts(self) -> list[str]:
        """All texts, in order."""
        return self.batch(np.arange(len(self)))

    @property
    def every_text(self) -> list[str]:
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
        """The first words, in one line."""
        (text,) = self.batch([row])
        return textwrap.shorten(text[:LOOKED_AT], EXCERPT, placeholder=" ...")

    def in_words(self) -> str:
        """How long they are."""
        words = self.median_words
        return f"{words} {'word' if words == 1 else 'words'} (median)"

    def facts(self) -> dict[str, Any]:
        """The median number of words."""
        return {"median_words": self.median_words}
