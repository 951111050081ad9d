"""The ground of a claim: what to pretrain on, what probes learn from, what to choose on, what to report on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from contrapose.claims.parts import open_parts
from contrapose.claims.protocol import Protocol
from contrapose.data import Samples
from contrapose.data.samples import LABEL
from contrapose.errors import ArgumentError
from contrapose.modalities import Modality, modality_of

VALIDATION, TEST = "validation", "test"


@dataclass(frozen=True)
class Ground:
    """The data of one seed: samples of one kind, which is the kind of data of the claim's methods and floor.

    Arguments:
        pretraining: name -> samples that an arm may learn from. Methods that use no targets never see theirs.
        labelled: what kNN and probes learn from, and what the floor is fitted to unless something else is.
        validation: what is chosen on. Disjoint from all others.
        test: what is reported on; nothing is chosen on it.
        questions: "validation", "test" -> what a task of `evaluate` asks in the place of that part's samples: a table
            of scored pairs.
        floor_from: what the floor is fitted to; None: what is labelled.
        further: samples that a measure asks about besides, by name: of another domain, of a class held out.

    Errors:
        ArgumentError: samples of several kinds.
    """

    pretraining: Mapping[str, Samples]
    labelled: Samples
    validation: Samples
    test: Samples
    questions: Mapping[str, Any] = field(default_factory=dict, kw_only=True)
    floor_from: Samples | None = field(default=None, kw_only=True)
    further: Mapping[str, Samples] = field(default_factory=dict, kw_only=True)

    def __post_init__(self) -> None:
        parts = {**self.pretraining, "labelled": self.labelled, VALIDATION: self.validation, TEST: self.test}
        kinds = {name: modality_of(samples).plural for name, samples in parts.items()}
        if len(set(kinds.values())) > 1:
            listed = ", ".join(f"{name} {kind}" for name, kind in kinds.items())
            raise ArgumentError(f"A ground holds samples of one kind, and this one has {listed}: open all alike.")

    @property
    def modality(self) -> Modality:
        """The kind of its samples."""
        return modality_of(self.labelled)


# (where the data lie, protocol, seed) -> ground
MakeGround = Callable[[str, Protocol, int], Ground]


def cifar10(source: str, protocol: Protocol, seed: int) -> Ground:
    """The first pictures of CIFAR-10's training part to learn from, the next to choose on, its test part to report on.

    Errors:
        ArgumentError, DataError: as `in_order` and `open_parts`.
    """
    return in_order(*open_parts(source), protocol)


def ground_on(kind: str, *, target: str = LABEL, **reading: Any) -> MakeGround:
    """A maker of grounds from whatever `--data` names, as CIFAR-10 is one: see `open_parts` and `in_order`.

    >>> ground=ground_on("rows", target="number", number_column="y")          # doctest: +SKIP
    """

    def make(source: str, protocol: Protocol, seed: int) -> Ground:
        return in_order(*open_parts(source, kind, target=target, **reading), protocol)

    return make


def in_order(train: Samples, test: Samples, protocol: Protocol) -> Ground:
    """The first of the training part to learn from, the next to choose on, the first of the test part to report on.

    The same for all seeds, so that seeds differ in weights, batches and views only. The labelled samples are the
    pretraining samples with their targets (or the first of them).

    Errors:
        ArgumentError: a protocol that asks for more samples than there are.
    """
    wanted = max(protocol.images, protocol.labelled) + protocol.validation
    check_enough(protocol, wanted, train, test)
    return Ground(
        pretraining={"pretraining": train.subset(np.arange(protocol.images))},
        labelled=train.subset(np.arange(protocol.labelled)),
        validation=train.subset(np.arange(wanted - protocol.validation, wanted)),
        test=test.subset(np.arange(protocol.test)),
    )


def check_enough(protocol: Protocol, wanted: int, train: Samples, test: Samples) -> None:
    """Pass a training part of so many samples, and a test part as the protocol wants it.

    Errors:
        ArgumentError: there are fewer.
    """
    if wanted > len(train) or protocol.test > len(test):
        raise ArgumentError(
            f"The protocol asks for {wanted:,} training and {protocol.test:,} test {modality_of(train).plural}; "
            f"{train.origin} has {len(train):,} and {test.origin} {len(test):,}."
        )
