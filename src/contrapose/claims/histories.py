"""A ground of histories of items: learn from all but the last two items, choose by the last but one, ask the last."""

from __future__ import annotations

from typing import cast

import numpy as np

from contrapose.claims.ground import Ground
from contrapose.claims.measures import Subject
from contrapose.claims.parts import check_kind
from contrapose.claims.protocol import Protocol
from contrapose.data.items import Histories
from contrapose.data.samples import evenly_spaced
from contrapose.embedder import Embedder
from contrapose.errors import ArgumentError
from contrapose.modalities import MODALITIES
from contrapose.tasks import Given
from contrapose.tasks.ranking import AFTER_LAST, POPULAR, Ranking
from contrapose.tasks.task import Metrics

KIND = "items"
CORE = 5
"""Actions that every user and every item left has, by convention."""
HELD_OUT = 2
"""The last item, to report on, and the one before, to choose by."""
FLOOR = "item counts"
"""The floor of the kind of data, which here is items by what was taken together."""


def longest_histories(source: str, protocol: Protocol, seed: int) -> Ground:
    """The users with the longest histories, and of these the 5-core; the same for all seeds.

    Arms learn from beginnings of histories, each with what came next; measures ask whole histories, and how many of
    their last items nobody has learned from is settled: two.

    Arguments:
        source: a table of users, items and times, or of a list of items a user.
        protocol: `images` counts users before the core, `labelled` at most so many beginnings, evenly spaced, and
            `validation` and `test` at most so many users that are asked.

    Errors:
        ArgumentError: fewer users than the protocol asks for.
        DataError: no such table, or nobody in the core.
    """
    modality = MODALITIES[KIND]
    check_kind(source, modality, {})
    everybody = cast("Histories", modality.open(source, hold_out=0))
    if protocol.images > len(everybody):
        raise ArgumentError(
            f"The protocol asks for {protocol.images:,} {modality.plural}; {everybody.origin} has {len(everybody):,}."
        )
    longest = np.sort(np.argsort(-everybody.lengths, kind="stable")[: protocol.images])  # (U,)
    names = [[everybody.item_names[item - 1] for item in one.tolist()] for one in everybody.batch(longest)]
    whole = cast("Histories", modality.open(names, core=CORE, hold_out=0))
    whole.origin = f"{everybody.origin}, the longest {protocol.images:,}"
    beginnings = whole.holding_out(HELD_OUT).prefixes()
    return Ground(
        {"pretraining": beginnings.subset(evenly_spaced(len(beginnings), protocol.labelled))},
        labelled=whole,
        validation=whole.subset(evenly_spaced(len(whole), protocol.validation)),
        test=whole.subset(evenly_spaced(len(whole), protocol.test)),
    )


def ranked(subject: Subject) -> dict[str, float]:
    """HR and NDCG at 5, 10 and 20 of the item that came next among all items, what was taken before not left out.

    While something is chosen it is the last item but one, with nothing behind it read; else the last one. Of the floor
    it is items by the users that they share with those of the history, and beside it `popularity: ...` and
    `after the last: ...`.
    """
    ground, validation = subject.ground, subject.asked is subject.ground.validation
    known, asked = cast("Histories", ground.labelled), cast("Histories", subject.asked)
    ranking = Ranking(asked, known, held_out=HELD_OUT, last=HELD_OUT if validation else 1)
    embedder = getattr(subject.embed, "__self__", None)
    if isinstance(embedder, Embedder):
        return _values(ranking(ranking.embed_with(embedder))[0])
    beside = {
        f"{name}: {metric}": value
        for name, metrics in ranking.floors().items()
        if name in (POPULAR, AFTER_LAST)
        for metric, value in _values(metrics).items()
    }
    given = Given(asked, known, None, open=lambda samples, **_: samples, bring=ground.modality.open)
    return {**_values(ranking(ranking.floor(given))[0]), **beside}


def _values(metrics: Metrics) -> dict[str, float]:
    return {name: found.value for name, found in metrics.items()}
