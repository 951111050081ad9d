"""Variants of a text by rules that know nothing of meaning: words twice, words left out, a piece."""

from __future__ import annotations

import numpy as np

SHARE = 0.2
"""Words that are repeated, or left out: up to 0.32 in ESimCSE (arXiv 2109.04380), of which this is the middle."""


def variants(text: str, random: np.random.Generator) -> list[str]:
    """The text itself, with a fifth of its words twice, with a fifth left out, and at least half of it in a row.

    Of few words one at least is repeated, and one at least stays: a text of one word becomes two and is else itself.

    Arguments:
        random: draws which words.
    """
    words = text.split()
    if not words:
        return [text] * 4
    some = max(1, round(SHARE * len(words)))
    twice, gone = ({*random.permutation(len(words))[:some].tolist()} for _ in range(2))
    kept = [word for place, word in enumerate(words) if place not in gone]
    repeated = [word for place, word in enumerate(words) for _ in range(1 + (place in twice))]
    length = int(random.integers((len(words) + 1) // 2, len(words) + 1))
    start = int(random.integers(0, len(words) - length + 1))
    return [text, " ".join(repeated), " ".join(kept or words), " ".join(words[start : start + length])]
