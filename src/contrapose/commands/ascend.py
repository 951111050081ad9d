"""`contrapose apply RUN SEEDS --towards CLASS`: pictures that a classifier's own gradients make of others."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from contrapose.atomic import whole_folder, write_atomically
from contrapose.classifier import Classifier, load_classifier
from contrapose.commands.reading import Reading
from contrapose.data import Images, Samples
from contrapose.encoders import ImageEncoder
from contrapose.encoders.heads import Question
from contrapose.errors import ArgumentError, did_you_mean
from contrapose.robustness import Steps, climb
from contrapose.training.pictures import in_grid

BATCH = 256
STEPS, STEP = 32, 0.2
"""Of an ascent, and how long each is, white being 1: DAT's for CIFAR."""
ROW, SHOWN = 10, 100
"""Pictures in a row of the sheet, and on it."""
LIST, SHEET = "ascents.jsonl", "ascents.png"


def ascend(
    run: str | Path,
    data: Any,
    *,
    towards: Sequence[str],
    out: str | Path,
    steps: int = STEPS,
    step: float = STEP,
    radius: float | None = None,
    limit: int | None = None,
    white: float | None = None,
    image_column: str | None = None,
    device: str = "cpu",
    quiet: bool = False,
) -> Samples:
    """Move pictures up the logit of a class, and write what becomes of them into a folder.

        x <- x + step g / |g|_2,   g the gradient of h_class(x);   within the ball, within [0, 1]

    From seeds that are no pictures of the data (`made:fields`) it draws pictures of a class, where the classifier was
    trained to (`contrapose train dat`); from real pictures within a radius it makes counterfactuals: what would have
    to change for another answer. Of a classifier that bears no attacks both are mostly noise. How many steps are best
    depends on the run; choosing them by a distance to test pictures is tuning on these.

    Arguments:
        run: run folder or classifier folder, of pictures.
        data: seeds or pictures, what `--data` takes.
        towards: names of classes of one question; the i-th picture goes towards the class of number i modulo how many
            there are.
        out: a new folder: a `.png` for each, `ascents.jsonl` with a line for each (identifier, file, class,
            probability and log density before and after, L2 distance), and `ascents.png`, where each stands beneath
            what it came from.
        steps, step: how many, and their L2 length, white being 1. 32 and 0.2: DAT's for CIFAR; 15 and 8 for ImageNet.
        radius: of the L2 ball around each picture that is not left; None: there is none.
        limit, white, image_column, device: as in `apply`.

    Returns the data as read.

    Errors:
        ArgumentError: a class that no question has, a classifier of something else than pictures of 1 or 3 channels, a
            folder that is there, steps that cannot be made.
        RunError: no classifier in `run`.

    Paper: Yin et al. (DAT), https://arxiv.org/abs/2510.13872
    """
    folder = Path(out)
    if folder.exists():
        raise ArgumentError(
            f"--out {folder} is there already; pictures go into a folder of their own, so name a new one."
        )
    _check(steps, step, radius)
    way = Steps(steps, step, radius=math.inf if radius is None else radius)
    classifier = load_classifier(run, device=device, white=white)
    encoder = classifier.encoder
    if not isinstance(encoder, ImageEncoder) or encoder.channels not in (1, 3):
        raise ArgumentError(
            f"{run} is no classifier of grey or coloured pictures, and --towards moves pixels. Leave it out: "
            "apply then names classes."
        )
    number, question = _question(classifier, towards)
    reading = Reading.of(run, image_column=image_column, labels="none")
    reading = Reading(reading.asked, {name: column for name, column in reading.usual.items() if name != "label_column"})
    samples = reading.open(classifier, data, limit=limit, progress=not quiet)
    assert isinstance(samples, Images)
    places = [question.classes.index(name) for name in towards]
    labels = torch.arange(len(samples)) % len(places)
    labels = torch.tensor(places)[labels]  # (N,)
    with whole_folder(folder) as made:
        _write(made, classifier, samples, labels, number, way)
    return samples


