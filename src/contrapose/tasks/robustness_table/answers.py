"""What is asked of changed pictures: the columns of the table, by labels or by words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Protocol

import numpy as np
import torch

from contrapose.data import Images, Samples, derived_generator, only_labelled
from contrapose.data.pairs import Pairs
from contrapose.data.samples import evenly_spaced
from contrapose.encoders.pairs.prompts import class_prototypes
from contrapose.errors import ArgumentError, DataError
from contrapose.evaluation import Metric, balanced_accuracy, cross_retrieval, knn, linear_probe, unequal_classes
from contrapose.tasks.given import Given
from contrapose.tasks.labelled_parts import given_parts, held_out_parts
from contrapose.tasks.prompts import Prompts
from contrapose.tasks.setting import Identity
from contrapose.tasks.task import INTERVALS, Embed, Metrics

TESTED = 500
"""Pictures that every row is measured on at most [design]: 35 rows of them take a small encoder less than a minute."""
FOUND_ON = 0.3
"""Share of the pairs on which patch and delta are found, where none are given to be tested on [design]."""
LEAST = 8  # pairs, of which some are found on


class Answers(Protocol):
    """Attributes:
    test: the pictures that every row changes.
    find: those that a patch and a delta are found on, none of which is tested.
    known: what of the data is at hand. identity, train: the tested samples, and those that labels were learned from.
    data: in a sentence. notes: what was decided, a sentence each without its full stop.
    names: of the classes that towers are asked for; None: they are asked for none.
    chances: what each metric is by chance, where it is not 0.
    """

    test: Images
    find: Images
    known: Samples
    identity: Identity
    train: Identity | None
    leaked: int
    labels: np.ndarray | None
    data: str
    notes: tuple[str, ...]
    names: Sequence[str] | None
    chances: dict[str, float]

    def columns(self, embed: Embed, rows: Sequence[np.ndarray]) -> list[Metrics]:
        """What embeddings `(T, D)` of each changed version of the tested pictures score."""
        ...

    def classes(self, rows: np.ndarray) -> np.ndarray:
        """The class that embeddings `(N, D)` are taken for, by words."""
        ...


class ByLabels(Answers):
    """kNN and a linear probe that learned from other pictures as they are."""

    names: Sequence[str] | None = None

    def __init__(self, given: Given) -> None:
        samples = given.samples
        test = None if given.test_data is None else given.open(given.test_data, limit=given.limit)
        parts = held_out_parts(samples, seed=given.seed) if test is None else given_parts(samples, test)
        rows = evenly_spaced(len(parts.test), TESTED)
        assert isinstance(parts.bank, Images), "the task is possible"
        assert isinstance(parts.test, Images), "likewise"
        self.bank = self.known = self.find = parts.bank
        self.test = parts.test.subset(rows)
        self.taught, self.wanted = parts.known, parts.wanted[rows]
        self.labels, self.leaked, self.seed, self.k = (
            self.wanted,
            parts.leaked,
            given.seed,
            min(given.k, len(self.bank)),
        )
        self.identity, self.train = Identity.of(self.test, self.wanted), Identity.of(self.bank, self.taught)
        self.data, self.notes = parts.origin, (*parts.notes, *fewer(len(rows), len(parts.test)))
        counts = np.unique(self.wanted, return_counts=True)[1]  # (C,)
        always, equal = float(counts.max() / len(rows)), 1 / len(counts)
        self.chances = {"kNN": always, "linear probe": always}
        self.chances |= {f"{name}, balanced": equal for name in self.chances}
        if len(counts) < 2:
            raise DataError(f"The test data hold one class only ({self.wanted[0]}): give test data of two or more.")

    def columns(self, embed: Embed, rows: Sequence[np.ndarray]) -> list[Metrics]:
        bank, asked = embed(self.bank), np.concatenate(rows)  # (N, D), (R·T, D)
        wanted = np.tile(self.wanted, len(rows))  # (R·T,)
        generator = [derived_generator(self.seed, INTERVALS) for _ in range(2)]
        found = [
            knn(bank, self.taught, asked, wanted, k=self.k, generator=generator[0]),
            linear_probe(bank, self.taught, asked, wanted, generator=generator[1]),
        ]
        return [self._scored(found, number) for number in range(len(rows))]

    def _scored(self, found: Sequence[Metric], number: int) -> Metrics:
        of: Metrics = {}
        for metric in found:
            assert metric.items is not None, "right or wrong, row by row"
            right = metric.items.reshape(-1, len(self.wanted))[number]  # (T,)
            one = Metric.from_items(metric.name, right, protocol=metric.protocol)
            of[one.name] = one
            if unequal_classes(self.wanted):
                balanced = balanced_accuracy(one, self.wanted)
                of[balanced.name] = balanced
        return of

    def classes(self, rows: np.ndarray) -> np.ndarray:
        raise NotImplementedError("no words are known here")


class ByWords(Answers):
    """Towers: pictures named by sentences about classes, and found by their captions and the reverse."""

    train: Identity | None = None
    leaked = 0

    def __init__(self, given: Given) -> None:
        self.towers: Any = given.encoder
        self.seed = given.seed
        samples = given.samples
        assert isinstance(samples, Images | Pairs), "the task is possible"
        notes: list[str] = []
        self.names, unnamed = self._named(given, samples)
        if unnamed:
            notes.append(unnamed)
        known, asked = self._parts(given, samples if isinstance(samples, Pairs) else only_labelled(samples))
        rows = evenly_spaced(len(asked), TESTED)
        self.asked, self.notes = asked.subset(rows), (*notes, *fewer(len(rows), len(asked)))
        self.known, self.test, self.find = known, _pictures(self.asked), _pictures(known)
        self.labels = self.test.labels if self.names is not None else None
        said = ["\n".join(words) for words in self.asked.captions] if isinstance(self.asked, Pairs) else self.labels
        assert said is not None
        self.identity = Identity.of(self.asked, [str(one) for one in said])
        self.chances = self._by_chance()
        self.prototypes = None if self.names is None else self._prototypes(given)
        self.data = (
            f"{samples.origin}, {len(self.asked):,} {self.asked.noun}s tested, {len(known):,} to find changes on"
        )

    def _named(self, given: Given, samples: Samples) -> tuple[Sequence[str] | None, str]:
        """What the classes are called; or why nobody is asked for them."""
        try:
            if samples.labels is None:
                raise DataError("the pairs have no classes")
            return Prompts(replace(given, test_data=None) if given.test_data is not None else given).names, ""
        except DataError as error:
            if not isinstance(samples, Pairs):
                raise
            return None, f"pictures were not named by words, nor looked for a planted class: {str(error).rstrip('.')}"

    def _parts(self, given: Given, samples: Any) -> tuple[Any, Any]:
        if given.test_data is not None:
            test = given.open(given.test_data, limit=given.limit)
            if type(test) is not type(samples):
                raise ArgumentError(
                    f"--data are {samples.noun}s and --test-data are {test.noun}s: give the same kind of both."
                )
            return samples, test if isinstance(test, Pairs) else only_labelled(test)
        if len(samples) < LEAST:
            raise DataError(f"{samples.origin} has {len(samples)} {samples.noun}s: give {LEAST} or more.")
        order = torch.randperm(len(samples), generator=derived_generator(given.seed, "robustness")).numpy()
        count = max(2, round(FOUND_ON * len(samples)))
        return samples.subset(np.sort(order[:count])), samples.subset(np.sort(order[count:]))

    def _by_chance(self) -> dict[str, float]:
        """The largest class, and one of all captions or pictures."""
        found: dict[str, float] = {}
        if self.labels is not None:
            known = self.labels[self.labels >= 0]
            found[NAMED] = float(np.bincount(known).max() / max(1, len(known)))
        if isinstance(self.asked, Pairs):
            found |= {
                "recall@1 by words": 1 / len(self.asked),
                "recall@1 by picture": 1 / len(self.asked.told_once()[0]),
            }
        return found

    def _prototypes(self, given: Given) -> np.ndarray:
        assert self.names is not None
        found: np.ndarray = class_prototypes(self.towers, self.names, given.targets.prompts).cpu().numpy()  # (K, D)
        return found

    def columns(self, embed: Embed, rows: Sequence[np.ndarray]) -> list[Metrics]:
        texts = None
        if isinstance(self.asked, Pairs):
            once, pictures_of, words_of = self.asked.told_once()
            texts = (embed(once), pictures_of, words_of)  # (S, D)
        return [self._named_right(z) | self._found(z, texts) for z in rows]

    def _named_right(self, z: np.ndarray) -> Metrics:
        if self.prototypes is None or self.labels is None or self.names is None:
            return {}
        there = self.labels >= 0
        right = self.classes(z)[there] == self.labels[there]
        how = f"{len(self.names)} classes, by the cosine with their sentences"
        return {NAMED: Metric.from_items(NAMED, right, protocol=how)}

    def _found(self, z: np.ndarray, texts: Any) -> Metrics:
        if texts is None:
            return {}
        y, pictures_of, words_of = texts
        found: Metrics = {}
        for query, gallery, partners, what in ((y, z, pictures_of, " by words"), (z, y, words_of, " by picture")):
            generator = derived_generator(self.seed, INTERVALS)
            one = cross_retrieval(query, gallery, partners, ks=(1,), what=what, generator=generator)
            found |= {name: metric for name, metric in one.items() if name.startswith("recall@1")}
        return found

    def classes(self, rows: np.ndarray) -> np.ndarray:
        assert self.prototypes is not None
        return (rows @ self.prototypes.T).argmax(axis=1)  # (N, D) -> (N,)


NAMED = "named right"


def fewer(count: int, of: int) -> list[str]:
    """A note where not all are tested."""
    return [f"{count:,} of {of:,} test pictures were asked, evenly spaced"] if count < of else []


def _pictures(samples: Any) -> Images:
    found = samples.pictures if isinstance(samples, Pairs) else samples
    assert isinstance(found, Images)
    return found
