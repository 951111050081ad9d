"""Exact copies: samples that look the same to an encoder, whatever they are called."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np

from contrapose.data.samples import Samples
from contrapose.data.splits import Split, split


def sample_hashes(samples: Samples) -> list[bytes]:
    """SHA-256 of what each sample holds (of pictures: the pixels at working resolution)."""
    return [hashlib.sha256(content).digest() for content in samples.contents()]


def copy_groups(samples: Samples) -> list[int]:
    """A number for each sample, the same for exact copies."""
    hashes = sample_hashes(samples)
    numbers = {digest: number for number, digest in enumerate(dict.fromkeys(hashes))}
    return [numbers[digest] for digest in hashes]


S = TypeVar("S", bound=Samples)


@dataclass(frozen=True)
class Parts(Generic[S]):
    """Labelled samples cut in two.

    Arguments:
        bank, test: to learn from, and to be tested on.
        copies: samples that are copies of another one: all copies of a sample are in one part.
        untested: numbers of the classes that have one sample only, not counting its copies: it is in the bank.
    """

    bank: S
    test: S
    copies: int
    untested: Sequence[int]


def split_samples(samples: S, *, seed: int) -> Parts[S]:
    """`split` of labelled samples that keeps exact copies together: none is both learned from and asked.

    Arguments:
        samples: with labels.
        seed: as in `split`.

    Errors:
        ArgumentError: nothing is left to test on.
    """
    assert samples.labels is not None, "the caller has checked"
    groups = copy_groups(samples)
    found: Split = split(samples.labels, seed=seed, groups=groups)
    tested = set(samples.labels[found.test].tolist())
    return Parts(
        samples.subset(found.train),
        samples.subset(found.test),
        copies=len(groups) - len(set(groups)),
        untested=[number for number in np.unique(samples.labels).tolist() if number not in tested],
    )


def copies_within(samples: Samples) -> int:
    """How many samples have an exact copy among the others."""
    return sum(count for count in Counter(sample_hashes(samples)).values() if count > 1)


def copies_in(samples: Samples, bank: Samples) -> list[tuple[int, int]]:
    """Rows of `samples` that are in `bank` too, each with the first row of the bank that is the same."""
    if (samples.modality, samples.shape) != (bank.modality, bank.shape):
        return []
    known: dict[bytes, int] = {}
    for row, digest in enumerate(sample_hashes(bank)):
        known.setdefault(digest, row)
    return [(row, known[digest]) for row, digest in enumerate(sample_hashes(samples)) if digest in known]
