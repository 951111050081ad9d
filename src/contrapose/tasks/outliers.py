"""Out of distribution: does a trained classifier know what it does not know?"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from contrapose.data.copies import copies_in
from contrapose.encoders.heads import Question
from contrapose.errors import DataError
from contrapose.evaluation import told_apart
from contrapose.tasks.given import Given, OfClassifier
from contrapose.tasks.setting import Identity, Setting
from contrapose.tasks.task import Embed, Measurement, Metrics, Task
from contrapose.words import counted

DENSITY, PROBABILITY = "AUC, log-sum-exp", "AUC, largest probability"


class _Outliers(Measurement):
    """The first arm that is measured is the classifier itself; of every other one heads are trained on embeddings."""

    def __init__(self, given: Given) -> None:
        assert given.classifier is not None
        self.classifier: OfClassifier = given.classifier
        spec = given.data if given.test_data is None else given.test_data
        self.inside = given.open(spec, limit=given.limit)
        self.outside = given.open(given.outliers, limit=given.limit, labels="none", label_column=None)
        learned = self.classifier.learned
        self.known, self.noun = self.inside if learned is None else learned, self.inside.noun
        self.arms = learned is not None and self.classifier.fits
        self._notes: list[str] = []
        self._leave_out()
        self.data = (
            f"{self.inside.origin}, {counted(len(self.inside), f'test {self.noun}')}, against {self.outside.origin}, "
            f"{len(self.outside):,} outside"
        )
        labels = ["inside"] * len(self.inside) + ["outside"] * len(self.outside)
        parts = (
            Identity.of(self.inside, labels[: len(self.inside)]),
            Identity.of(self.outside, labels[-len(self.outside) :]),
        )
        self.setting = Setting("out-of-distribution", {}, *parts)
        self._own: Embed | None = None

    def __call__(self, embed: Embed) -> tuple[Metrics, np.ndarray]:
        self._own = self._own or embed
        heads = self.classifier.heads if embed == self._own else self.classifier.fit(embed)
        z = embed(self.inside)  # (M, D)
        question = heads.questions[0]
        scores = [_scores(question, heads.logits(rows)[0]) for rows in (z, embed(self.outside))]
        how = f"of {question.name}, {len(question.classes)} classes"
        return {
            name: told_apart(scores[0][name], scores[1][name], name=name, protocol=how)
            for name in (DENSITY, PROBABILITY)
        }, z

    @property
    def notes(self) -> tuple[str, ...]:
        return tuple(self._notes)

    def _leave_out(self) -> None:
        """What was learned from is not asked of, nor what is on both sides."""
        keep = np.ones(len(self.inside), dtype=bool)
        if self.classifier.learned is None:
            self._notes.append("what the classifier learned from is not to be had, so the tested ones may be among it")
        else:
            keep[[row for row, _ in copies_in(self.inside, self.classifier.learned)]] = False
        seen = int((~keep).sum())
        if seen:
            self._notes.append(f"{counted(seen, self.noun)} were learned from, and are left out")
        both = {row for row, _ in copies_in(self.outside, self.inside)}
        if both:
            self._notes.append(f"{counted(len(both), self.noun)} lie on both sides, and are left out of those outside")
            self.outside = self.outside.subset(np.asarray(sorted(set(range(len(self.outside))) - both), dtype=np.int64))
        if keep.sum() < 2 or len(self.outside) < 2:
            raise DataError(
                f"There are {int(keep.sum())} {self.noun}s inside that were not learned from, and {len(self.outside)} "
                "outside: two of each are needed. Give held-out ones with --test-data, and others with --ood."
            )
        self.inside = self.inside.subset(np.flatnonzero(keep))


def _scores(question: Question, logits: Tensor) -> dict[str, Any]:
    """Of each sample how much it is one of the data: the log density of its logits, and how sure its answer is."""
    return {
        DENSITY: torch.as_tensor(logits).double().logsumexp(dim=1).numpy(),
        PROBABILITY: question.probabilities(logits).amax(dim=1).numpy(),
    }


class _OutliersTask(Task):
    name = "out-of-distribution"
    needs = "a classifier (a run of train classifier or train dat), and data of another kind of thing (--ood DATA)"
    artifacts = ("classifier",)

    def takes(self, given: Given) -> bool:
        return given.classifier is not None

    def fits(self, given: Given) -> bool:
        return self.possible(given)

    def possible(self, given: Given) -> bool:
        return given.classifier is not None and given.outliers is not None

    def prepare(self, given: Given) -> Measurement:
        return _Outliers(given)


OUTLIERS = _OutliersTask()
