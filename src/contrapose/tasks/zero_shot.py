"""Zero-shot: texts named by what their classes are called, without a label to learn from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from contrapose.data import Samples, derived_generator, only_labelled
from contrapose.encoders.texts.label_texts import check_labels, label_text, words_for_names
from contrapose.encoders.texts.trained_matcher import TrainedMatcher
from contrapose.errors import ArgumentError, DataError
from contrapose.evaluation import class_scores
from contrapose.evaluation.tail import tail_score
from contrapose.evaluation.zero_shot import cosine_scores, in_any_order, likeliest
from contrapose.tasks.given import Given
from contrapose.tasks.labelled import MAJORITY
from contrapose.tasks.labelled_parts import class_names_of, majority_of
from contrapose.tasks.setting import Identity, Setting
from contrapose.tasks.task import INTERVALS, Embed, Measurement, Metrics, Task

_COSINE = "labels are compared by the cosine of embedded texts, for the run has no matcher"


class _ZeroShot(Measurement):
    """The first arm that is measured answers by its matcher, where it has one; all others by cosine."""

    target = "label"

    def __init__(self, given: Given) -> None:
        if given.test_data is not None:
            raise ArgumentError("Nothing is learned from labels here, so --test-data has no place: give --data alone.")
        samples = only_labelled(given.samples)
        if samples.labels is None:
            raise DataError(f"{given.samples.origin} has no labelled {given.samples.noun}, so no answer can be judged.")
        names = class_names_of(samples)  # (N,)
        self.truths, self.asked, told = _called(samples, names, given.targets.label_texts)
        self.labels = self.truths
        if len(set(self.truths.tolist())) < 2:
            raise DataError(
                f"{samples.origin} holds one class only ({self.truths[0]}): there is nothing to tell apart."
            )
        self.known, self.noun, self.seed = samples, samples.noun, given.seed
        self.matcher: TrainedMatcher | None = given.matcher
        self._bring = given.bring
        self._first: Embed | None = None
        self.data = f"{samples.origin}, {len(samples):,} {samples.noun}s by the texts of {len(self.asked)} labels"
        how = [_COSINE] if self.matcher is None else self.matcher.notes(self.asked)
        self._notes = [*(note.rstrip(".") for note in samples.notes), *told, *how]
        among = "|".join(sorted(self.asked))  # answers among other labels are not to be paired with these
        asked = Identity.of(samples, [f"{label} of {among}" for label in self.truths.tolist()])
        self.setting = Setting("zero-shot", {"seed": given.seed}, asked)

    def __call__(self, embed: Embed) -> tuple[Metrics, np.ndarray]:
        self._first = self._first or embed
        z = embed(self.known)  # (N, D)
        own = self.matcher if embed == self._first else None

        def scores(labels: Sequence[str]) -> np.ndarray:
            if own is not None:
                return own.scores(z, labels)
            return cosine_scores(z, embed(self._bring([label_text(label) for label in labels])))

        answers = likeliest(in_any_order(scores, self.asked), self.asked)  # (N,)
        how = "by the run's matcher" if own is not None else "by the cosine with the label's text"
        return self._scored(answers, how), z

    def floors(self) -> dict[str, Metrics]:
        name = majority_of(self.truths)
        return {MAJORITY: self._scored(np.full(len(self.truths), name), f"always {name}, the largest")}

    @property
    def notes(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self._notes))

    def _scored(self, answers: np.ndarray, how: str) -> Metrics:
        how = f"{len(self.asked)} labels, {how}"
        found = class_scores(answers, self.truths, protocol=how, generator=derived_generator(self.seed, INTERVALS))
        tail = tail_score(answers, self.truths, protocol=how, generator=derived_generator(self.seed, INTERVALS))
        return {**found, tail.name: tail}


def _called(
    samples: Samples, names: np.ndarray, asked: Sequence[str] | None
) -> tuple[np.ndarray, tuple[str, ...], list[str]]:
    """What each sample's label is called, all labels that are asked, and a note on who stands for whom.

    Errors:
        ArgumentError: labels that cannot be told apart; classes that are numbers, without texts of them.
        DataError: texts of labels that are neither the classes' names nor one for each.
    """
    present = sorted(set(names.tolist()))
    if asked is None:
        words_for_names(present)
        return names, tuple(present), []
    texts = check_labels(asked, option="--label-texts")
    by_reading = {label_text(text): text for text in texts}
    if all(label_text(name) in by_reading for name in present):
        return np.asarray([by_reading[label_text(name)] for name in names]), texts, []
    assert samples.labels is not None
    numbers = samples.labels
    classes = len(samples.class_names) if samples.class_names is not None else int(numbers.max()) + 1
    if len(texts) != classes:
        raise DataError(
            f"{samples.origin} has {classes} classes ({', '.join(present[:3])}, ...), and --label-texts gives "
            f"{len(texts)} texts that are not what these are called. Give one text for each, in the order of the "
            "classes, or their names and others besides."
        )
    known = samples.class_names or tuple(map(str, range(classes)))
    told = ", ".join(f"{name} = {text}" for name, text in list(zip(known, texts, strict=True))[:4])
    more = ", ..." if classes > 4 else ""
    return np.asarray(texts)[numbers], texts, [f"the texts of labels stand for the classes in order: {told}{more}"]


class _ZeroShotTask(Task):
    name = "zero-shot"
    needs = "classes of texts with names (--label-column NAME), or the text of each (--label-texts A B ...)"
    uses = ("label_column", "labels", "label_texts")
    modalities = ("text",)

    def fits(self, given: Given) -> bool:
        return given.targets.label_texts is not None and self.possible(given)

    def possible(self, given: Given) -> bool:
        return self.takes(given) and not given.targets.without_labels and given.samples.labels is not None

    def prepare(self, given: Given) -> Measurement:
        return _ZeroShot(given)


ZERO_SHOT = _ZeroShotTask()
