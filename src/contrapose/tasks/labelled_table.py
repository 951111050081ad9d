"""What `contrapose evaluate` measures on labelled embeddings: kNN and a linear probe, and on request the full table."""

from __future__ import annotations

import warnings

import numpy as np
import torch

from contrapose.data import derived_generator
from contrapose.errors import ArgumentError, DataError
from contrapose.evaluation import (
    Metric,
    balanced_accuracy,
    clustering,
    few_label,
    few_label_f1,
    knn,
    linear_probe,
    neighbourhood,
    retrieval,
    unequal_classes,
)
from contrapose.tasks.labelled_parts import majority_of

SHOTS = (1, 5, 10)
"""Labelled rows a class of the few-label probes, by convention."""

RARE_SHOTS = 4
"""Labelled rows a class where classes are unequal and every one counts alike [design]."""

BLOCK = 512
"""Rows that are asked at a time: half of the usual, which takes a quarter of the memory."""

LISTED = 10
"""Nearest labelled rows whose labels the full table looks at, by convention."""

CLUSTERED_ROWS = 2000
"""Test rows that k-means sees at most: 50 starts on 8,000 rows of raw pixels would take minutes."""

_INTERVALS = 2  # names the random stream of the bootstrap
_CLUSTERED = 3  # names the random stream of the rows that are clustered


