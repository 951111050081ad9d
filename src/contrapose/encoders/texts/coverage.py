"""What a vocabulary makes of some texts: how long they become, and what it does not know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from contrapose.encoders.texts.tokenizer import CHARACTERS_A_TOKEN, Tokenizer
from contrapose.words import counted, percent

MEASURED = 5_000
"""Texts that are enough to say what a vocabulary makes of all [design]."""
MANY_UNKNOWN = 0.2
"""Share of unknown words from which it is said that an encoder does not know these texts [design]: a vocabulary of
whole words that was learned from such texts leaves a few in a hundred."""


@dataclass(frozen=True)
class Coverage:
    """What a vocabulary makes of some texts.

    Arguments:
        tokens: how many it has.
        max_length: tokens of a text that are read.
        length: the median number of tokens of a text, cut or not.
        cut: the share of the texts that are longer than is read.
        single: the share of the texts that are one word, of which no view can be made by words.
        unknown: the share of the words of which nothing is known.
        mute: the share of the texts without a word of which something is known.
        pieces: tokens that a word becomes, on average.
    """

    tokens: int
    max_length: int
    length: float
    cut: float
    single: float
    unknown: float
    mute: float
    pieces: float

    def in_words(self, total: int) -> list[str]:
        """A line on the vocabulary, and one on lengths, of so many such texts."""
        whole = "whole words" if self.pieces == 1 else f"{self.pieces:.2g} a word"
        cut = f"{self._counted(self.cut, total)} longer than {self.max_length}, and cut there (--max-length)"
        cut = cut if self.cut else f"none is longer than {self.max_length}"
        lines = [
            f"vocabulary by default: {self.tokens:,} tokens, {whole}; {percent(self.unknown)} of the words unknown",
            f"tokens of a text: {self.length:.0f} (median); {cut}",
        ]
        if self.single:
            lines.append(f"one word alone: {percent(self.single)} of the texts; views by words are copies of these")
        return lines

    def remarks(self, total: int) -> list[str]:
        """What a person should know who has so many such texts read: how many are cut, and words that are unknown."""
        found = []
        if self.cut:
            found.append(
                f"{self._counted(self.cut, total)} longer than the {self.max_length} tokens that are read, and cut "
                "there; a run with a larger --max-length reads more."
            )
        if self.mute:
            found.append(
                f"{self._counted(self.mute, total)} without a word that the encoder knows: all such are alike to it."
            )
        if self.unknown >= MANY_UNKNOWN:
            found.append(
                f"{percent(self.unknown)} of the words are unknown to the encoder, which takes them all for one: it "
                "was trained on other texts. Train one on texts like these, or with --tokenizer pieces."
            )
        return found

    def _counted(self, share: float, total: int) -> str:
        """`2 texts of 4 (50 %) are`, of those that a share of the measured ones stands for."""
        about, number = "" if total <= MEASURED else "about ", round(share * total)
        return f"{about}{counted(number, 'text')} of {total:,} ({percent(share)}) {'is' if number == 1 else 'are'}"


def coverage(tokenizer: Tokenizer, texts: Sequence[str]) -> Coverage:
    """What a vocabulary makes of these texts.

    Errors:
        ArgumentError: no texts, or something in their place.
    """
    tokenizer.encode(texts[:1])  # which says what is wrong
    looked_at = CHARACTERS_A_TOKEN * tokenizer.max_length
    found = tokenizer.backend.encode_batch([text[:looked_at] for text in texts], add_special_tokens=False)
    lengths = np.asarray([len(one.ids) for one in found])  # (N,)
    words = np.asarray([len(set(one.word_ids)) for one in found])  # (N,)
    unknown = tokenizer.backend.token_to_id("[UNK]")
    ids = [one.ids[: tokenizer.room] for one in found]
    mute = [not ones or (unknown is not None and ones.count(unknown) == len(ones)) for ones in ids]  # (N,)
    strange = sum(one.ids.count(unknown) for one in found) if unknown is not None else 0
    long = np.asarray([len(text) > looked_at for text in texts]) | (lengths > tokenizer.room)
    total = max(int(words.sum()), 1)
    return Coverage(
        tokens=tokenizer.size,
        max_length=tokenizer.max_length,
        length=float(np.median(lengths)),
        cut=float(long.mean()),
        single=float((words <= 1).mean()),
        unknown=strange / total,
        mute=float(np.mean(mute)),
        pieces=float(lengths.sum()) / total,
    )
