"""Retrieval of pairs: does a picture find its words among all words, and do words find their picture?"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from contrapose.data import derived_generator
from contrapose.data.pairs import Pairs
from contrapose.errors import ArgumentError, DataError
from contrapose.evaluation import Metric, cross_retrieval, modality_gap
from contrapose.tasks.given import Given
from contrapose.tasks.setting import Identity, Setting
from contrapose.tasks.task import INTERVALS, Embed, Measurement, Metrics, Task
from contrapose.words import counted

BY_WORDS, BY_PICTURE = " by words", " by picture"
LEAST = 4  # pairs, of which half fit the probe of the gap


class _PairRetrieval(Measurement):
    """Captions that are the same text are one, which belongs to every picture that it was written for."""

    def __init__(self, given: Given) -> None:
        if given.test_data is not None:
            raise ArgumentError("Nothing is learned from pairs here, so --test-data has no place: give --data alone.")
        samples = given.samples
        assert isinstance(samples, Pairs), "the task is possible"
        if len(samples) < LEAST:
            raise DataError(f"{samples.origin} has {counted(len(samples), 'pair')}: give {LEAST} or more.")
        self.known, self.noun, self.seed, self.pairs = samples, samples.noun, given.seed, samples
        self.pictures_side = samples.pictures
        self.texts, self.pictures_of, self.words_of = samples.told_once()  # T different captions
        place = {text: number for number, text in enumerate(self.texts.texts)}
        self.first = np.array([place[some[0]] for some in samples.captions])  # (N,), as they were given
        captions = counted(len(self.texts), "different caption")
        self.data = f"{samples.origin}, {counted(len(samples), 'picture')} and {captions}"
        self.setting = Setting("retrieval of pairs", {"seed": given.seed}, Identity.of(samples, _said(samples)))
        self.shared = int((self.pictures_of.lengths > 1).sum())

    def __call__(self, embed: Embed) -> tuple[Metrics, np.ndarray]:
        x, y = embed(self.pictures_side), embed(self.texts)  # (N, D), (T, D)
        return self._scored(x, y), x

    def _scored(self, x: np.ndarray, y: np.ndarray) -> Metrics:
        generator = derived_generator(self.seed, INTERVALS)
        found = cross_retrieval(y, x, self.pictures_of, what=BY_WORDS, generator=generator)
        found |= cross_retrieval(x, y, self.words_of, what=BY_PICTURE, generator=generator)
        gap = modality_gap(x, y[self.first], generator=generator)
        distance = Metric("modality gap", gap.distance, gap.distance, gap.distance, GAP, len(x), percent=False)
        told = replace(gap.domain_accuracy, name="sides told apart")
        return {**found, distance.name: distance, told.name: told}

    @property
    def notes(self) -> tuple[str, ...]:
        shared = (
            f"{counted(self.shared, 'caption')} of {len(self.texts):,} belong to several pictures, each of which counts"
        )
        floor = "pixels and word counts have nothing in common, so that floor is chance"
        return (*((shared,) if self.shared else ()), floor)


GAP = "distance between the mean unit rows of pictures and of the first caption of each, 0 to 2; of no side the better"


class _PairRetrievalTask(Task):
    name = "pair-retrieval"
    needs = "pictures with one caption or several each"
    modalities = ("pairs",)

    def fits(self, given: Given) -> bool:
        asked = given.targets
        return not asked.label and not asked.number and asked.label_texts is None and self.possible(given)

    def possible(self, given: Given) -> bool:
        return self.takes(given) and isinstance(given.samples, Pairs)

    def prepare(self, given: Given) -> Measurement:
        return _PairRetrieval(given)


def _said(samples: Pairs) -> list[str]:
    """The captions of each picture, as one text: what two evaluations must have in common."""
    return ["\n".join(words) for words in samples.captions]


PAIR_RETRIEVAL = _PairRetrievalTask()