class LabelledTable:
    """The measurements of one arm, the same for every arm: call it with embeddings of both parts.

    Arguments:
        known: `(N,)` class names of the rows to learn from.
        wanted: `(T,)` class names of the rows to test on.
        k: neighbours of kNN.
        seed: of the bootstrap, the labelled rows of the few-label probes, k-means and its rows.
        full: also few-label probes, retrieval and clustering.

    Attributes:
        notes: what could not be measured, a sentence each without its full stop.

    Errors:
        DataError: test rows of one class only.
    """

    def __init__(self, known: np.ndarray, wanted: np.ndarray, *, k: int, seed: int, full: bool) -> None:
        if len(set(wanted.tolist())) < 2:
            raise DataError(
                f"The test data hold one class only ({wanted[0]}): an encoder that tells nothing apart would score "
                "100 %. Give test data of two classes or more."
            )
        self.known, self.wanted = known, wanted
        self.k, self.seed, self.full = k, seed, full
        self.unequal = unequal_classes(wanted)
        self._left_out: dict[str, None] = {}  # a set that keeps the order: every arm finds the same

    @property
    def notes(self) -> tuple[str, ...]:
        return tuple(self._left_out)

    def __call__(self, train: np.ndarray, test: np.ndarray) -> dict[str, Metric]:
        """Every metric of embeddings `(N, D)` and `(T, D)`."""
        with warnings.catch_warnings():
            # test classes that are no training class are named once, in the notes of the parts
            warnings.filterwarnings("ignore", message=".* are of no training class")
            return self._measured(train, test)

    def majority(self) -> dict[str, Metric]:
        """What always answering the largest training class scores; empty where the classes are equal."""
        if not self.unequal:
            return {}
        name = majority_of(self.known)
        found: dict[str, Metric] = {}
        for metric in ("kNN", "linear probe"):
            accuracy = Metric.from_items(metric, self.wanted == name, protocol=f"always {name}, the largest of --data")
            balanced = balanced_accuracy(accuracy, self.wanted)
            found |= {metric: accuracy, balanced.name: balanced}
        return found

    def _measured(self, train: np.ndarray, test: np.ndarray) -> dict[str, Metric]:
        near = self._neighbourhood(train, test)
        probe = linear_probe(train, self.known, test, self.wanted, generator=derived_generator(self.seed, _INTERVALS))
        metrics: dict[str, Metric] = {}
        for accuracy in (near["kNN"], probe):
            metrics[accuracy.name] = accuracy
            if self.unequal:
                balanced = balanced_accuracy(accuracy, self.wanted)
                metrics[balanced.name] = balanced
        if self.full:
            metrics |= {name: metric for name, metric in near.items() if name != "kNN"}
            metrics |= self._few_labels(train, test) | self._rare(train, test)
            metrics |= self._retrieval(test) | self._clustering(test)
        return metrics

    def _neighbourhood(self, train: np.ndarray, test: np.ndarray) -> dict[str, Metric]:
        """kNN, and in the full table what its neighbours are: one pass tells both."""
        k, generator = min(self.k, len(train)), derived_generator(self.seed, _INTERVALS)
        if not self.full:
            found = knn(train, self.known, test, self.wanted, k=k, block=BLOCK, generator=generator)
            return {found.name: found}
        listed = min(LISTED, len(train))
        both = neighbourhood(train, self.known, test, self.wanted, k=k, ks=(listed,), generator=generator)
        return {metric.name: metric for metric in (both.knn, both.precision[listed], both.recall[listed])}

    def _few_labels(self, train: np.ndarray, test: np.ndarray) -> dict[str, Metric]:
        """A probe for each number of shots, of the classes that have so many labelled rows."""
        classes, counts = np.unique(self.known, return_counts=True)
        metrics: dict[str, Metric] = {}
        for shots in SHOTS:
            enough = classes[counts >= shots]
            learn, ask = np.isin(self.known, enough), np.isin(self.wanted, enough)  # (N,), (T,)
            if len(enough) < 2 or ask.sum() < 2:
                self._note(f"no probe with {shots} a class: fewer than two classes have so many labelled rows")
                continue
            if len(enough) < len(classes):
                few = len(classes) - len(enough)
                self._note(f"probe, {shots} a class: {few} of {len(classes)} classes have fewer rows and are left out")
            found = few_label(
                train[learn], self.known[learn], test[ask], self.wanted[ask], shots=(shots,), seed=self.seed
            )[shots]
            metrics[found.metric.name] = found.metric
        return metrics

    def _rare(self, train: np.ndarray, test: np.ndarray) -> dict[str, Metric]:
        """Of unequal classes: a probe with four rows of each that has so many, by F1, and that of the rarest third."""
        classes, counts = np.unique(self.known, return_counts=True)
        enough = classes[counts >= RARE_SHOTS]
        learn, ask = np.isin(self.known, enough), np.isin(self.wanted, enough)  # (N,), (T,)
        if not self.unequal or len(np.unique(self.wanted[ask])) < 2:
            return {}
        return few_label_f1(
            train[learn], self.known[learn], test[ask], self.wanted[ask], shots=RARE_SHOTS, seed=self.seed
        )

    def _retrieval(self, test: np.ndarray) -> dict[str, Metric]:
        """Test rows among themselves: does the nearest have the same label, and do those that have it come first?"""
        try:
            found = retrieval(
                test, self.wanted, ks=(1,), block=BLOCK, generator=derived_generator(self.seed, _INTERVALS)
            )
        except ArgumentError:
            if np.unique(self.wanted, return_counts=True)[1].max() > 1:
                raise
            self._note("no retrieval: every test class has one row, so that a query has nothing to find")
            return {}
        return {name: found.metrics[name] for name in ("recall@1", "MAP@R")}

    def _clustering(self, test: np.ndarray) -> dict[str, Metric]:
        rows, wanted = test, self.wanted
        if len(test) > CLUSTERED_ROWS:
            order = torch.randperm(len(test), generator=derived_generator(self.seed, _CLUSTERED)).numpy()  # (T,)
            drawn = np.sort(order[:CLUSTERED_ROWS])
            rows, wanted = test[drawn], self.wanted[drawn]
        found = clustering(rows, wanted, generator=derived_generator(self.seed, _CLUSTERED))
        return found.metrics(generator=derived_generator(self.seed, _INTERVALS))

    def _note(self, sentence: str) -> None:
        self._left_out[sentence] = None
