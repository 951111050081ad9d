"""Classification: what a trained classifier answers, beside the same heads on encoders that learned nothing."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from contrapose.data import Samples, class_texts, derived_generator
from contrapose.data.copies import copies_in
from contrapose.encoders.classifier_folder import TrainedHeads
from contrapose.encoders.heads import Question
from contrapose.errors import ArgumentError, DataError
from contrapose.evaluation import accuracies, area_under_curve, class_scores
from contrapose.tasks.given import Given, OfClassifier
from contrapose.tasks.labelled import MAJORITY
from contrapose.tasks.labelled_parts import majority_of
from contrapose.tasks.setting import Identity, Setting
from contrapose.tasks.task import INTERVALS, Embed, Measurement, Metrics, Task
from contrapose.words import counted

SHOWN = 3


class Classification(Measurement):
    """What a classifier answers.

    The first arm that is measured is the classifier itself; of every other one heads are trained on embeddings.
    """

    def __init__(self, given: Given) -> None:
        assert given.classifier is not None
        self.classifier: OfClassifier = given.classifier
        self.questions = self.classifier.heads.questions
        self.seed, self._notes = given.seed, list[str]()
        test, truths = self._opened(given)
        self.test, self.truths = self._not_learned(test, truths)
        learned = self.classifier.learned
        self.known = self.test if learned is None else learned
        self.arms = learned is not None and self.classifier.fits
        self.noun = self.test.noun
        self._own: Embed | None = None
        self._told()
        first = next(values for values in self.truths if values is not None)
        self.labels = np.where(first == "", "(none)", first)
        self.data = self._in_words()
        named = ["|".join(row) for row in np.stack([one for one in self.truths if one is not None], axis=1)]
        self.setting = Setting("classification", {"seed": given.seed}, Identity.of(self.test, named))

    def __call__(self, embed: Embed) -> tuple[Metrics, np.ndarray]:
        heads = self.heads_for(embed)
        z = embed(self.test)  # (T, D)
        return self.scored_by(heads, z), z

    def heads_for(self, embed: Embed) -> TrainedHeads:
        """The classifier's own, of the arm that is measured first; of others such as learn from the same."""
        self._own = self._own or embed
        return self.classifier.heads if embed == self._own else self.classifier.fit(embed)

    def scored_by(self, heads: TrainedHeads, z: np.ndarray, *, full: bool = True) -> Metrics:
        """What heads answer to `(T, D)` embeddings of the test part.

        Arguments:
            full: macro-F1 too, whose interval takes long.
        """
        metrics: Metrics = {}
        for question, logits, truths in zip(heads.questions, heads.logits(z), self.truths, strict=True):
            answers = question.answers(question.probabilities(logits)).numpy()  # (T,)
            scores = question.scores(logits).numpy() if len(question.classes) == 2 else None  # (T,)
            metrics |= self._scored(question, np.asarray(question.classes)[answers], truths, scores=scores, full=full)
        return metrics

    def floors(self) -> dict[str, Metrics]:
        found: Metrics = {}
        for question, truths in zip(self.questions, self.truths, strict=True):
            if truths is not None:
                name = majority_of(truths[truths != ""])
                answers = np.full(len(truths), name)
                scores = np.zeros(len(truths)) if len(question.classes) == 2 else None
                how = f"always {name}, the largest of the tested classes"
                found |= self._scored(question, answers, truths, how, scores=scores)
        return {MAJORITY: found}

    @property
    def notes(self) -> tuple[str, ...]:
        return tuple(self._notes)

    def name_of(self, metric: str, question: Question) -> str:
        """`accuracy of topic, balanced`, where there are several questions."""
        head, comma, tail = metric.partition(",")
        return metric if len(self.questions) == 1 else f"{head} of {question.name}{comma}{tail}"

    def _scored(
        self,
        question: Question,
        answers: np.ndarray,
        truths: np.ndarray | None,
        how: str = "",
        *,
        scores: np.ndarray | None = None,
        full: bool = True,
    ) -> Metrics:
        """Of the answers, and of two classes of the scores by which they are the second."""
        if truths is None:
            return {}
        known = truths != ""  # (T,)
        if not how:
            threshold = "" if question.threshold is None else f"; {_threshold(question)}"
            how = f"{counted(sum(question.counts), 'label')} learned from{threshold}"
        generator = derived_generator(self.seed, INTERVALS)
        find = partial(class_scores, generator=generator) if full else accuracies
        found = find(answers[known], truths[known], protocol=how)
        one = question.classes[question.positive]
        if scores is not None and len(set(truths[known].tolist()) & set(question.classes)) == 2:
            both = known & np.isin(truths, question.classes)  # (T,)
            found["AUC"] = area_under_curve(scores[both], truths[both] == one, protocol=f"{one} above the other; {how}")
        return {
            self.name_of(name, question): replace(one, name=self.name_of(name, question)) for name, one in found.items()
        }

    def _opened(self, given: Given) -> tuple[Samples, list[np.ndarray | None]]:
        """The test samples, and for each question the class of each, "" where nobody knows it."""
        spec = given.data if given.test_data is None else given.test_data
        if len(self.questions) == 1:
            samples = given.open(spec, limit=given.limit)
            return samples, [truths_of(samples)]
        opened: list[Samples | None] = []
        for question in self.questions:
            try:
                opened.append(given.open(spec, limit=given.limit, label_column=question.name))
            except ArgumentError:  # no such column here
                self._notes.append(f"there is no column {question.name!r} to measure by")
                opened.append(None)
        first = next((samples for samples in opened if samples is not None), None)
        if first is None:
            names = ", ".join(question.name for question in self.questions)
            raise DataError(f"The data have none of the columns that the classifier answers: {names}.")
        return first, [None if samples is None else truths_of(samples) for samples in opened]

    def _not_learned(self, test: Samples, truths: list[np.ndarray | None]) -> tuple[Samples, list[np.ndarray | None]]:
        """Those test samples that have a class, and that the classifier did not learn from."""
        there = [values for values in truths if values is not None and (values != "").any()]
        if not there:
            raise DataError(
                f"{test.origin} has no labels, so nothing can be measured on it. Give class sub-folders or a label "
                "column with --test-data; contrapose apply names the classes of data without labels."
            )
        keep = (np.stack(there) != "").any(axis=0)  # (N,)
        labelled = int(keep.sum())
        if self.classifier.learned is not None:
            keep[[row for row, _ in copies_in(test, self.classifier.learned)]] = False
        else:
            self._notes.append("what the classifier learned from is not to be had, so the tested ones may be among it")
        seen = labelled - int(keep.sum())
        if not keep.any():
            raise DataError(
                f"The classifier learned from all labelled {test.noun}s of {test.origin}, which says nothing of new "
                f"ones. Give others with --test-data, or train with --labels-per-class."
            )
        if seen:
            self._notes.append(f"{seen:,} of {labelled:,} labelled {test.noun}s were learned from, and are left out")
        if labelled < len(test):
            self._notes.append(f"{counted(len(test) - labelled, test.noun)} without a label left out")
        rows = np.flatnonzero(keep)
        return test.subset(rows), [None if values is None else values[rows] for values in truths]

    def _told(self) -> None:
        """Notes on classes that were never learned, and on chosen thresholds; test data that can tell nothing."""
        for question, truths in zip(self.questions, self.truths, strict=True):
            if truths is None:
                continue
            counts = Counter(truths[truths != ""].tolist())
            new = {name: count for name, count in sorted(counts.items()) if name not in question.classes}
            if counts and len(new) == len(counts):
                raise DataError(
                    f"The classifier knows none of the classes of {question.name} in the test data: {_some(list(new))} "
                    f"against {_some(question.classes)}. Give test data of the same classes."
                )
            if len(counts) < 2:
                only = next(iter(counts), "none")
                raise DataError(
                    f"The test data hold one class only of {question.name} ({only}): an answer that is always the same "
                    "would score 100 %. Give test data of two classes or more."
                )
            if new:
                listed = _some([f"{name} ({count:,})" for name, count in new.items()])
                self._notes.append(
                    f"{counted(len(new), 'test class', 'test classes')} of {question.name} the classifier has not "
                    f"learned, which counts as wrong: {listed}"
                )
            if question.threshold is not None:
                self._notes.append(f"the answers of {question.name} are by {_threshold(question)}")

    def _in_words(self) -> str:
        told = [
            f"{one.name}, {len(one.classes)} classes from {counted(sum(one.counts), 'label')}" for one in self.questions
        ]
        return (
            f"{self.test.origin}, {counted(len(self.test), f'test {self.noun}')}; a classifier of {'; of '.join(told)}"
        )


def truths_of(samples: Samples) -> np.ndarray:
    """What each sample's class is called, `(N,)`; "" where it has none."""
    return np.asarray([text or "" for text in class_texts(samples) or [""] * len(samples)])  # (N,)


def _threshold(question: Question) -> str:
    chosen: Any = question.chosen
    return (
        f"{question.classes[question.positive]} from a probability of {question.threshold:.3g} on, chosen for "
        f"{chosen.get('aim')} on {chosen.get('held_out')} held-out labels"
    )


def _some(names: Any) -> str:
    rest = f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + rest


class _ClassificationTask(Task):
    name = "classification"
    needs = "a run of train classifier, and classes (--label-column NAME)"
    uses = ("label_column", "labels")
    artifacts = ("classifier",)

    def takes(self, given: Given) -> bool:
        return given.classifier is not None

    def fits(self, given: Given) -> bool:
        asked = given.targets
        return self.possible(given) and not (asked.number or asked.pair_columns)

    def possible(self, given: Given) -> bool:
        return given.classifier is not None and not given.targets.without_labels

    def prepare(self, given: Given) -> Measurement:
        return Classification(given)


CLASSIFICATION = _ClassificationTask()
