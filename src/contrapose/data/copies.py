"""Exact copies: pictures that look the same to an encoder, whatever their files are called."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from contrapose.data.images import Images
from contrapose.data.splits import Split, split

BLOCK = 1024  # pictures looked at a time


def pixel_blocks(images: Images) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Row numbers and pixels, `(b,)` and `(b, C, H, W)`, block by block: a memory map is never read whole."""
    for start in range(0, len(images), BLOCK):
        rows = np.arange(start, min(start + BLOCK, len(images)))  # (b,)
        yield rows, images.batch(rows).numpy()


def picture_hashes(images: Images) -> list[bytes]:
    """SHA-256 of the pixels of each picture, at working resolution."""
    return [hash_of(picture) for _, pixels in pixel_blocks(images) for picture in pixels]


def hash_of(picture: np.ndarray) -> bytes:
    """SHA-256 of the pixels of one picture."""
    return hashlib.sha256(np.ascontiguousarray(picture).data).digest()


@dataclass(frozen=True)
class Parts:
    """Labelled pictures cut in two.

    Arguments:
        bank, test: to learn from, and to be tested on.
        copies: pictures that are copies of another one: all copies of a picture are in one part.
        untested: numbers of the classes that have one picture only, not counting its copies: it is in the bank.
    """

    bank: Images
    test: Images
    copies: int
    untested: Sequence[int]


def split_images(images: Images, *, seed: int) -> Parts:
    """`split` of labelled pictures that keeps exact copies together: none is both learned from and asked.

    Arguments:
        images: with labels.
        seed: as in `split`.

    Errors:
        ArgumentError: nothing is left to test on.
    """
    assert images.labels is not None, "the caller has checked"
    hashes = picture_hashes(images)
    numbers = {digest: number for number, digest in enumerate(dict.fromkeys(hashes))}
    found: Split = split(images.labels, seed=seed, groups=[numbers[digest] for digest in hashes])
    tested = set(images.labels[found.test].tolist())
    return Parts(
        images.subset(found.train),
        images.subset(found.test),
        copies=len(hashes) - len(numbers),
        untested=[number for number in np.unique(images.labels).tolist() if number not in tested],
    )


def copies_within(images: Images) -> int:
    """How many pictures have an exact copy among the others."""
    return sum(count for count in Counter(picture_hashes(images)).values() if count > 1)


def copies_in(images: Images, bank: Images) -> list[tuple[int, int]]:
    """Pictures of `images` that are in `bank` too: their rows, each with the first row of the bank that is the same."""
    if images.store.shape[1:] != bank.store.shape[1:]:
        return []
    known: dict[bytes, int] = {}
    for row, digest in enumerate(picture_hashes(bank)):
        known.setdefault(digest, row)
    return [(row, known[digest]) for row, digest in enumerate(picture_hashes(images)) if digest in known]
