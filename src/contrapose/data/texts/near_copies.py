"""Near-duplicates: texts that share nearly all of their words and pairs of words, found without comparing all."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64

from contrapose.data.texts.texts import LOOKED_AT
from contrapose.data.texts.words import words_of
from contrapose.errors import ArgumentError

NEAR = 0.8
"""Similarity from which two texts are near-duplicates: what is usual in cleaning text collections (Lee et al. 2022,
https://arxiv.org/abs/2107.06499). One word changed in the midst of twenty leaves 0.86, in ten 0.73."""
MOST_COMPARED = 10_000_000
"""Pairs that are compared at most, about a minute on a slow core [design]. A hundred thousand sentences need 130,000;
more are needed where everybody is like everybody, as in the lines of a log."""

_BLOCK = 250_000  # pairs compared at a time


@dataclass(frozen=True)
class NearCopies:
    """Pairs of texts that are nearly the same, most alike first.

    Shapes:
        rows: `(P, 2)`, the first of a pair before the second; similarity: `(P,)`.

    Arguments:
        threshold: the similarity from which a pair is listed.
        complete: whether these are all of them; False where too many pairs would have had to be compared.
    """

    rows: Int64[np.ndarray, "P 2"]
    similarity: Float64[np.ndarray, " P"]
    threshold: float
    complete: bool = True

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def texts(self) -> int:
        """How many texts have a near-duplicate."""
        return len(np.unique(self.rows))


def near_copies(texts: Sequence[str], threshold: float = NEAR, *, most: int = MOST_COMPARED) -> NearCopies:
    """All pairs of texts whose Jaccard similarity reaches the threshold, exact copies aside.

        similarity(x, y) = |S(x) & S(y)| / |S(x) | S(y)|,   S: the words of a text, and its pairs of neighbouring words

    Words are in small letters, without punctuation; of scripts without blanks between words, every letter is one. A
    set that is to share so much with another shares one of its n - ceil(threshold n) + 1 rarest members with it, so
    that only texts with such a member in common are compared: the answer is exact.

    Arguments:
        texts: of each the first 10,000 characters count. Of exact copies the first stands for all; a text without words
            is like none.
        threshold: in (0, 1].
        most: pairs that are compared at most; members that too many texts share are passed over beyond.

    Errors:
        ArgumentError: a threshold outside of (0, 1].

    Closed form: texts that differ in case and punctuation alone have 1; without a word in common 0.
    Paper: Chaudhuri, Ganti and Kaushik, ICDE 2006 (prefix filtering); Bayardo, Ma and Srikant, WWW 2007.
    """
    if not 0 < threshold <= 1:
        raise ArgumentError(f"near_duplicates must be a similarity above 0 and up to 1, got {threshold}.")
    own = list({text.strip(): row for row, text in reversed(list(enumerate(texts)))}.values())  # the first of copies
    members, ends = _sets([texts[row] for row in own])  # (E,), (n + 1,)
    compared, complete = _candidates(members, ends, threshold, most)
    pairs, similarity = _compare(compared, members, ends, threshold)
    found = np.sort(np.asarray(own, np.int64)[pairs], axis=1)  # (P, 2)
    order = np.lexsort((found[:, 1], found[:, 0], -similarity))
    return NearCopies(found[order], similarity[order], threshold, complete)


def _sets(texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """The members of each text's set, rarest first, as numbers by rarity `(E,)`, and where each text's end."""
    numbers: defaultdict[str, int] = defaultdict()
    numbers.default_factory = numbers.__len__
    words = [[numbers[word] for word in words_of(text[:LOOKED_AT])] for text in texts]
    lengths = np.fromiter(map(len, words), np.int64, len(words))  # (n,)
    flat = np.fromiter((word for row in words for word in row), np.int64, int(lengths.sum()))  # (W,)
    row = np.repeat(np.arange(len(words)), lengths)  # (W,)
    inside = row[1:] == row[:-1]  # (W - 1,), where a pair of words begins
    pairs = len(numbers) * (1 + flat[:-1][inside]) + flat[1:][inside]
    codes = np.concatenate([flat, pairs])
    rows = np.concatenate([row, row[:-1][inside]])
    _, codes = np.unique(codes, return_inverse=True)
    kinds = int(codes.max(initial=0)) + 1
    entries = np.unique(rows * kinds + codes.reshape(-1))  # (E,), each member of a set once
    counts = np.bincount(entries % kinds, minlength=kinds)
    rarity = np.empty_like(counts)
    rarity[np.argsort(counts, kind="stable")] = np.arange(kinds)
    entries = np.sort(entries - entries % kinds + rarity[entries % kinds])
    return entries % kinds, np.searchsorted(entries // kinds, np.arange(len(words) + 1))


def _candidates(members: np.ndarray, ends: np.ndarray, threshold: float, most: int) -> tuple[np.ndarray, bool]:
    """Pairs `(Q, 2)` of texts, of similar sizes, that share one of their rarest members, and whether it is all."""
    sizes = np.diff(ends)  # (n,)
    few = sizes - np.ceil(threshold * sizes - 1e-9).astype(np.int64) + 1  # (n,)
    row = np.repeat(np.arange(len(sizes)), sizes)  # (E,)
    rare = np.arange(len(members)) - ends[row] < few[row]
    member, row = members[rare], row[rare]  # (R,)
    order = np.lexsort((row, sizes[row], member))  # shorter texts first within those of a member
    member, row = member[order], row[order]
    _, group, counts = np.unique(member, return_inverse=True, return_counts=True)
    fits = np.cumsum(counts * (counts - 1) // 2) <= most  # (G,), rarest members first
    kept = fits[group.reshape(-1)]
    member, row = member[kept], row[kept]
    found = []
    first, step = np.arange(len(row)), 1
    while len(first):  # all pairs of the texts of a member, by how far they stand apart in its list
        first = first[first + step < len(row)]
        first = first[member[first] == member[first + step]]
        first = first[sizes[row[first]] >= threshold * sizes[row[first + step]] - 1e-9]  # all later ones are longer
        found.append(np.minimum(row[first], row[first + step]) * len(sizes) + np.maximum(row[first], row[first + step]))
        step += 1
    keys = np.unique(np.concatenate(found)) if found else np.zeros(0, np.int64)  # (Q,)
    return np.stack([keys // max(len(sizes), 1), keys % max(len(sizes), 1)], axis=1), bool(fits.all())


def _compare(
    pairs: np.ndarray, members: np.ndarray, ends: np.ndarray, threshold: float
) -> tuple[np.ndarray, np.ndarray]:
    """Those of the pairs that are similar enough, `(P, 2)`, and how similar they are."""
    from scipy.sparse import csr_matrix

    shape = (len(ends) - 1, int(members.max(initial=0)) + 1)
    sets = csr_matrix((np.ones(len(members), np.int32), members, ends), shape=shape)
    sizes = np.diff(ends)
    similarity = np.empty(len(pairs))
    for start in range(0, len(pairs), _BLOCK):
        one, other = pairs[start : start + _BLOCK].T  # (b,)
        shared = np.asarray(sets[one].multiply(sets[other]).sum(axis=1)).reshape(-1)  # (b,)
        similarity[start : start + _BLOCK] = shared / (sizes[one] + sizes[other] - shared)
    near = similarity >= threshold - 1e-9
    return pairs[near], similarity[near]
