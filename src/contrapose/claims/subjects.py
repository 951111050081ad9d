"""A ground of sequences by who moves in them: some people are learned from, one is chosen on, the others are asked."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from contrapose.claims.ground import Ground
from contrapose.claims.protocol import Protocol
from contrapose.data import Samples
from contrapose.data.samples import LABEL, evenly_spaced
from contrapose.errors import DataError
from contrapose.modalities import MODALITIES

KIND, SUBJECT = "frames", "subject"
NTU = (1, 2, 4, 5, 8, 9, 13, 14, 15, 16, 17, 18, 19, 25, 27, 28, 31, 34, 35, 38)
"""Who is learned from in the usual split of NTU RGB+D 60 by subject; of other skeletons, those with odd numbers."""
NTU_JOINTS = 25


def by_subject(source: str, protocol: Protocol, seed: int) -> Ground:
    """Sequences of the people learned from but the last, those of the last of them to choose on, and of all others to
    report on; the same for all seeds. Where there are fewer than the protocol names, all are taken.

    Arguments:
        source: a file of sequences with a class and the number of a subject for each (arrays `action` and `subject`).

    Errors:
        DataError: no subjects or no classes, or too few people for three parts.
    """
    samples: Any = MODALITIES[KIND].open(source)
    for name in (SUBJECT, LABEL):
        if name not in samples.targets:
            raise DataError(
                f"{source} has no {name}s, and this claim is about people who were not learned from: give --data a "
                "file of sequences with arrays action and subject, an entry for each."
            )
    subjects = np.asarray(samples.targets[SUBJECT])  # (N,)
    chosen = NTU if samples.joints == NTU_JOINTS else range(1, int(subjects.max()) + 1, 2)
    people = np.intersect1d(subjects, chosen)
    others = np.setdiff1d(subjects, people)
    if len(people) < 2 or not len(others):
        raise DataError(
            f"{source} has the subjects {', '.join(f'{number:g}' for number in np.unique(subjects))}: two with odd "
            "numbers are needed, to learn from and to choose on, and one with an even number to report on."
        )

    def part(wanted: Iterable[float], most: int) -> Samples:
        rows = np.flatnonzero(np.isin(subjects, list(wanted)))
        found: Samples = samples.subset(rows[evenly_spaced(len(rows), min(most, len(rows)))])
        return found

    return Ground(
        {"pretraining": part(people[:-1], protocol.images)},
        labelled=part(people[:-1], protocol.labelled),
        validation=part(people[-1:], protocol.validation),
        test=part(others, protocol.test),
    )
