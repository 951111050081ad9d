"""`Pairs`: pictures with one or several captions each, the form that all data of pictures with words take."""

from __future__ import annotations

import copy
import hashlib
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike
from torch import Tensor

from contrapose.data.images.images import Images
from contrapose.data.pairs.captions import as_ragged
from contrapose.data.ragged import Ragged
from contrapose.data.samples import Samples
from contrapose.data.texts.texts import Texts
from contrapose.data.texts.words import words_of
from contrapose.errors import ArgumentError

EXCERPT = 80  # characters


@dataclass(frozen=True)
class RawPairs:
    """B pictures with the captions of each, as they are stored.

    Shapes:
        pixels: `(B, C, H, W)` uint8; captions: B tuples of one text or several.
    """

    pixels: Tensor
    captions: tuple[tuple[str, ...], ...]

    def __len__(self) -> int:
        return len(self.captions)

    def to(self, device: Any, *, non_blocking: bool = False) -> RawPairs:
        """The same with the pictures on `device`."""
        return RawPairs(self.pixels.to(device, non_blocking=non_blocking), self.captions)


class Pairs(Samples):
    """Square uint8 pictures of one size, each with its captions, and what is known about each.

    Shapes:
        batch(indices): `RawPairs` of B.

    Arguments:
        pictures: N of them, with all that is known: targets, identifiers, what was skipped, where they come from.
        captions: N sequences of one text or several.
        synonyms: words that may stand for others in these captions, by the word.
        described: class_names, identifiers, skipped, origin, notes and targets where they are not those of the
            pictures.

    Errors:
        ArgumentError: captions for another number of pictures, or a picture without any.
    """

    modality: ClassVar[str] = "pairs"
    noun: ClassVar[str] = "pair"

    def __init__(
        self,
        pictures: Images,
        captions: Sequence[Sequence[str]] | Ragged,
        *,
        synonyms: Mapping[str, Sequence[str]] | None = None,
        **described: Any,
    ) -> None:
        words = captions if isinstance(captions, Ragged) else as_ragged(captions)
        if len(words) != len(pictures) or not words.lengths.all():
            empty = int((words.lengths == 0).sum())
            raise ArgumentError(
                f"{len(pictures):,} pictures came with captions of {len(words):,}, {empty:,} of them empty: give each "
                "picture one caption at least."
            )
        self._pictures, self._words = pictures, words
        self.synonyms = {word: tuple(others) for word, others in (synonyms or {}).items()}
        known: dict[str, Any] = {
            "targets": pictures.targets,
            "class_names": pictures.class_names,
            "identifiers": pictures.identifiers,
            "skipped": pictures.skipped,
            "origin": pictures.origin,
            "notes": pictures.notes,
        }
        super().__init__(len(pictures), **{**known, **described})
        self.names_of = dict(pictures.names_of)

    def batch(self, indices: Tensor | ArrayLike) -> RawPairs:
        """The pairs of these row numbers, in this order."""
        rows = self.stored_rows(indices)
        return RawPairs(self._pictures.batch(rows), tuple(tuple(self._words[row]) for row in rows.tolist()))

    @property
    def pictures(self) -> Images:
        """The one side: pictures with the targets of the pairs."""
        found = self._pictures if self.rows is None else self._pictures.subset(self.rows)
        side = copy.copy(found)
        side.targets, side.class_names, side.names_of = dict(self.targets), self.class_names, dict(self.names_of)
        side.identifiers, side.skipped = self.identifiers, self.skipped
        return side

    @property
    def captions(self) -> Ragged:
        """Captions `(S,)`, one after another, and where those of each picture begin."""
        return self._words if self.rows is None else self._words.gather(self.rows)

    @property
    def texts(self) -> Texts:
        """The other side: all captions, S of them, called `PICTURE#NUMBER` where a picture has several."""
        words, owners = self.captions, self.owners
        several = words.lengths[owners] > 1  # (S,)
        place = np.arange(len(owners)) - words.pointers[owners]  # (S,)
        names = [
            f"{self.identifiers[owner]}#{number}" if many else str(self.identifiers[owner])
            for owner, number, many in zip(owners.tolist(), place.tolist(), several.tolist(), strict=True)
        ]
        return Texts(list(words.values), identifiers=names, origin=f"captions of {self.origin}")

    @property
    def owners(self) -> np.ndarray:
        """Whose picture each caption is, `(S,)` int64."""
        return np.repeat(np.arange(len(self)), self.captions.lengths)

    def told_once(self) -> tuple[Texts, Ragged, Ragged]:
        """The different captions, T of them; for each the pictures that it was written for, and for each picture the
        numbers of its own."""
        texts, owners = self.texts, self.owners
        said, numbers = np.unique(np.asarray(texts.texts, dtype=object).astype(str), return_inverse=True)
        numbers = numbers.reshape(-1)  # (S,)
        once = Texts(said.tolist(), origin=texts.origin)
        return once, _grouped(numbers, owners, len(said)), _grouped(owners, numbers, len(self))

    @property
    def every_text(self) -> Sequence[str]:
        """All captions, for a vocabulary; and the words that may come to stand in them."""
        others = [" ".join((word, *some)) for word, some in self.synonyms.items()]
        return [*self.captions.values, *others, *others]  # twice: a vocabulary is of words that come again

    def digest(self) -> str:
        """A hash of the pictures and of the captions of each."""
        digest = hashlib.sha256(self._pictures.fingerprint.encode())
        for some in self._words:
            for text in some:
                content = text.encode("utf-8", "surrogatepass")
                digest.update(f"\n{len(content)} ".encode() + content)
            digest.update(b"\n;")
        return digest.hexdigest()

    def contents(self) -> Iterator[bytes]:
        """Pixels and captions of each pair, as bytes: two that are equal are copies."""
        for pixels, words in zip(self.pictures.contents(), self.captions, strict=True):
            yield pixels.tobytes() + "\n".join(words).encode("utf-8", "surrogatepass")

    @property
    def shape(self) -> tuple[int, ...]:
        """That of a picture, (C, H, W)."""
        return self._pictures.shape

    def excerpt(self, row: int) -> str:
        """The beginning of the first caption, in one line."""
        (words,) = self.batch([row]).captions
        return textwrap.shorten(words[0], EXCERPT, placeholder=" ...")

    def words(self, row: int) -> frozenset[str]:
        """The words of the captions, in small letters."""
        (words,) = self.batch([row]).captions
        return frozenset(words_of(" ".join(words)))

    def in_words(self) -> str:
        """Pictures by their size, and how many captions each has."""
        lengths = self.captions.lengths
        least, most = int(lengths.min()), int(lengths.max())
        several = f"{least}" if least == most else f"{least} to {most}"
        return f"{self._pictures.in_words()} with {several} caption{'' if most == 1 else 's'}"

    def facts(self) -> dict[str, Any]:
        """Those of the pictures, and how many captions there are."""
        return {**self._pictures.facts(), "captions": len(self.captions.values)}

    def with_captions(self, captions: Sequence[Sequence[str]]) -> Self:
        """The same pictures with other captions, N sequences: those of a poisoned set, say."""
        changed = copy.copy(self)
        changed._pictures, changed._words, changed.rows = self.pictures, as_ragged(captions), None
        changed._stored, changed._fingerprint = len(self), None
        if len(changed._words) != len(self) or not changed._words.lengths.all():
            raise ArgumentError(f"{len(self):,} pictures want as many captions, none of them empty.")
        return changed

    def with_pictures(self, pixels: np.ndarray) -> Self:
        """The same captions with other pictures, `(N, C, H, W)` uint8: patched ones, say."""
        changed = copy.copy(self)
        old = self.pictures
        changed._pictures = Images(
            pixels,
            targets=old.targets,
            class_names=old.class_names,
            identifiers=old.identifiers,
            origin=old.origin,
            preparation=old.preparation,
        )
        if len(pixels) != len(self):
            raise ArgumentError(f"{len(self):,} captioned pictures want as many others, got {len(pixels):,}.")
        changed._words, changed.rows, changed._stored, changed._fingerprint = self.captions, None, len(self), None
        return changed


def _grouped(keys: np.ndarray, values: np.ndarray, count: int) -> Ragged:
    """The different values of each key, `count` of them."""
    both = np.unique(np.stack([keys, values], axis=1), axis=0)  # (S', 2), by key
    return Ragged(both[:, 1], np.concatenate([[0], np.bincount(both[:, 0], minlength=count).cumsum()]))
