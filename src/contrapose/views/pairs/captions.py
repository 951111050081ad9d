"""Captions varied word by word: without their stop words, with one word changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from contrapose.stop_words import NUMERALS, STOP_WORDS
from contrapose.views.pairs.options import CaptionViews

DROPPED = STOP_WORDS - NUMERALS


def without_stop_words(caption: str) -> str:
    """The caption without the words that say nothing; where nothing else would be left, as it is."""
    kept = [word for word in caption.split() if word.strip(".,;:!?\"'()").lower() not in DROPPED]
    return " ".join(kept) or caption


def edited(
    caption: str, random: np.random.Generator, options: CaptionViews, synonyms: Mapping[str, Sequence[str]]
) -> str:
    """The caption with one edit, drawn by the weights of the options among those that are possible; never empty.

    An edit that is not possible (another word where the data name none, a swap of one word) leaves its weight to the
    others. Paper: EDA, https://arxiv.org/abs/1901.11196
    """
    words = caption.split()
    known = [place for place, word in enumerate(words) if synonyms.get(word.lower())]
    weights = np.array(
        [options.replace if known else 0.0, *((options.swap, options.delete) if len(words) > 1 else (0.0, 0.0))]
    )
    if not weights.sum():
        return caption
    edit = int(random.choice(3, p=weights / weights.sum()))
    if edit == 0:
        place = int(random.choice(known))
        words[place] = str(random.choice(synonyms[words[place].lower()]))
    elif edit == 1:
        one, other = random.choice(len(words), size=2, replace=False).tolist()
        words[one], words[other] = words[other], words[one]
    else:
        del words[int(random.integers(len(words)))]
    return " ".join(words)
