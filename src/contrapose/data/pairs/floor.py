"""Features of pairs without a network: pixels, and words that are counted."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from contrapose.data.images.images import Images
from contrapose.data.pairs.pairs import Pairs
from contrapose.data.samples import Samples
from contrapose.data.texts.texts import Texts
from contrapose.data.texts.word_counts import WordCounts

LEAST = 1e-3  # in a column of its own, so that words that nobody knows have a direction, too


def pixels_and_words(known: Samples) -> Callable[[Samples], np.ndarray]:
    """`(N, F)` of any pairs: raw pixels and TF-IDF of all captions of each, both at length 1; of one side alone the
    other is zero, so that a picture and a text have nothing in common.

    Arguments:
        known: pairs, or one side of such.
    """
    counts = WordCounts(_texts_of(known) or [""])
    own = _pictures_of(known)
    columns, size = counts([""]).shape[1], 0 if own is None else int(np.prod(own.shape))

    def features(samples: Samples) -> np.ndarray:
        pixels, words = np.zeros((len(samples), size)), np.zeros((len(samples), columns))  # (N, C·H·W), (N, M)
        pictures, texts = _pictures_of(samples), _texts_of(samples)
        if pictures is not None and size:
            raw = pictures.pixels.reshape(len(pictures), -1).astype(np.float64) + 1  # a black one has a direction, too
            pixels = raw / np.linalg.norm(raw, axis=1, keepdims=True)
        if texts is not None:
            words = counts(texts)
        least = np.full((len(samples), 1), LEAST)
        return np.concatenate([pixels, words, least], axis=1).astype(np.float32)  # (N, F)

    return features


def _pictures_of(samples: Samples) -> Images | None:
    if isinstance(samples, Pairs):
        return samples.pictures
    return samples if isinstance(samples, Images) else None


def _texts_of(samples: Samples) -> list[str] | None:
    """What is said of each sample, as one text."""
    if isinstance(samples, Pairs):
        return [" ".join(some) for some in samples.captions]
    return list(samples.texts) if isinstance(samples, Texts) else None
