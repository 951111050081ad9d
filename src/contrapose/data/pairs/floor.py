"""Features of pairs without a network: pixels, and words that are counted."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from contrapose.data.images.images import Images
from contrapose.data.pairs.pairs import Pairs
from contrapose.data.samples import Samples
from contrapose.data.texts.texts import Texts
from contrapose.data.texts.word_counts import WordCounts


def pixels_and_words(known: Pairs) -> Callable[[Samples], np.ndarray]:
    """`(N, F)` of any pairs: raw pixels and TF-IDF of all captions of each, both at length 1; of one side alone the
    other is zero, so that a picture and a text are like nothing in common."""
    counts = WordCounts([" ".join(some) for some in known.captions])
    columns = counts([known.captions[0][0]]).shape[1]
    size = int(np.prod(known.shape))

    def features(samples: Samples) -> np.ndarray:
        pixels, words = np.zeros((len(samples), size)), np.zeros((len(samples), columns))  # (N, C·H·W), (N, M)
        pictures = samples.pictures if isinstance(samples, Pairs) else samples
        if isinstance(pictures, Images):
            raw = pictures.pixels.reshape(len(pictures), -1).astype(np.float64) + 1  # a black one has a direction, too
            pixels = raw / np.linalg.norm(raw, axis=1, keepdims=True)
        if isinstance(samples, Pairs):
            words = counts([" ".join(some) for some in samples.captions])
        elif isinstance(samples, Texts):
            words = counts(samples.texts)
        return np.concatenate([pixels, words], axis=1).astype(np.float32)  # (N, F)

    return features
