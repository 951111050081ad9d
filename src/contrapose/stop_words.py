"""The words of a text that say something: what may stand as a label of it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

_STOP_WORDS = (
    "a about above after again against all almost also although always am among an and another any are aren "
    "around as at be became because become been before being below between both but by can cannot could couldn "
    "did didn do does doesn doing don down during each either else enough etc even ever every few for from "
    "further get gets got had hadn has hasn have haven having he her here hers herself him himself his how "
    "however if in into is isn it its itself just least less let like ll made make makes many may me might more "
    "most much must my myself neither never no nor not nothing now of off often on once one only onto or other "
    "others our ours ourselves out over own per perhaps quite rather re same see shall she should shouldn since "
    "so some something such than that the their theirs them themselves then there these they thing things this "
    "those though three through thus till to too two under until up upon us use used uses using ve very was wasn "
    "way we well were weren what whatever when where whether which while who whole whom whose why will with "
    "within without won would wouldn yet you your yours yourself yourselves "
)
STOP_WORDS = frozenset(_STOP_WORDS.split())
"""Words of English that hold a sentence together and are about nothing [design]. Other languages have only their
rarity: words are drawn the less the more often they stand."""

NUMERALS = frozenset(("one", "two", "three", "first"))
"""Stop words that say what is to be seen in a picture."""

LEAST_LETTERS = 2
"""Of a word [design]."""

_WORD = re.compile(r"[^\W\d_]+")


def words_of(text: str) -> list[str]:
    """All words, in small letters and in their order: runs of letters, so that `card_arrival` is two."""
    return _WORD.findall(text.lower())


def usable(words: Iterable[str]) -> list[str]:
    """Those that say something, each once, in their order."""
    return [word for word in dict.fromkeys(words) if len(word) >= LEAST_LETTERS and word not in STOP_WORDS]


def word_counts(texts: Sequence[str]) -> Counter[str]:
    """How often each word stands in all texts together, stop words among them."""
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(words_of(text))
    return counts
