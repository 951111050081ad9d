"""Grounds of pictures that are made: as many as a protocol asks for, and nothing to be fetched."""

from __future__ import annotations

from contrapose.claims.ground import Ground
from contrapose.claims.protocol import Protocol
from contrapose.data.images.made.trifeature import trifeature

LEARNED, VALIDATION, TEST = 0, 1, 2  # seeds of the parts


def trifeatures(source: str, protocol: Protocol, seed: int) -> Ground:
    """Pictures of three independent features, drawn anew for each part and the same for all seeds, so that seeds differ
    in weights, batches and views only. Whatever `--data` says plays no part."""
    train = trifeature(max(protocol.images, protocol.labelled), seed=LEARNED)
    return Ground(
        pretraining={"pretraining": train.subset(range(protocol.images))},
        labelled=train.subset(range(protocol.labelled)),
        validation=trifeature(protocol.validation, seed=VALIDATION),
        test=trifeature(protocol.test, seed=TEST),
    )
