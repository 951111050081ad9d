"""The training of a classifier that is used as its moving average: a `Trainer` that writes that, encoder and heads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from contrapose.data.source import Source
from contrapose.encoders import Encoder
from contrapose.encoders.classifier_folder import FOLDER, save_classifier
from contrapose.encoders.heads import Heads, Question
from contrapose.learners.dual_training import AttackedClassifier, DualAdversarial
from contrapose.training.heads import NoAverage
from contrapose.training.loop import Trainer
from contrapose.training.state import export_encoders, export_tables
from contrapose.words import counted

Draw = Callable[[AttackedClassifier, Path], None]


class AveragedTrainer(Trainer):
    """Trains an `AttackedClassifier`, and writes its moving average, whatever the step: `encoder/`, and `classifier/`
    with the head.

    Arguments:
        question: what the head is asked.
        draw: (learner, folder) -> None: leaves pictures of what was learned, at the end; None: none.
    """

    def __init__(
        self,
        learner: AttackedClassifier,
        source: Source,
        *arguments: Any,
        question: Question,
        draw: Draw | None = None,
        **options: Any,
    ) -> None:
        super().__init__(learner, source, *arguments, **options)
        self.question, self.draw = question, draw
        self.average = NoAverage()  # the learner has one of its own

    def export(self, folder: Path, *, step: int) -> None:
        facts = {**self.describe, "step": step, "total_steps": self.total_steps, "weights": "their moving average"}
        encoder, heads = self.averaged
        export_encoders({"encoder": encoder}, folder, facts)
        save_classifier(encoder, heads, [self.question], folder / FOLDER, extra=facts)
        export_tables(self.learner.tables(), folder)
        if self.draw is not None and step >= self.total_steps:  # ascents of all classes take a while
            self.draw(self._own, folder)

    @property
    def averaged(self) -> tuple[Encoder, Heads]:
        """Encoder and head, as they are used."""
        network = self._own.averaged
        assert isinstance(network.encoder, Encoder)
        return network.encoder, network.heads

    def closing(self) -> str:
        """The times of a step; of the second stage also how far ascents came."""
        line, learner = super().closing(), self.learner
        if not isinstance(learner, DualAdversarial):
            return line
        curriculum = learner.curriculum
        told = f"ascents came to {int(curriculum.length)} of at most {counted(curriculum.longest, 'step')}"
        if curriculum.longest and not int(curriculum.length):
            told += (
                f"; they never began, for {curriculum.window:,} steps with a mean AUC of {curriculum.threshold:g} have "
                "to come first, so the density knows seeds alone: more --epochs, or a smaller --window"
            )
        return (
            f"{told}; the log density ran away, and nothing was learned after it\n{line}"
            if bool(learner.diverged)
            else f"{told}\n{line}"
        )

    @property
    def _own(self) -> AttackedClassifier:
        assert isinstance(self.learner, AttackedClassifier)
        return self.learner


def question_of(name: str, classes: Sequence[str], labels: Any) -> Question:
    """What a head of classes `(N,)` of labels is asked."""
    counts = [int((labels == number).sum()) for number in range(len(classes))]
    return Question(name, tuple(classes), tuple(counts))
