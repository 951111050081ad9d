"""Zero-shot by prompts: pictures named by sentences about their classes, without a label to learn from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from contrapose.data import Images, Samples, derived_generator, only_labelled
from contrapose.data.copies import split_samples
from contrapose.data.pairs import Pairs
from contrapose.data.texts import Texts
from contrapose.encoders.pairs.prompts import sentences_about
from contrapose.encoders.texts.label_texts import check_labels, label_text
from contrapose.errors import ArgumentError, DataError
from contrapose.evaluation import class_scores
from contrapose.evaluation.zero_shot import cosine_scores
from contrapose.tasks.given import Given
from contrapose.tasks.head_weight import EQUAL, Weighing, best_weight, weighed_scores
from contrapose.tasks.labelled import MAJORITY
from contrapose.tasks.setting import Identity, Setting
from contrapose.tasks.task import INTERVALS, Embed, Measurement, Metrics, Task
from contrapose.words import counted


class Prompts(Measurement):
    """Each picture takes the class whose sentences lie nearest to it on average."""

    target = "label"

    def __init__(self, given: Given) -> None:
        if given.test_data is not None:
            raise ArgumentError("Nothing is learned from labels here, so --test-data has no place: give --data alone.")
        samples = only_labelled(_pictures(given.samples))
        if samples.labels is None:
            raise DataError(f"{given.samples.origin} has no labelled picture, so no answer can be judged.")
        self.weighing = Weighing.asked(given.targets.head_weight, given.encoder)
        self.names = texts_of_classes(samples, given.targets.label_texts)
        self.prompts = sentences_about(self.names, given.targets.prompts)  # a list a class
        self.kept_out: Samples | None = None
        if self.weighing.chosen:
            parts = split_samples(samples, seed=given.seed)
            samples, self.kept_out = parts.bank, parts.test
        assert samples.labels is not None, "as before"
        self.labels = self.truths = samples.labels  # (N,)
        if len(np.unique(self.truths)) < 2:
            raise DataError(f"{samples.origin} holds one class only: there is nothing to tell apart.")
        self.known, self.noun, self.seed = samples, samples.noun, given.seed
        self.encoder: Any = given.encoder  # or samples, of what is none
        self.data = f"{samples.origin}, {len(samples):,} pictures by prompts of {len(self.names)} classes"
        among = "|".join(" ".join(some) for some in self.prompts)
        asked = Identity.of(samples, [f"{label} of {among}" for label in self.truths.tolist()])
        self.setting = Setting("zero-shot by prompts", {"seed": given.seed}, asked)

    def __call__(self, embed: Embed) -> tuple[Metrics, np.ndarray]:
        answers, z, weight = self._answers(embed)
        return self._scored(answers, weight), z

    def answers(self, embed: Embed) -> tuple[np.ndarray, np.ndarray]:
        """The number of the class that each picture is taken for, `(N,)`, and the embeddings `(N, D)`."""
        return self._answers(embed)[:2]

    def _answers(self, embed: Embed) -> tuple[np.ndarray, np.ndarray, float | None]:
        """And what the weak heads counted; None where there is one head."""
        z = embed(self.known)  # (N, D)
        said = Texts([text for some in self.prompts for text in some])
        rows = torch.from_numpy(embed(said)).float().split([len(some) for some in self.prompts])  # C of (P, D)
        own = rows[0].shape[1] == getattr(self.encoder, "dimension", None)  # not of the floor
        centre = self.encoder.centre if own else _mean
        classes = torch.stack([centre(part) for part in rows]).numpy()  # (C, D)
        if not own or getattr(self.encoder, "heads", 1) == 1:
            return cosine_scores(z, classes).argmax(axis=1), z, None
        weight = self.weighing.weight
        if self.kept_out is not None:
            assert self.kept_out.labels is not None, "a part of labelled samples"
            weight = best_weight(embed(self.kept_out), classes, self.kept_out.labels)
        return weighed_scores(z, classes, weight).argmax(axis=1), z, weight

    def floors(self) -> dict[str, Metrics]:
        most = np.bincount(self.truths).argmax()
        return {MAJORITY: self._scored(np.full(len(self.truths), most))}

    def _scored(self, answers: np.ndarray, weight: float | None = None) -> Metrics:
        how = f"{len(self.names)} classes, by the cosine with the mean of {len(self.prompts[0])} prompts each"
        if weight is not None and weight != EQUAL:
            how += f", weak heads {weight:g}, strong heads {1 - weight:g}"
        return class_scores(answers, self.truths, protocol=how, generator=derived_generator(self.seed, INTERVALS))

    @property
    def notes(self) -> tuple[str, ...]:
        shown = ", ".join(repr(text) for text in self.prompts[0][:3])
        kept = self.kept_out
        return (
            f"{counted(len(self.prompts[0]), 'prompt')} for each class, of the first: {shown}",
            *([] if kept is None else [f"{len(kept):,} pictures were kept out, to choose what each head counts"]),
            "pixels and word counts have nothing in common, so that floor is chance",
        )


def _pictures(samples: Samples) -> Samples:
    return samples.pictures if isinstance(samples, Pairs) else samples


def texts_of_classes(
    samples: Samples, asked: Sequence[str] | None, *, option: str = "--label-texts"
) -> tuple[str, ...]:
    """What the classes of labelled samples are called, in the order of their numbers.

    Arguments:
        asked: texts that were given with `option`; None: the names as they are.

    Errors:
        DataError: numbers without names; another number of names.
    """
    assert samples.labels is not None
    count = len(samples.class_names) if samples.class_names is not None else int(samples.labels.max()) + 1
    if asked is not None:
        texts = check_labels(asked, option=option)
        if len(texts) != count:
            raise DataError(f"{samples.origin} has {count} classes, and {option} names {len(texts)}: name each.")
        return tuple(texts)
    if samples.class_names is None or all(name.isdigit() for name in samples.class_names):
        argument = option.removeprefix("--").replace("-", "_")
        raise DataError(
            f"The classes of {samples.origin} are numbers, which no sentence is about: say what they are called, in "
            f"their order, with {option} ({argument}=)."
        )
    return tuple(label_text(name) for name in samples.class_names)


def _mean(rows: torch.Tensor) -> torch.Tensor:
    return rows.mean(dim=0)  # (P, D) -> (D,)


class _PromptsTask(Task):
    name = "prompts"
    needs = "pictures with classes that have names (--label-column NAME, or --label-texts A B ...)"
    uses = ("label_column", "labels", "label_texts", "prompts", "head_weight")
    modalities = ("pairs",)

    def fits(self, given: Given) -> bool:
        asked = given.targets
        wanted = asked.label or asked.label_texts is not None or asked.prompts is not None
        return self.possible(given) and not asked.number and (wanted or isinstance(given.samples, Images))

    def possible(self, given: Given) -> bool:
        if not self.takes(given) or given.targets.without_labels:
            return False
        return isinstance(given.samples, Images | Pairs) and given.samples.labels is not None

    def prepare(self, given: Given) -> Measurement:
        return Prompts(given)


PROMPTS = _PromptsTask()
