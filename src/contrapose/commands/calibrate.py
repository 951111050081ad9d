"""`contrapose calibrate`: the scores of a classifier set right for another domain, by a handful of labelled samples."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from contrapose.classifier import load_classifier
from contrapose.commands.reading import Reading
from contrapose.data import Samples, class_texts
from contrapose.encoders.architecture import architecture_of
from contrapose.encoders.classifier_folder import classifier_folder, save_classifier
from contrapose.encoders.heads import Question
from contrapose.errors import ArgumentError, DataError
from contrapose.evaluation import accuracies, area_under_curve, fitting_domain
from contrapose.modalities import modality_of
from contrapose.words import counted


@dataclass(frozen=True)
class Calibrated:
    """What came of a calibration.

    Arguments:
        folder: the new classifier.
        questions: of it, in order; those of more than two classes are as they were.
        lines: what a person should know, a sentence each without its full stop.
        samples: the samples that it was fitted to.
    """

    folder: Path
    questions: tuple[Question, ...]
    lines: tuple[str, ...]
    samples: Samples


def calibrate(
    run: str | Path,
    data: Any,
    *,
    out: str | Path,
    limit: int | None = None,
    white: float | None = None,
    image_column: str | None = None,
    text_column: str | None = None,
    label_column: str | None = None,
    labels: Any = None,
    device: str = "cpu",
    quiet: bool = False,
) -> Calibrated:
    """Set the scores of a classifier's questions of two classes right for the domain of `data`: slope and threshold.

    The order of samples stays as it was, and with it the area under the curve; what changes is how sure the classifier
    is, and from where on it answers one class or the other. `evaluation.fitting_domain` has the equation.

    Arguments:
        run: run folder or classifier folder; it stays as it is.
        data: a few labelled samples of the domain (80 in the ImagiNet paper's repository). They must not be tested on.
        out: the folder of the new classifier, which `apply`, `evaluate` and `load_classifier` take in the place of a
            run.
        limit: use at most so many samples.
        white: the value that is white in pictures deeper than 8 bits. None: as the encoder keeps it.
        image_column, text_column, label_column, labels: as in `evaluate`. Of a classifier of several questions each is
            read from the column of its name.

    Errors:
        ArgumentError: no question of two classes; a folder that is there already.
        DataError: no labels, or of one class only; scores that are the wrong way round.
        RunError: no classifier in `run`.
    """
    folder = Path(out)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ArgumentError(f"{folder} is there already: name another folder with --out.")
    classifier = load_classifier(run, device=device, white=white)
    two = [question for question in classifier.questions if len(question.classes) == 2]
    if not two:
        asked = ", ".join(f"{one.name} ({len(one.classes)} classes)" for one in classifier.questions)
        raise ArgumentError(
            f"A few samples set two classes right, and {run} is asked {asked}. For more classes train with --calibrate."
        )
    reading = Reading.of(
        run, image_column=image_column, text_column=text_column, label_column=label_column, labels=labels
    )
    alone = len(classifier.questions) == 1
    opened = {
        question.name: reading.open(
            classifier, data, limit=limit, progress=not quiet, **({} if alone else {"label_column": question.name})
        )
        for question in two
    }
    samples = next(iter(opened.values()))
    logits = classifier.trained.logits(torch.from_numpy(classifier.embed(samples)))
    questions, lines = [], []
    for question, outputs in zip(classifier.questions, logits, strict=True):
        if question.name not in opened:
            questions.append(question)
            lines.append(f"{question.name}: {len(question.classes)} classes, left as it was")
            continue
        fitted, told = _fitted(question, outputs, opened[question.name])
        questions.append(fitted)
        lines += told
    found = classifier_folder(run)
    assert found is not None, "it was loaded"
    extra = {**architecture_of(found).extra, "calibrated_on": samples.origin}
    save_classifier(classifier.encoder, classifier.trained.heads, questions, folder, extra=extra)
    samples.notes = (*samples.notes, *modality_of(samples).read_by(classifier.encoder, samples))
    return Calibrated(folder, tuple(questions), tuple(lines), samples)


def _fitted(question: Question, logits: torch.Tensor, samples: Samples) -> tuple[Question, list[str]]:
    """The question set right by its outputs `(N, 2)` for labelled samples, and what is to be said of it."""
    truths = np.asarray([text or "" for text in class_texts(samples) or [""] * len(samples)])  # (N,)
    known = np.isin(truths, question.classes)  # (N,)
    there = sorted(set(truths[known].tolist()))
    names = " and ".join(question.classes)
    if len(there) < 2:
        only = f"only {there[0]} among" if there else "none of them among"
        raise DataError(
            f"Calibrating {question.name} takes labelled {samples.noun}s of both {names}, and there is {only} the "
            f"{len(samples):,} of {samples.origin}. Add some of the other class."
        )
    one = question.classes[question.positive]
    scores, positive = question.scores(logits[torch.from_numpy(known)]), truths[known] == one  # (n,) each
    try:
        map_ = fitting_domain(scores, positive)
    except ArgumentError as error:
        raise DataError(f"{question.name} cannot be calibrated on {samples.origin}: {error}") from error
    fitted = replace(
        question,
        temperature=question.temperature / map_.weight,
        shift=map_.weight * question.shift + map_.bias,
        threshold=None,
        chosen={
            **question.chosen,
            "calibrated_on": map_.samples,
            "weight": round(map_.weight, 6),
            "bias": round(map_.bias, 6),
        },
    )
    before, after = (
        accuracies(_answers(each, logits)[known], truths[known])["accuracy, balanced"] for each in (question, fitted)
    )
    area = area_under_curve(scores.numpy(), positive)
    left_out = f"; {len(truths) - int(known.sum()):,} without one of its classes left out" if not known.all() else ""
    return fitted, [
        f"{question.name}: fitted to {counted(map_.samples, samples.noun)}{left_out}; weight {map_.weight:.3g}, bias "
        f"{map_.bias:.3g}",
        f"{question.name}: balanced accuracy on these very {samples.noun}s {before} before, {after} after; AUC {area}, "
        "as before",
    ]


def _answers(question: Question, logits: torch.Tensor) -> np.ndarray:
    """The class that each row of `(N, 2)` outputs names, `(N,)`."""
    return np.asarray(question.classes)[question.answers(question.probabilities(logits)).numpy()]
