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


def pair_problems(pairs: Pairs) -> Iterator[Problem]:
    """What may be wrong with the pictures; one caption for many of them."""
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


def pair_facts(pairs: Pairs) -> list[str]:
    """How many captions there are, how many differ, and how long they are."""
    words = pairs.captions
    different = len(set(words.values.tolist()))
    lengths = np.array([len(text.split()) for text in words.values.tolist()])  # (S,)
    per = len(words.values) / len(pairs)
    return [
        f"{counted(len(words.values), 'caption')}, {per:.1f} a picture, of {int(np.median(lengths))} words (median); "
        f"{percent(different / len(words.values))} of them are different.",
    ]
