"""Pools of candidates: for a text, what may stand for it and what may stand against it, with weights to draw by."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from contrapose.errors import ArgumentError, DataError
from contrapose.views.texts.propensity import inverse_propensity, softmax
from contrapose.views.texts.surface import surface_similarity
from contrapose.views.texts.variants import variants

LOOKED_AMONG = 8_192
"""Texts among which candidates are looked for, evenly spaced over all [design]: a batch of 64 then takes a tenth of a
second, once."""
DIGITS = 6
"""Of similarities of meaning: sums come out alike to more digits, whichever texts stand beside each other."""

Meaning = Callable[[Sequence[str]], np.ndarray]  # N texts -> (N, K) float64, rows of length 1


@dataclass(frozen=True, kw_only=True)
class PoolOptions:
    """How large pools are, who may be in them, and how is drawn from them; the method's options say more of each."""

    positives: int = 8
    surface_negatives: int = 16
    random_negatives: int = 16
    least_negatives: int = 1
    """So many there are in every pool, if need be with texts that mean too much the same."""
    same_meaning: float = 0.9
    other_meaning: float = 0.7
    weighting: Literal["inverse", "uniform"] = "inverse"
    surface_temperature: float = 0.1
    meaning_temperature: float = 0.05
    least_propensity: float = 0.01


@dataclass(frozen=True)
class Pool:
    """Candidates of one text.

    Arguments:
        positives, negatives: texts; the first positive is the text itself, and it is no negative.
        positive_weights, negative_weights: shares of 1 by which they are drawn.
        thin: whether there were too few texts of another meaning, so that others had to be taken.
    """

    positives: tuple[str, ...]
    positive_weights: np.ndarray
    negatives: tuple[str, ...]
    negative_weights: np.ndarray
    thin: bool


