"""The training of a classifier: a `Trainer` that writes the classifier beside the encoder, its probabilities set right
on samples that were held out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from contrapose.data import Samples
from contrapose.data.samples import LABEL
from contrapose.data.source import Source
from contrapose.encoders import Encoder
from contrapose.encoders.classifier_folder import FOLDER, save_classifier
from contrapose.encoders.heads import Question
from contrapose.errors import DataError
from contrapose.evaluation import fitting_temperature, fitting_threshold
from contrapose.evaluation.calibration import Aim
from contrapose.learners.class_heads import ClassHeads, target_of
from contrapose.training.average import WeightAverage
from contrapose.training.loop import Trainer
from contrapose.training.state import export_encoders

BLOCK = 512
"""Samples that are embedded at a time."""


@torch.no_grad()
def embeddings_of(encoder: Encoder, samples: Samples, device: torch.device | str = "cpu") -> Tensor:
    """The samples by an encoder as it is in use, `(N, D)` float32 on the device."""
    training = encoder.training
    encoder.to(device).eval()
    parts = torch.arange(len(samples)).split(BLOCK)
    rows = [encoder(encoder.prepare(samples.batch(part)).to(encoder.device)).float() for part in parts]
    encoder.train(training)
    return torch.cat(rows)  # (N, D)


def classes_of(samples: Samples, questions: Sequence[str]) -> list[np.ndarray]:
    """The class numbers of the samples for each question, `(N,)` int64, -1 where there is none."""
    names = (LABEL, *map(target_of, questions[1:]))
    return [samples.targets[name].astype(np.int64) for name in names]


def questions_of(samples: Samples, questions: Sequence[str]) -> list[Question]:
    """What heads that learn from these samples are asked."""
    names = [samples.class_names or (), *(samples.names_of[target_of(name)] for name in questions[1:])]
    found = []
    for name, classes, labels in zip(questions, names, classes_of(samples, questions), strict=True):
        counts = np.bincount(labels[labels >= 0], minlength=len(classes))  # (P,)
        found.append(Question(name, tuple(classes), tuple(counts.tolist())))
    return found


@dataclass(frozen=True)
class Calibration:
    """What is chosen on held-out samples.

    Arguments:
        samples: held out.
        aim: what the threshold of questions of two classes serves; None: no threshold.
        rate: the largest false positive rate, for that aim.
        positive: the name of the class that the threshold is for; None: the second of the two.
    """

    samples: Samples
    aim: Aim | None = None
    rate: float = 0.05
    positive: str | None = None

    def __call__(self, question: Question, logits: Tensor, labels: np.ndarray) -> Question:
        """The question with its temperature and, of two classes, its threshold.

        Shapes:
            logits: `(N, P)`; labels: `(N,)`, -1 where there is none.
        """
        known = labels >= 0  # (N,)
        own, truth = logits[torch.from_numpy(known)], torch.from_numpy(labels[known])  # (n, P), (n,)
        temperature = fitting_temperature(own, truth)
        chosen: dict[str, Any] = {"held_out": int(known.sum())}
        warm = replace(question, temperature=temperature, chosen=chosen)
        if self.aim is None or len(question.classes) != 2:
            return warm
        number = 1 if self.positive is None else question.classes.index(self.positive)
        p, positive = warm.probabilities(own)[:, number].numpy(), (truth == number).numpy()
        found = fitting_threshold(p, positive, aim=self.aim, rate=self.rate)
        chosen |= {"aim": self.aim, "reached": round(found.reached, 6), "recall": round(found.recall, 6)}
        return replace(warm, threshold=found.value, positive=number, chosen=chosen)

    def check(self, questions: Sequence[Question]) -> None:
        """Pass held-out samples on which all can be chosen.

        Errors:
            DataError: a question without held-out labels, or a threshold without both classes among them.
        """
        names = [question.name for question in questions]
        for question, labels in zip(questions, classes_of(self.samples, names), strict=True):
            held = len(np.unique(labels[labels >= 0]))
            two = self.aim is not None and len(question.classes) == 2
            if held < (2 if two else 1):
                raise DataError(
                    f"Of {question.name} too few labels can be held out to choose "
                    f"{'a threshold' if two else 'a temperature'} on: {held} class(es) among "
                    f"{len(self.samples):,} {self.samples.noun}s. Give more labels, or leave out --calibrate and "
                    "--threshold."
                )


class HeadTrainer(Trainer):
    """Trains `ClassHeads`, and writes encoder and heads as they are, whatever the step: an average of the one would not
    fit the other.

    Arguments:
        questions: what the heads are asked.
        calibration: what is chosen on held-out samples, at each export; None: nothing.
    """

    def __init__(
        self,
        learner: ClassHeads,
        source: Source,
        *arguments: Any,
        questions: Sequence[Question],
        calibration: Calibration | None = None,
        **options: Any,
    ) -> None:
        super().__init__(learner, source, *arguments, **options)
        self.questions, self.calibration = list(questions), calibration
        self.average = NoAverage()

    def export(self, folder: Path, *, step: int) -> None:
        facts = {**self.describe, "step": step, "total_steps": self.total_steps}
        assert isinstance(self.learner, ClassHeads)
        encoder = self.learner.encoder
        assert isinstance(encoder, Encoder)
        export_encoders({"encoder": encoder}, folder, facts)
        save_classifier(encoder, self.learner.heads, self.calibrated(), folder / FOLDER, extra=facts)

    def calibrated(self) -> list[Question]:
        """The questions, their numbers set right by the heads as they are now."""
        if self.calibration is None:
            return self.questions
        names = [question.name for question in self.questions]
        labels = classes_of(self.calibration.samples, names)
        return [self.calibration(*of) for of in zip(self.questions, self._held_out(), labels, strict=True)]

    def _held_out(self) -> list[Tensor]:
        """`(N, P)` outputs of each head for the held-out samples, on the CPU."""
        assert self.calibration is not None
        assert isinstance(self.learner, ClassHeads)
        z = embeddings_of(self.learner.encoder, self.calibration.samples, self.device)  # type: ignore[arg-type]
        with torch.no_grad():
            return [logits.float().cpu() for logits in self.learner.heads(z)]


class NoAverage(WeightAverage):
    """No average: neither time nor memory of it."""

    def __init__(self) -> None:
        self.encoder = nn.Identity()

    def update(self, encoder: nn.Module, step: int) -> None: ...

    def restore(self, state: dict[str, Any] | None, encoder: nn.Module) -> None: ...