def _check(steps: int, step: float, radius: float | None) -> None:
    for option, value in (("--ascent-steps", steps), ("--ascent-step", step), ("--radius", radius)):
        if value is not None and not value > 0:  # nor is NaN
            raise ArgumentError(f"{option} must be above 0, got {value:g}.")


def _question(classifier: Classifier, towards: Sequence[str]) -> tuple[int, Question]:
    """The first question that has all these classes.

    Errors:
        ArgumentError: none has.
    """
    for number, question in enumerate(classifier.questions):
        if set(towards) <= set(question.classes):
            return number, question
    known = [name for question in classifier.questions for name in question.classes]
    strange = next((name for name in towards if name not in known), None)
    if strange is None:
        raise ArgumentError(f"{', '.join(towards)} are classes of different questions: name those of one.")
    raise ArgumentError(f"No class is called {strange!r}.{did_you_mean(strange, known)}")


def _write(folder: Path, classifier: Classifier, samples: Images, labels: Tensor, number: int, way: Steps) -> None:
    encoder, question = classifier.encoder, classifier.questions[number]
    heads = classifier.trained.heads.to(encoder.device)

    def logits(x: Tensor) -> Tensor:
        found: Tensor = heads(encoder(x))[number].float()  # (B, P)
        return found

    def wanted(x: Tensor, labels: Tensor) -> Tensor:
        return logits(x).gather(1, labels[:, None]).squeeze(1)  # (B,)

    lines, shown = list[str](), list[Tensor]()
    for rows in torch.arange(len(samples)).split(BATCH):
        before = samples.batch(rows)  # (B, C, H, W) uint8
        own, x = labels[rows].to(encoder.device), before.to(encoder.device) / 255
        after = climb(partial(wanted, labels=own), x, way)  # (B, C, H, W)
        pixels = after.mul(255).round().to(torch.uint8).cpu()
        apart = (after - x).flatten(1).norm(dim=1).tolist()
        told = [_told(question, logits(one), own) for one in (x, after)]
        for place, row in enumerate(rows.tolist()):
            name = f"{row:06d}.png"
            write_atomically(folder / name, _png(pixels[place]))
            line = {
                "identifier": str(samples.identifiers[row]),
                "file": name,
                "towards": question.classes[int(own[place])],
                "answer_before": told[0][0][place],
                "answer": told[1][0][place],
                "probability_before": round(told[0][1][place], 6),
                "probability": round(told[1][1][place], 6),
                "log_density_before": round(told[0][2][place], 4),
                "log_density": round(told[1][2][place], 4),
                "distance": round(apart[place], 4),
            }
            lines.append(json.dumps(line, ensure_ascii=False))
        if len(shown) * ROW < SHOWN:
            shown += [one for pair in zip(before.split(ROW), pixels.split(ROW), strict=True) for one in pair]
    write_atomically(folder / LIST, ("\n".join(lines) + "\n").encode())
    scale = max(1, 64 // samples.image_size)
    sheet = torch.from_numpy(in_grid(shown[: 2 * SHOWN // ROW], scale=scale)).permute(2, 0, 1)  # (3, H2, W2)
    write_atomically(folder / SHEET, _png(sheet))


@torch.no_grad()
def _told(question: Question, logits: Tensor, labels: Tensor) -> tuple[list[str], list[float], list[float]]:
    """Of each picture the class that is named, the probability of the one that is wanted, the log density."""
    p = question.probabilities(logits).cpu()  # (B, P)
    named = [question.classes[place] for place in question.answers(p).tolist()]
    return named, p.gather(1, labels.cpu()[:, None]).squeeze(1).tolist(), logits.logsumexp(dim=1).tolist()


def _png(pixels: Tensor) -> bytes:
    """`(C, H, W)` uint8 as a file."""
    array = pixels.permute(1, 2, 0).numpy()  # (H, W, C)
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(array[..., 0] if array.shape[2] == 1 else array)).save(buffer, "PNG")
    return buffer.getvalue()
