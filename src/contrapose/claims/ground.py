"""The ground of a claim: what to pretrain on, what probes learn from, what to choose on, what to report on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from contrapose.claims.places import CIFAR10
from contrapose.claims.protocol import Protocol
from contrapose.data import Images, open_data
from contrapose.data.files.names import expanded
from contrapose.errors import ArgumentError, DataError


@dataclass(frozen=True)
class Ground:
    """The data of one seed.

    Arguments:
        pretraining: name -> samples that an arm may learn from. Methods that use no labels never see theirs.
        labelled: what kNN and probes learn from.
        validation: what is chosen on. Disjoint from all others.
        test: what is reported on; nothing is chosen on it.
    """

    pretraining: Mapping[str, Images]
    labelled: Images
    validation: Images
    test: Images


# (where the data lie, protocol, seed) -> ground
MakeGround = Callable[[str, Protocol, int], Ground]


def cifar10(source: str, protocol: Protocol, seed: int) -> Ground:
    """The first pictures of CIFAR-10's training part to learn from, the next to choose on, its test part to report on.

    The same for all seeds, so that seeds differ in weights, batches and views only. The labelled samples are the
    pretraining samples with their labels (or the first of them).

    Errors:
        ArgumentError: a protocol that asks for more pictures than there are.
        DataError: the pictures are not there.
    """
    train, test = open_parts(source)
    wanted = max(protocol.images, protocol.labelled) + protocol.validation
    if wanted > len(train) or protocol.test > len(test):
        raise ArgumentError(
            f"The protocol asks for {wanted:,} training and {protocol.test:,} test pictures; {source} has "
            f"{len(train):,} and {len(test):,}."
        )
    return Ground(
        pretraining={"pretraining": train.subset(np.arange(protocol.images))},
        labelled=train.subset(np.arange(protocol.labelled)),
        validation=train.subset(np.arange(wanted - protocol.validation, wanted)),
        test=test.subset(np.arange(protocol.test)),
    )


def open_parts(source: str) -> tuple[Images, Images]:
    """The training and the test part of `hub:OWNER/NAME`, or of a folder with `train` and `test` in it.

    Errors:
        DataError: no such folder, or no `train` and `test` (files or sub-folders) in it.
    """
    if source.startswith("hub:"):
        train = _labelled(open_data(f"{source}:train"))
        return train, _labelled(open_data(f"{source}:test", preparation=train.preparation))
    folder = expanded(source)
    found: list[Images] = []
    for part in ("train", "test"):
        places = sorted(folder.glob(f"{part}.*")) if folder.is_dir() else []
        place = folder / part if (folder / part).is_dir() else next(iter(places), None)
        if place is None:
            raise DataError(
                f"{source} holds no {part} part. Give --data a folder with train.parquet and test.parquet (or sub-"
                f"folders train/ and test/ of class folders), or hub:OWNER/NAME; CIFAR-10 is {CIFAR10}."
            )
        found.append(_labelled(open_data(str(place), preparation=found[0].preparation if found else None)))
    return found[0], found[1]


def _labelled(images: Images) -> Images:
    if images.labels is None:
        raise DataError(f"{images.origin} has no labels, and a claim is measured with them.")
    return images
