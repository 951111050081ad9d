"""What may be wrong with pairs that could be opened: that of their pictures, and captions that tell nothing apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np

from contrapose.data.images.problems import picture_problems
from contrapose.data.pairs.pairs import Pairs
from contrapose.data.problems import Problem
from contrapose.words import counted, percent

MANY = 0.5
"""Share of the pictures with the same caption from which captions tell little apart [design]."""
SHOWN = 60  # characters of a caption
FALSE = 1.0
"""Others of a batch with a picture's own caption, on average, from which it is said [design]."""
BATCH = 128
"""Pairs of a batch where nobody has said how many: the default of training."""


def pair_problems(pairs: Pairs) -> Iterator[Problem]:
    """What may be wrong with the pictures; captions that are those of many of them."""
    yield from picture_problems(pairs.pictures)
    said = Counter(text for some in pairs.captions for text in some)
    text, times = said.most_common(1)[0]
    if len(pairs) > 2 and times > MANY * len(pairs):
        yield Problem(
            "one caption",
            f"{counted(times, 'picture')} of {len(pairs):,} share a caption ({text[:SHOWN]!r}), so that each is told "
            "to "
            "push the others' away: is another column meant (--text-column)?",
        )
    elif (said_alike := false_negatives(pairs, BATCH)) is not None:
        yield Problem("same captions", said_alike)


def false_negatives(pairs: Pairs, batch: int) -> str | None:
    """That captions are those of many pictures, as names of classes are, in a sentence; None where few share theirs.

    Of two pictures, each with one of its captions drawn, p is the chance that both have the same text; (batch - 1) p
    others of a batch then have an anchor's own caption, and the contrast takes them for wrong.
    """
    count, owners = len(pairs), pairs.owners
    if count < 2:
        return None
    every: dict[str, int] = {}  # numbers in place of an array of texts, which would all be as long as the longest
    numbers = np.array([every.setdefault(text, len(every)) for text in pairs.captions.values.tolist()])  # (S,)
    weights = 1 / pairs.captions.lengths[owners]  # (S,)
    of_text = np.bincount(numbers, weights)  # (T,)
    p = (float((of_text**2).sum()) - float((weights**2).sum())) / (count * (count - 1))
    others = (min(batch, count) - 1) * p
    if others < FALSE:
        return None
    return (
        f"{counted(len(every), 'different caption')} for {counted(count, 'picture')}: in a batch of "
        f"{min(batch, count):,}, {others:.3g} others have a picture's own caption on average, and the contrast takes "
        "them for wrong ones. Names of classes are labels rather: captions that tell pictures apart (--text-column), "
        "or a method that learns from labels, by --modality image."
    )


def pair_facts(pairs: Pairs) -> list[str]:
    """How many captions there are, how many differ, and how long they are."""
    words = pairs.captions
    different = len(set(words.values.tolist()))
    lengths = np.array([len(text.split()) for text in words.values.tolist()])  # (S,)
    per = len(words.values) / len(pairs)
    return [
        f"{counted(len(words.values), 'caption')}, {per:.1f} a picture, of "
        f"{counted(int(np.median(lengths)), 'word')} (median); "
        f"{percent(different / len(words.values))} of them are different.",
    ]