class Pools:
    """The pools of texts among a collection; each is made when it is first asked for, and stays until `renew`.

        positives:  the text, three variants of it by rules, and its nearest neighbours in meaning, m >= same_meaning
        negatives:  those that share most words with it, and random ones, all of m <= other_meaning

        surface s, meaning m = (1 + cos) / 2 of text and candidate
        positives:  e = softmax(s / t_s),   g = softmax(m / t_m)
        negatives:  e = softmax(-s / t_s),  g = softmax(-m / t_m)
        weight  w = g / e, in shares: `inverse_propensity`

    A rule picks by how candidates look: words in common for a positive, other words for a random negative. So a
    positive of much weight means the same and looks different, a negative of much weight looks alike and means
    something else.

    Arguments:
        texts: the collection.
        meaning: texts to vectors: `LatentMeaning`, or what an encoder makes of them; None: `taught_by` says it later.
        seed: of what is drawn once for each text: its variants and its random negatives.

    Errors:
        DataError: fewer different texts than a text needs beside itself.
    """

    def __init__(self, texts: Sequence[str], meaning: Meaning | None, options: PoolOptions, *, seed: int = 0) -> None:
        from sklearn.feature_extraction.text import CountVectorizer

        different = list(dict.fromkeys(texts))
        if len(different) <= max(1, options.least_negatives):
            raise DataError(
                f"{len(texts):,} texts with {len(different):,} different among them leave each too few others to be "
                f"told from; {max(1, options.least_negatives) + 1} different ones at least are needed. Give more texts."
            )
        some = np.arange(min(LOOKED_AMONG, len(different))) * len(different) // min(LOOKED_AMONG, len(different))
        self.known = [different[row] for row in some]  # R texts
        self.places = {text: place for place, text in enumerate(self.known)}
        self.count = len(texts)
        self.meaning, self.options, self.seed = meaning, options, seed
        self.counter = CountVectorizer(binary=True, token_pattern=r"\S+")
        self.words = self.counter.fit_transform(self.known).astype(np.int32).T.tocsc()  # (F, R)
        self.sizes = np.asarray(self.words.sum(axis=0)).ravel()  # (R,), different words of each
        self.renew()

    def taught_by(self, meaning: Meaning) -> None:
        """Let another say what texts mean, from now on."""
        self.meaning = meaning
        self.renew()

    def renew(self) -> None:
        """Forget all pools, for what texts mean has changed: they are made anew when they are asked for."""
        self._made: dict[str, Pool] = {}
        self._vectors: np.ndarray | None = None  # (R, K), of the collection
        self._own: dict[str, np.ndarray] = {}  # (K,) each, of texts that have a pool and are not of the collection

    @property
    def vectors(self) -> np.ndarray:
        """The meaning of the collection, `(R, K)`."""
        if self._vectors is None:
            self._vectors = self._asked(self.known)
        return self._vectors

    def of(self, texts: Sequence[str]) -> list[Pool]:
        """The pool of each of these texts, which need not be of the collection."""
        new = [text for text in dict.fromkeys(texts) if text not in self._made]
        if new:
            self._made |= zip(new, self._pools(new), strict=True)
        return [self._made[text] for text in texts]

    def vectors_of(self, texts: Sequence[str]) -> np.ndarray:
        """The meaning of these texts, `(N, K)`; that of the collection, and of who has a pool, was found already."""
        places = np.array([self.places.get(text, -1) for text in texts])  # (N,)
        vectors = self.vectors[places]  # (N, K)
        others = [row for row in np.flatnonzero(places < 0).tolist() if texts[row] not in self._own]
        found = dict(zip(others, self._asked([texts[row] for row in others]) if others else (), strict=True))
        for row in np.flatnonzero(places < 0).tolist():
            vectors[row] = found[row] if row in found else self._own[texts[row]]
        return vectors

    def _asked(self, texts: Sequence[str]) -> np.ndarray:
        if self.meaning is None:
            raise ArgumentError("Nobody has said yet what these texts mean: taught_by(texts -> vectors).")
        return self.meaning(texts)

    def _pools(self, texts: list[str]) -> list[Pool]:
        vectors = self.vectors_of(texts)  # (B, K)
        self._own |= {text: row for text, row in zip(texts, vectors, strict=True) if text not in self.places}
        alike = _meaning(vectors @ self.vectors.T)  # (B, R)
        shared = self._shared_words(texts)  # (B, R)
        chosen = [self._chosen(text, alike[row], shared[row]) for row, text in enumerate(texts)]
        pairs = [(text, other) for text, sides in zip(texts, chosen, strict=True) for other in sides[0] + sides[1]]
        others = [other for _, other in pairs]
        surface = surface_similarity([text for text, _ in pairs], others)  # (P,)
        counts = [len(positives) + len(negatives) for positives, negatives, _ in chosen]
        own = np.repeat(vectors, counts, axis=0)  # (P, K)
        meaning = _meaning((own * self.vectors_of(others)).sum(axis=1))  # (P,)
        pools, start = [], 0
        for positives, negatives, thin in chosen:
            middle, end = start + len(positives), start + len(positives) + len(negatives)
            weights = self._weights(surface[start:middle], meaning[start:middle])
            against = self._weights(-surface[middle:end], -meaning[middle:end])
            pools.append(Pool(tuple(positives), weights, tuple(negatives), against, thin))
            start = end
        return pools

    def _chosen(self, text: str, alike: np.ndarray, shared: np.ndarray) -> tuple[list[str], list[str], bool]:
        """Positives and negatives of a text, and whether there were too few of the latter."""
        options, random = self.options, self._random(text)
        itself = np.zeros(len(alike), dtype=bool)  # (R,)
        if text in self.places:
            itself[self.places[text]] = True
        near = _largest(np.where(alike >= options.same_meaning, alike, -1) - 2 * itself, options.positives - 4, least=0)
        positives = [*variants(text, random)[: options.positives], *(self.known[place] for place in near)]
        other = (alike <= options.other_meaning) & ~itself  # (R,)
        looks = _largest(np.where(other, shared, -1), options.surface_negatives, least=0)
        rest = np.setdiff1d(np.flatnonzero(other), looks)  # (r,)
        drawn = random.permutation(rest)[: options.random_negatives]
        negatives = [*looks.tolist(), *drawn.tolist()]
        short = options.least_negatives - len(negatives)
        if short > 0:  # then those that mean the least the same
            left = np.setdiff1d(np.flatnonzero(~itself), negatives)
            negatives += left[np.argsort(alike[left], kind="stable")[:short]].tolist()
        return positives, [self.known[place] for place in negatives], short > 0

    def _weights(self, surface: np.ndarray, meaning: np.ndarray) -> np.ndarray:
        """By surface and meaning of candidates, for or (both negative) against, `(n,)`."""
        options = self.options
        if options.weighting == "uniform" or not len(surface):
            return np.full(len(surface), 1 / max(1, len(surface)))
        preferred = softmax(meaning, options.meaning_temperature)
        propensity = softmax(surface, options.surface_temperature)
        return inverse_propensity(preferred, propensity, least=options.least_propensity)

    def _shared_words(self, texts: list[str]) -> np.ndarray:
        """Jaccard's share of words that each text has in common with those of the collection, `(B, R)`."""
        own = self.counter.transform(texts).astype(np.int32)  # (B, F)
        common = (own @ self.words).toarray()  # (B, R)
        sizes = np.array([len({*text.lower().split()}) for text in texts])[:, None]  # (B, 1), unknown words among them
        return common / np.maximum(sizes + self.sizes - common, 1)

    def _random(self, text: str) -> np.random.Generator:
        """What is drawn once for a text, the same in whichever order texts come."""
        named = hashlib.sha256(f"{self.seed} {text}".encode("utf-8", "surrogatepass")).digest()
        return np.random.default_rng(int.from_bytes(named[:8], "big"))


def _meaning(cosine: np.ndarray) -> np.ndarray:
    """m = (1 + cos) / 2, to as many digits as come out alike every time."""
    return np.round((1 + cosine) / 2, DIGITS)


def _largest(values: np.ndarray, count: int, *, least: float) -> np.ndarray:
    """Places of the largest values, the largest first, none below `least`; at most `count`."""
    count = min(max(count, 0), len(values))
    if count == 0:
        return np.zeros(0, np.int64)
    places = np.argpartition(-values, count - 1)[:count]
    places = places[values[places] >= least]
    return places[np.lexsort((places, -values[places]))]
