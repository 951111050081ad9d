"""Scored pairs (semantic textual similarity): does the cosine of two sides order pairs as people do?"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from contrapose.data import derived_generator
from contrapose.data.samples import evenly_spaced
from contrapose.data.tables.pairs import ScoredPairs, read_pairs
from contrapose.errors import ArgumentError, DataError
from contrapose.evaluation import Metric, similarity_scores
from contrapose.tasks.given import Given
from contrapose.tasks.setting import Identity, Setting
from contrapose.tasks.task import INTERVALS, Embed, Measurement, Metrics, Task
from contrapose.words import counted

MEAN = "Spearman, mean"
FEWEST = 3
"""Pairs that have an order worth a correlation."""


class _ScoredPairs(Measurement):
    """Cosines of pairs against their scores, all of them and by subset."""

    named = False  # opened as the encoder's kind, the table would be one side of the pairs

    def __init__(self, given: Given) -> None:
        if given.test_data is not None:
            raise ArgumentError(
                "Nothing is learned from scored pairs, so --test-data has no place: give them with --data."
            )
        pairs = _pairs_of(given)
        pairs = pairs.subset(evenly_spaced(len(pairs.scores), given.limit))
        self.pairs, self.seed, self.full = pairs, given.seed, given.full
        if len(pairs.scores) < FEWEST:
            raise DataError(f"{pairs.origin} has {counted(len(pairs.scores), 'scored pair')}: give {FEWEST} or more.")
        if (pairs.scores == pairs.scores[0]).all():
            raise DataError(
                f"All {len(pairs.scores):,} scores of {pairs.origin} are {pairs.scores[0]:g}: there is no order to "
                "compare with. Name another column with --number-column."
            )
        self.known = given.bring([*_named(pairs.first, given), *_named(pairs.second, given)])  # 2N: first, then second
        if len(self.known) != 2 * len(pairs.scores):
            lost = self.known.skipped[0]
            raise DataError(
                f"{counted(len(self.known.skipped), 'side')} of pairs of {pairs.origin} cannot be read (first: "
                f"{lost.path}, {lost.reason}). Take these pairs out."
            )
        self.noun = self.known.noun
        self.data = f"{pairs.origin}, {counted(len(pairs.scores), 'scored pair')}"
        self.setting = Setting("scored pairs", {"seed": given.seed}, Identity.of(self.known, pairs.scores))
        self._left_out: dict[str, None] = {}  # a set that keeps the order

    def __call__(self, embed: Embed) -> tuple[Metrics, np.ndarray]:
        rows = embed(self.known)  # (2N, D)
        everything = np.arange(len(self.pairs.scores))  # (N,)
        whole = "" if self.pairs.subsets is None else ", all"
        pooled = ("Spearman", "Pearson") if self.pairs.pooled else ()
        metrics = {f"{name}{whole}": self._metric(rows, everything, f"{name}{whole}") for name in pooled}
        return {**metrics, **self._of_subsets(rows)}, rows

    def _of_subsets(self, rows: np.ndarray) -> Metrics:
        """What was found of each subset, all its pairs ranked together, and the mean of these."""
        found: Metrics = {}
        subsets = [] if self.pairs.subsets is None else list(dict.fromkeys(self.pairs.subsets.tolist()))
        for subset in subsets:
            of_it = np.flatnonzero(self.pairs.subsets == subset)  # (n,)
            for name in ("Spearman", "Pearson") if self.full else ("Spearman",):
                try:
                    found[f"{name}, {subset}"] = self._metric(rows, of_it, f"{name}, {subset}")
                except ArgumentError as error:  # too few pairs, or of one score
                    self._left_out[f"{subset} is not measured by itself: {str(error).rstrip('.')}"] = None
        measured = [found[name] for subset in subsets if (name := f"Spearman, {subset}") in found]
        return {MEAN: _mean(measured), **found} if len(measured) > 1 else found

    def _metric(self, rows: np.ndarray, of: np.ndarray, name: str) -> Metric:
        count = len(self.pairs.scores)
        found = similarity_scores(
            rows[:count][of],
            rows[count:][of],
            self.pairs.scores[of],
            correlation="spearman" if name.startswith("Spearman") else "pearson",
            generator=derived_generator(self.seed, INTERVALS),
        )
        return replace(found, name=name)

    @property
    def notes(self) -> tuple[str, ...]:
        fitted = ("word counts are TF-IDF, fitted to the texts of these pairs",) if self.noun == "text" else ()
        return (*self.pairs.notes, *fitted, *self._left_out)


class _ScoredPairsTask(Task):
    name = "scored-pairs"
    needs = (
        "a table with two columns of texts, or of paths of pictures (sentence1 and sentence2, text_a and text_b, ..., "
        "or --pair-columns A B), and a score (score, or --number-column NAME), or a folder of such tables"
    )

    uses = ("pair_columns", "number_column")
    modalities = ("text", "image")

    def fits(self, given: Given) -> bool:
        return not given.targets.label and self.possible(given)

    def possible(self, given: Given) -> bool:
        return self.takes(given) and (given.pairs is not None or given.pair_sets is not None)

    def prepare(self, given: Given) -> Measurement:
        return _ScoredPairs(given)


def _pairs_of(given: Given) -> ScoredPairs:
    """The pairs of a table, or of all tables of a folder."""
    if given.pair_sets is not None:
        return given.pair_sets
    assert given.table is not None, "the task is possible"
    assert given.pairs is not None, "the task is possible"
    return read_pairs(given.table, given.pairs)


def _mean(of: Sequence[Metric]) -> Metric:
    """The mean over subsets, each counting alike; its interval resamples the pairs of each."""
    value = float(np.mean([metric.value for metric in of]))
    drawn = np.mean(np.stack([one.draws for one in of if one.draws is not None]), axis=0)  # (draws,)
    low, high = np.nanquantile(drawn, [0.025, 0.975]).tolist()
    protocol = f"mean of {len(of)} Spearman correlations, each of all pairs of a subset, interval over pairs"
    return Metric(MEAN, value, min(low, value), max(high, value), protocol, sum(one.count for one in of), draws=drawn)


def _named(side: Sequence[str], given: Given) -> list[str]:
    """The cells of a side; paths of pictures are relative to the folder of their table."""
    if given.modality.name != "image" or not isinstance(given.data, str | os.PathLike):
        return list(side)
    folder = Path(given.data).expanduser().parent
    return [str(folder / cell) for cell in side]


SCORED_PAIRS = _ScoredPairsTask()
