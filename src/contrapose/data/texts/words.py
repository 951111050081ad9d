"""Words of texts as people compare them: in small letters, without what stands between them."""

from __future__ import annotations

import re
from collections.abc import Collection

_ALONE = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"  # written without blanks
WORD = re.compile(rf"[{_ALONE}]|[^\W{_ALONE}]+")
"""A word; in scripts without blanks between words (Chinese, Japanese, Thai, ...), each letter."""


def words_of(text: str) -> list[str]:
    """The words of a text in their order, in small letters.

    >>> words_of("The cat, THE_dog!")
    ['the', 'cat', 'the_dog']
    """
    return WORD.findall(text.lower())


def parts_of(text: str, words: Collection[str]) -> list[tuple[str, bool]]:
    """A text in parts that join to it, each with whether it is one of these words.

    >>> parts_of("The cat sat.", {"cat"})
    [('The ', False), ('cat', True), (' sat.', False)]
    """
    found: list[tuple[str, bool]] = []
    end = 0
    for word in WORD.finditer(text):
        if word.group().lower() in words:
            found += [(text[end : word.start()], False), (word.group(), True)]
            end = word.end()
    return [part for part in (*found, (text[end:], False)) if part[0]]
