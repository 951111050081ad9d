"""Paraphrases beside contradictions: is what means the same nearer than what looks the same and means the opposite?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from contrapose.data import derived_generator
from contrapose.data.samples import evenly_spaced
from contrapose.data.tables.triples import (
    CalledColumns,
    CalledPairs,
    TripleColumns,
    read_called_pairs,
    read_triples,
    triple_columns,
)
from contrapose.errors import DataError
from contrapose.evaluation import Metric, nearer
from contrapose.tasks.given import Given
from contrapose.tasks.setting import Identity, Setting
from contrapose.tasks.task import INTERVALS, Embed, Measurement, Metrics, Task
from contrapose.views.texts.surface import surface_similarity
from contrapose.words import counted

NEARER, THAN_RANDOM = "paraphrase nearer", "paraphrase nearer than random"
MOST = 4_000
"""Pairs of either kind that are compared with each other, evenly spaced over all [design]: 16 million comparisons."""


class _Triples(Measurement):
    """Triples, and with them perhaps what has nothing to do with the anchor."""

    named = False

    def __init__(self, given: Given, columns: TripleColumns) -> None:
        assert given.table is not None, "the task is possible"
        sides, self.left_out = read_triples(given.table, columns)
        rows = evenly_spaced(len(sides["anchor"]), given.limit)  # (n,)
        if len(rows) < 2:
            raise DataError(f"{given.table.origin} has {counted(len(rows), 'triple')}: give 2 or more.")
        self.sides = {side: [texts[row] for row in rows] for side, texts in sides.items()}
        self.seed, self.count, self.columns = given.seed, len(rows), columns
        self.known = given.bring([text for side in self.sides.values() for text in side])
        self.noun = self.known.noun
        self.data = f"{given.table.origin}, {counted(self.count, 'triple')}"
        self.setting = Setting("triples", {"seed": given.seed}, Identity.of(self.known, np.arange(len(self.known))))

    def __call__(self, embed: Embed) -> tuple[Metrics, np.ndarray]:
        rows = embed(self.known)  # (3n or 4n, D)
        of = dict(zip(self.sides, np.split(rows, len(self.sides)), strict=True))  # (n, D) each
        far = {NEARER: "opposite", **({THAN_RANDOM: "other"} if "other" in of else {})}
        return {
            name: nearer(
                of["anchor"],
                of["same"],
                of[side],
                name=name,
                generator=derived_generator(self.seed, INTERVALS),
            )
            for name, side in far.items()
        }, rows

    @property
    def notes(self) -> tuple[str, ...]:
        named = self.columns
        told = f"anchors from {named.anchor!r}, paraphrases from {named.same!r}, contradictions from {named.opposite!r}"
        return (told, *((f"{counted(self.left_out, 'row')} without a side left out",) if self.left_out else ()))


class _CalledPairs(Measurement):
    """Pairs that mean the same against pairs that contradict each other and look more alike."""

    named = False

    def __init__(self, given: Given, pairs: CalledPairs) -> None:
        assert given.table is not None, "the task is possible"
        most = MOST if given.limit is None else given.limit
        same, opposite = ([of[row] for row in evenly_spaced(len(of), most)] for of in (pairs.same, pairs.opposite))
        looks = [_looks(of) for of in (same, opposite)]  # (P,), (Q,)
        misled = looks[0][:, None] < looks[1]  # (P, Q), in which looks alone would be wrong
        kept = np.flatnonzero(misled.any(axis=1))  # (p,)
        if len(kept) < 2:
            raise DataError(
                f"In {given.table.origin} no contradiction looks more alike than two pairs that mean the same: looks "
                "mislead nobody there, and there is nothing to ask."
            )
        self.misled, self.left_out, self.seed = misled[kept], pairs.left_out, given.seed
        same = [same[row] for row in kept]
        self.counts = (len(same), len(opposite))
        self.known = given.bring([text for of in (same, opposite) for side in zip(*of, strict=True) for text in side])
        self.noun = self.known.noun
        self.data = (
            f"{given.table.origin}, {counted(len(same), 'paraphrase')} and {counted(len(opposite), 'contradiction')}"
        )
        self.setting = Setting(
            "called pairs", {"seed": given.seed}, Identity.of(self.known, np.arange(len(self.known)))
        )

    def __call__(self, embed: Embed) -> tuple[Metrics, np.ndarray]:
        rows = embed(self.known)  # (2p + 2Q, D)
        paraphrases, contradictions = self.counts
        unit = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
        a, b, c, d = np.split(unit.astype(np.float64), np.cumsum([paraphrases, paraphrases, contradictions]))
        same, opposite = (a * b).sum(axis=1), (c * d).sum(axis=1)  # (p,), (Q,)
        apart = np.round(same[:, None] - opposite, 6)  # (p, Q), rounding decides nothing
        right = ((apart > 0) + 0.5 * (apart == 0)) * self.misled  # (p, Q)
        metric = Metric.from_items(
            NEARER,
            right.sum(axis=1) / self.misled.sum(axis=1),  # (p,)
            protocol=f"of {contradictions:,} contradictions those that look more alike than a paraphrase, the share "
            "that is less near by cosine, mean over paraphrases; looks alone have 0 %, chance 50 %",
            generator=derived_generator(self.seed, INTERVALS),
        )
        return {NEARER: metric}, rows

    @property
    def notes(self) -> tuple[str, ...]:
        told = f"{self.left_out:,} pairs that are called neither left out"
        return (told, "looks are words in common, length and order of words (surface similarity)")


class _Paraphrases(Task):
    name = "paraphrases"
    needs = (
        "a table of triples (anchor, paraphrase or positive, contradiction or negative), or of pairs (sentence1 and "
        "sentence2, ...) that a column calls entailment or contradiction"
    )
    modalities = ("text",)

    def fits(self, given: Given) -> bool:
        return not given.targets.asked and self.takes(given) and isinstance(_columns(given), TripleColumns)

    def possible(self, given: Given) -> bool:
        return self.takes(given) and _columns(given) is not None

    def prepare(self, given: Given) -> Measurement:
        columns = _columns(given)
        assert given.table is not None, "the task is possible"
        assert columns is not None, "the task is possible"
        if isinstance(columns, TripleColumns):
            return _Triples(given, columns)
        return _CalledPairs(given, read_called_pairs(given.table, columns))


def _columns(given: Given) -> TripleColumns | CalledColumns | None:
    return None if given.table is None or given.test_data is not None else triple_columns(given.table.kinds)


def _looks(pairs: Sequence[tuple[str, str]]) -> np.ndarray:
    first, second = zip(*pairs, strict=True)
    return surface_similarity(first, second)  # (P,)


PARAPHRASES = _Paraphrases()
