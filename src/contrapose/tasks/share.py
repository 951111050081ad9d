"""The share of the samples that a floor is measured on: features without a network are wide, and many are large."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from contrapose.data import Samples, derived_generator
from contrapose.tasks.parts import Parts
from contrapose.tasks.task import Embed, Measurement, Metrics

NUMBERS = 32_000_000
"""Numbers of a floor's features at most, 128 MB in float32: 10,416 colour pictures of 32 pixels [design]."""

FEWEST = 1000
"""Samples that a floor is measured on at least, however wide they are."""

_DRAWN = 7  # names the random stream of the samples that are drawn


@dataclass(frozen=True)
class Share:
    """A measurement, and the same on some of its samples, drawn class by class.

    Arguments:
        whole, part: both measurements.
        parts, some: what each learns from and asks.
        known, asked: rows of the first's parts that are the second's.
    """

    whole: Measurement
    part: Measurement
    parts: Parts
    some: Parts
    known: np.ndarray
    asked: np.ndarray

    def with_both(self, embed: Embed) -> tuple[tuple[Metrics, np.ndarray], Metrics]:
        """What an arm scores on everything, and on the share, from the same embeddings."""
        kept: dict[int, np.ndarray] = {}

        def remembered(samples: Samples) -> np.ndarray:
            kept[id(samples)] = embed(samples)
            return kept[id(samples)]

        def chosen(samples: Samples) -> np.ndarray:
            if samples is self.some.bank:
                return kept[id(self.parts.bank)][self.known]
            return kept[id(self.parts.test)][self.asked]

        return self.whole(remembered), self.part(chosen)[0]

    def note(self, floor: str, noun: str, trained: Metrics) -> str:
        """What a reader of the floor must know."""
        parts = ", ".join(f"{name} {metric}" for name, metric in trained.items())
        return (
            f"{floor} learned from {len(self.known):,} of {len(self.parts.bank):,} {noun}s and were asked for "
            f"{len(self.asked):,} of {len(self.parts.test):,}, drawn class by class. Training is judged against them "
            f"by what the trained encoder scores on the same ones: {parts}"
        )

    def to_dict(self, trained: Metrics) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "known": len(self.known),
            "known_of": len(self.parts.bank),
            "asked": len(self.asked),
            "asked_of": len(self.parts.test),
            "trained": {name: metric.to_dict() for name, metric in trained.items()},
        }


def share_of(
    whole: Measurement, parts: Parts, on: Callable[[Parts], Measurement], floor: Callable[[Samples], Embed], seed: int
) -> Share | None:
    """The share that the floor of `whole` is measured on; None where it takes all.

    Arguments:
        parts: what `whole` learns from and asks.
        on: makes the same measurement of other parts.
        floor: makes the floor of samples that are known.
        seed: draws the share.
    """
    of = len(parts.bank), len(parts.test)
    if sum(of) <= FEWEST:
        return None
    few = parts.bank.subset(np.arange(min(len(parts.bank), FEWEST)))
    width = int(np.prod(floor(few)(few.subset([0])).shape[1:]))
    share = max(FEWEST, NUMBERS // width) / sum(of)
    if share >= 1:
        return None
    classes = parts.known.dtype.kind in "US"
    known = drawn(parts.known if classes else np.zeros(of[0]), share, seed)
    asked = drawn(parts.wanted if classes else np.zeros(of[1]), share, seed)
    some = Parts(
        parts.bank.subset(known),
        parts.test.subset(asked),
        parts.known[known],
        parts.wanted[asked],
        parts.origin,
        (),
        parts.leaked,
    )
    return Share(whole, on(some), parts, some, known, asked)


def drawn(classes: np.ndarray, share: float, seed: int) -> np.ndarray:
    """Rows of so large a share of each class, ascending; of every class one at least."""
    rows = []
    for number, name in enumerate(np.unique(classes)):
        members = np.flatnonzero(classes == name)  # (n,)
        order = torch.randperm(len(members), generator=derived_generator(seed, _DRAWN, number)).numpy()
        rows.append(members[order[: max(1, round(share * len(members)))]])
    return np.sort(np.concatenate(rows))
