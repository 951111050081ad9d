"""A trained classifier that names the classes of whatever a person hands it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from contrapose.embedder import Embedder, load
from contrapose.encoders import Encoder, load_encoder
from contrapose.encoders.classifier_folder import TrainedHeads, classifier_folder, load_heads
from contrapose.encoders.heads import Question
from contrapose.encoders.stage_folder import no_encoder_there
from contrapose.errors import ArgumentError, RunError
from contrapose.shell import shell_command


class Classifier(Embedder):
    """An encoder with heads, in evaluation mode: `.predict(data)`, `.predict_proba(data)`, and `.embed(data)` besides.

    Of several questions (`--label-columns`) each call answers one, by default the first.

    Shapes:
        predict: N samples to `(N,)` class names; predict_proba: to `(N, P)` float64, in the order of `classes`.
    """

    def __init__(self, encoder: Encoder, trained: TrainedHeads) -> None:
        super().__init__(encoder)
        self.trained = trained

    @property
    def questions(self) -> tuple[Question, ...]:
        """What it was trained to tell, with classes, temperature and threshold."""
        return self.trained.questions

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the first question's classes."""
        return self.questions[0].classes

    def predict(self, data: Any, *, question: str | None = None, **options: Any) -> np.ndarray:
        """The class of everything in `data`, in order.

        Arguments:
            data, options: as in `embed`.
            question: which of several is answered.

        Errors:
            ArgumentError: no question of that name.
            DataError: as `embed`.
        """
        number = self._number(question)
        return self.answers(self.embed(data, **options))[number][0]

    def predict_proba(self, data: Any, *, question: str | None = None, **options: Any) -> np.ndarray:
        """The probability of each class; arguments and errors as in `predict`."""
        number = self._number(question)
        return self.answers(self.embed(data, **options))[number][1]

    def answers(self, z: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
        """For each question the class names `(N,)` and the probabilities `(N, P)` of `(N, D)` embeddings."""
        found = []
        for question, logits in zip(self.questions, self.trained.logits(torch.from_numpy(z)), strict=True):
            p = question.probabilities(logits)  # (N, P)
            found.append((np.asarray(question.classes)[question.answers(p).numpy()], p.numpy()))
        return found

    def _number(self, name: str | None) -> int:
        names = [question.name for question in self.questions]
        if name is None:
            return 0
        if name not in names:
            raise ArgumentError(f"The classifier was not trained to tell {name!r}: it tells {', '.join(names)}.")
        return names.index(name)


def load_classifier(path: Path | str, *, device: str | torch.device = "cpu", white: float | None = None) -> Classifier:
    """The classifier of a run folder (or of a `classifier/` folder by itself). No code in it is ever run.

    >>> classifier = contrapose.load_classifier("runs/classifier-cells")    # doctest: +SKIP
    >>> classifier.predict("new_cells/")                                    # doctest: +SKIP
    array(['basophil', 'eosinophil', ...])

    Arguments:
        white: the value that is white in pictures deeper than 8 bits, in the place of what the encoder keeps.

    Errors:
        RunError: no classifier there, damaged, or of a newer version.
    """
    folder = classifier_folder(path)
    if folder is None:
        if not Path(path).is_dir() and (reason := no_encoder_there(path)):
            raise RunError(reason)
        there = "holds no classifier, only an encoder" if (Path(path) / "encoder").is_dir() else "holds no classifier"
        own = Path(path) / "encoder"
        if (own / "encoder.json").is_file() and load_encoder(own).modality == "pairs":
            command = shell_command("evaluate", path, "--data", "LABELLED", "--task", "prompts")
            raise RunError(
                f"{path} holds two towers, and no classifier: they name pictures by sentences. See {command}"
            )
        command = shell_command("train", "classifier", "--base", path, "--data", "LABELLED")
        raise RunError(f"{path} {there}. Train one on it: {command}")
    encoder = load(folder, device=device, white=white).encoder
    return Classifier(encoder, load_heads(folder)).eval()
