"""How alike texts look, whatever they mean: by their words, their lengths and the order of the words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

COMPARED = 64
"""Words of a text that are compared: as many as tokens are read of one."""


def surface_similarity(first: Sequence[str], second: Sequence[str]) -> np.ndarray:
    """The surface similarity of pairs of texts, the mean of three shares.

        words they have in common of all their words (Jaccard)
        1 - |n - m| / max(n, m)              n and m words
        1 - edits / max(n, m)                words to insert, to delete or to replace (Levenshtein)

    Words are what stands between blanks, in small letters.

    Shapes:
        first, second: P texts each; returns `(P,)` in [0, 1].

    Closed forms: 1 for a text and itself, 0 for one without words and one with some. It is symmetric.
    """
    numbers: dict[str, int] = {}
    a, b = ([_numbered(text, numbers) for text in side] for side in (first, second))
    lengths = np.array([[len(one), len(other)] for one, other in zip(a, b, strict=True)]).reshape(-1, 2)  # (P, 2)
    longest = lengths.max(axis=1)  # (P,)
    sets = [({*one}, {*other}) for one, other in zip(a, b, strict=True)]
    common = np.array([len(one & other) for one, other in sets])  # (P,)
    all_words = np.array([len(one | other) for one, other in sets])  # (P,)
    some = np.maximum(longest, 1)  # (P,), where two are without words nothing is divided
    apart = np.abs(lengths[:, 0] - lengths[:, 1]) + word_edits(a, b)  # (P,)
    shares = common / np.maximum(all_words, 1) + (2 - apart / some)  # (P,), their sum
    return np.where(longest == 0, 1.0, shares / 3)


def word_edits(first: Sequence[Sequence[int]], second: Sequence[Sequence[int]]) -> np.ndarray:
    """Levenshtein's distance of pairs of sequences of numbers, of all pairs at once.

    Shapes:
        first, second: P sequences each; returns `(P,)` integers.
    """
    n, m = (np.array([len(one) for one in side], dtype=np.int32) for side in (first, second))  # (P,) each
    if not len(n):
        return n
    a, b = _padded(first, int(n.max()), fill=-1), _padded(second, int(m.max()), fill=-2)  # (P, S), (P, T)
    steps = np.arange(b.shape[1] + 1, dtype=np.int32)  # (T + 1,)
    row = np.repeat(steps[None], len(n), axis=0)  # (P, T + 1), edits from nothing to the beginnings of the second
    for place in range(a.shape[1]):
        replaced = row[:, :-1] + (a[:, place : place + 1] != b)  # (P, T)
        found = np.concatenate([row[:, :1] + 1, np.minimum(row[:, 1:] + 1, replaced)], axis=1)  # (P, T + 1)
        inserted = np.minimum.accumulate(found - steps, axis=1) + steps  # any number of insertions from the left
        row = np.where((place < n)[:, None], inserted, row)
    return row[np.arange(len(n)), m]


def _numbered(text: str, numbers: dict[str, int]) -> list[int]:
    """The numbers of a text's words; those seen for the first time get the next ones."""
    return [numbers.setdefault(word, len(numbers)) for word in text.lower().split()[:COMPARED]]


def _padded(rows: Sequence[Sequence[int]], width: int, *, fill: int) -> np.ndarray:
    table = np.full((len(rows), width), fill, np.int32)
    for number, row in enumerate(rows):
        table[number, : len(row)] = row
    return table
