"""Grounds made of the scanned digits that come with scikit-learn: 1,797 pictures of 8 x 8, of ten classes."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from contrapose.claims.ground import Ground, cifar10, open_parts
from contrapose.claims.protocol import Protocol
from contrapose.data import Images, Samples
from contrapose.data.images.made.scans import SIDE, scans
from contrapose.data.images.made.superposition import laid_over

TEST = 597  # of the scans, which nothing is learned from or chosen on; of the rest a sixth to choose on
VALIDATION = 200
MOST = 10_000
"""More pictures than this are not composed of so few scans."""


def digits(source: str, protocol: Protocol, seed: int) -> Ground:
    """Scans to learn from, to choose on and to report on, the same for all seeds.

    Where the protocol asks for more than there are, as on a GPU, it is the pictures of `source`: see `cifar10`.

    Errors:
        ArgumentError, DataError: as `cifar10`.
    """
    pixels, labels = scans(SIDE)
    wanted = max(protocol.images, protocol.labelled) + protocol.validation
    if wanted + protocol.test > len(pixels):
        return cifar10(source, protocol, seed)
    images = Images(pixels, labels, origin="the digits of scikit-learn")
    learned = np.arange(max(protocol.images, protocol.labelled))
    return Ground(
        pretraining={"pretraining": images.subset(learned[: protocol.images])},
        labelled=images.subset(learned[: protocol.labelled]),
        validation=images.subset(np.arange(wanted - protocol.validation, wanted)),
        test=images.subset(np.arange(len(pixels) - protocol.test, len(pixels))),
    )


def composed(source: str, protocol: Protocol, seed: int) -> Ground:
    """Background: a digit of 0 to 4 at half its strength. Target: the same with a digit of 5 to 9 laid over it.

    Both are drawn independently of each other, from scans that the parts do not share. Pretraining is half background
    (label 0), half target (1). The other parts are targets alone, labelled with both factors: see `factors`.

    Where the protocol asks for more than 10,000 pictures, pictures of `source` take the place of the digits of 0 to 4,
    under any of the ten digits, as in the paper's CIFAR-MNIST.

    Errors:
        DataError: the pictures of `source` are not there.
    """
    beneath, above = _layers(source, large=protocol.images > MOST)
    made = [
        _compose(beneath[place], above[place], count, number, background=number == 0)
        for number, (place, count) in enumerate(
            ((0, protocol.images), (0, protocol.labelled), (1, protocol.validation), (2, protocol.test))
        )
    ]
    return Ground({"pretraining": made[0]}, made[1], made[2], made[3])


def factors(samples: Samples) -> tuple[np.ndarray, np.ndarray]:
    """Of targets of `composed`: the common factor (the picture beneath) and the salient one (the digit above)."""
    assert samples.labels is not None, "grounds are labelled"
    return samples.labels // 10, samples.labels % 10


Layer = tuple[np.ndarray, np.ndarray]  # pictures (N, C, H, W), their classes (N,)


def _layers(source: str, *, large: bool) -> tuple[list[Layer], list[Layer]]:
    """What is drawn from beneath and above, of the parts to learn from, to choose on, to report on."""
    side, first = (32, 0) if large else (SIDE, 5)
    pixels, labels = scans(side)
    edges = (0, len(pixels) - TEST - VALIDATION, len(pixels) - TEST, len(pixels))
    parts = [(pixels[start:end], labels[start:end]) for start, end in pairwise(edges)]
    above = [(pictures[kinds >= first], kinds[kinds >= first]) for pictures, kinds in parts]
    if not large:
        return [(pictures[kinds < first], kinds[kinds < first]) for pictures, kinds in parts], above
    train, test = open_parts(source)
    held_out = len(train) - len(train) // 10
    some = (np.arange(held_out), np.arange(held_out, len(train)))
    chosen = (*(train.subset(rows) for rows in some), test)
    return [(images.pixels, np.asarray(images.labels)) for images in chosen], above


def _compose(beneath: Layer, above: Layer, count: int, number: int, *, background: bool) -> Images:
    """`count` pictures of part `number`, drawn with replacement."""
    random = np.random.default_rng(number)
    low, high = (random.integers(len(layer[0]), size=count) for layer in (beneath, above))  # (n,) each
    target = np.arange(count) % 2 if background else np.ones(count, dtype=np.int64)  # (n,)
    pixels = laid_over(beneath[0][low], above[0][high], target[:, None, None, None])  # (n, C, H, W)
    labels = target if background else 10 * beneath[1][low] + above[1][high]  # (n,)
    return Images(pixels, labels, origin="digits laid over each other")
