"""`Fills`: a word of each text beside wrong ones in its place. For (text, right, wrong) triples: `fill`."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import torch
from jaxtyping import Bool
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.padded import Padded

WORD = re.compile(r"\b(?=\w*[^\W\d_])\w{2,}\b")
"""What counts as a word: two signs and more in a row, a letter among them. Numbers are none: any other is as right."""
FREQUENT = 100
"""The most frequent words, which are no blanks: which of `the` and `a` is right says little of meaning [design]."""
LEAST_OCCURRENCES = 2
"""A word that stands once tells nobody where it belongs [design]."""
BLANK = "_"


def fill(text: str, word: str, *, blank: str = BLANK) -> str:
    """The text with the word in its blank, for candidates that somebody wrote down.

    Errors:
        ArgumentError: not exactly one blank.

    >>> fill("The trophy does not fit in the case: the _ is too big.", "trophy")
    'The trophy does not fit in the case: the trophy is too big.'
    """
    if text.count(blank) != 1:
        raise ArgumentError(f"A text is to have one blank {blank!r}, and this has {text.count(blank)}: {text[:60]!r}.")
    return text.replace(blank, word)


class Fills:
    """Each text as it is, and with one word replaced by others that are about as frequent, drawn anew each time.

        blank    a word of the text, even among those that are read, known and not too frequent
        wrong    words of the texts whose rank by frequency is nearest to the right one's, even among `near` of them

    As right and wrong words are about as frequent, how frequent a word is does not tell which is which.

    Shapes:
        raw: B texts; returns 1 + W `Padded` `(B, T)`, the right one first, and beside them `(B, W)` bool, which of the
            wrong ones there are: none of a text without a known word, whose views are all itself, and none whose tokens
            are those of the right one, as where the vocabulary knows neither word.

    Arguments:
        texts: what words and frequencies are learned from.
        make: `(texts, generator=) -> Padded`, what becomes of a text with its blank filled.
        wrong: W.
        near: words out of which wrong ones are drawn.
        read: how many characters of each text the encoder reads (`Tokenizer.characters_read`): a blank behind them
            would make right and wrong the same. None: all of them.

    Errors:
        ArgumentError: fewer than 1 + W words to draw from.
    """

    def __init__(
        self,
        texts: Sequence[str],
        make: Callable[..., Padded],
        *,
        wrong: int,
        near: int = 50,
        read: Callable[[Sequence[str]], Sequence[int]] | None = None,
    ) -> None:
        counts = Counter(word.lower() for text in texts for word in WORD.findall(text))
        ordered = sorted(counts.items(), key=lambda found: (-found[1], found[0]))
        common = FREQUENT if len(ordered) > 4 * FREQUENT else 0  # a small vocabulary has no words to spare
        self.words = [word for word, times in ordered[common:] if times >= LEAST_OCCURRENCES]
        if not 1 <= wrong < len(self.words):
            raise ArgumentError(
                f"{wrong} wrong words are asked for, and the texts have {len(self.words)} that stand there twice "
                "and are not among the most frequent: give more texts, or ask for fewer."
            )
        self.ranks = {word: rank for rank, word in enumerate(self.words)}
        self.make, self.wrong, self.read = make, wrong, read
        self.near = min(max(near, wrong), len(self.words) - 1)

    @torch.no_grad()
    def __call__(self, raw: Sequence[str], *, generator: torch.Generator | None = None) -> tuple[Any, ...]:
        """Texts right and wrong; the same state of `generator` (torch's global one if `None`) gives the same ones."""
        luck = torch.rand(len(raw), 1 + self.near, generator=generator)  # (B, 1 + near)
        ends = [len(text) for text in raw] if self.read is None else self.read(raw)
        rows = [self._filled(text, end, own) for text, end, own in zip(raw, ends, luck, strict=True)]
        candidates = [[row[number] for row in rows] for number in range(1 + self.wrong)]
        right, *wrong = [self.make(texts, generator=generator) for texts in candidates]
        known = torch.tensor([[other != row[0] for other in row[1:]] for row in rows])  # (B, W)
        known &= torch.stack([_differ(right, view) for view in wrong], dim=1)
        return (right, *wrong, known)

    def _filled(self, text: str, end: int, luck: Tensor) -> list[str]:
        """The text and W wrong ones; W + 1 times the text where no word of its first `end` characters is known."""
        found = [place for place in WORD.finditer(text) if place.group().lower() in self.ranks]
        places = [place for place in found if place.end() <= end]
        if not places:
            return (1 + self.wrong) * [text]
        blank = places[min(int(luck[0] * len(places)), len(places) - 1)]
        right = blank.group()
        return [
            text,
            *(text[: blank.start()] + cased(word, right) + text[blank.end() :] for word in self._like(right, luck[1:])),
        ]

    def _like(self, right: str, luck: Tensor) -> list[str]:
        """W different words of about the same frequency, and none of them the right one."""
        rank = self.ranks[right.lower()]
        first = min(max(0, rank - self.near // 2), len(self.words) - 1 - self.near)
        others = [place for place in range(first, first + self.near + 1) if place != rank]  # near of them
        return [self.words[others[place]] for place in luck.argsort()[: self.wrong].tolist()]

    def __repr__(self) -> str:
        return f"Fills({len(self.words):,} words, {self.wrong} wrong ones each)"


def _differ(one: Padded, other: Padded) -> Bool[Tensor, " B"]:
    """Which rows have other tokens in the one than in the other."""
    steps = max(one.shape[1], other.shape[1])
    first, second = one.lengthened(steps), other.lengthened(steps)  # (B, T) each, 0 at padding
    return ((first.values != second.values) | (first.mask != second.mask)).any(dim=1)


def cased(word: str, like: str) -> str:
    """The word with large letters where another has them."""
    if like.isupper():
        return word.upper()
    return word.capitalize() if like[0].isupper() else word
