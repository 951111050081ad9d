"""The training of a translator: a `Trainer` that writes a generator and pictures of what it does; and one that is there
already, as a job."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from contrapose.data import Samples
from contrapose.data.source import Source
from contrapose.encoders.generator_folder import FOLDER, save_generator
from contrapose.errors import RunError
from contrapose.learners import Translation
from contrapose.training.job import Job, Report
from contrapose.training.loop import Trainer
from contrapose.training.pictures import in_grid, scale_of, write_pictures

ROWS, COLUMNS = 8, 10
"""Of the picture of translations: samples, and classes at most."""
BLOCK = 256
"""Samples that are translated at a time."""


class TranslatorTrainer(Trainer):
    """Trains a `Translation`, and writes the translator as it is, with the verdict that stood at its end.

    Arguments:
        samples: some of which are translated for people.
    """

    def __init__(self, learner: Translation, source: Source, *arguments: Any, samples: Samples, **options: Any) -> None:
        super().__init__(learner, source, *arguments, **options)
        # Norms of each picture by itself are slower on pictures whose channels are last: a third of a step.
        self.learner.to(memory_format=torch.contiguous_format)
        self.samples = samples

    def export(self, folder: Path, *, step: int) -> None:
        facts = {**self.describe, "step": step, "total_steps": self.total_steps}
        verdict = self.reporter.verdicts.standing
        leave(self.learner.encoder, self.samples, folder, {**facts, "verdict": verdict})


class BroughtTranslator(Job):
    """A translator that was trained elsewhere, copied into the run: one step, in which nothing is done.

    Arguments:
        translator: what is copied.
        samples: some of which are translated for people.
        describe: facts that are kept with it.
    """

    total_steps = 1

    def __init__(self, translator: nn.Module, *, samples: Samples, describe: dict[str, Any]) -> None:
        self.translator, self.samples, self.describe = translator, samples, describe

    def step(self, number: int) -> Report:
        return Report(said="a translator from elsewhere")

    def state(self) -> dict[str, Any]:
        return {"brought": True}

    def restore(self, state: dict[str, Any]) -> None:
        if "brought" not in state:
            raise RunError("The checkpoint is of a translator that is trained, and this run brings one. Start anew.")

    def export(self, folder: Path, *, step: int) -> None:
        leave(self.translator, self.samples, folder, {**self.describe, "verdict": None})


def leave(translator: Any, samples: Samples, folder: Path, facts: dict[str, Any]) -> None:
    """Write a generator into the folder, and a picture of its translations beside it."""
    training = translator.training
    translator.eval()
    save_generator(translator, folder / FOLDER, extra=facts)
    caption = (
        "Left: pictures of the data. Beside each: its translations, one a class, in the order "
        f"{', '.join(translator.classes[:COLUMNS])}. What should change is what goes with the class; what should stay "
        "is the class itself."
    )
    write_pictures(folder, [(translation_sheet(translator, samples), "Translations", caption)])
    translator.train(training)


@torch.no_grad()
def translation_sheet(translator: Any, samples: Samples, *, rows: int = ROWS) -> np.ndarray:
    """Some samples, classes in turn, each beside its translations: one picture, `(H, W, 3)` uint8."""
    labels = samples.labels
    order = np.arange(len(samples)) if labels is None else _classes_in_turn(labels)
    raw = samples.batch(order[:rows]).to(translator.device)  # (R, C, H, W)
    columns = [raw.cpu()]
    for number in range(min(COLUMNS, len(translator.classes))):
        wanted = torch.full((len(raw),), number, dtype=torch.int64, device=raw.device)  # (R,)
        columns.append(as_bytes(translator(raw, wanted)))
    tiles = torch.stack(columns, dim=1)  # (R, 1 + K, C, H, W)
    return in_grid(_shown(tiles), scale=scale_of(tiles))


@torch.inference_mode()
def translations_of(translator: Any, samples: Samples, number: int) -> np.ndarray:
    """All samples as pictures of the class of that number, `(N, C, H, W)` uint8, in their order."""
    made = []
    for rows in torch.arange(len(samples)).split(BLOCK):
        raw = samples.batch(rows).to(translator.device)  # (B, C, H, W)
        wanted = torch.full((len(raw),), number, dtype=torch.int64, device=raw.device)  # (B,)
        made.append(as_bytes(translator(raw, wanted)))
    return torch.cat(made).numpy()


def as_bytes(pictures: Tensor) -> Tensor:
    """Pictures in [0, 1] as uint8 on the CPU."""
    return (pictures.float() * 255).round().clamp(0, 255).to(torch.uint8).cpu()


def _shown(tiles: Tensor) -> Tensor:
    """Three channels as they are, of any other number the first as grey."""
    return tiles if tiles.shape[2] == 3 else tiles[:, :, :1]


def _classes_in_turn(labels: np.ndarray) -> np.ndarray:
    """Row numbers: the first of each class, then the second of each, ..."""
    order = np.argsort(labels, kind="stable")
    starts = np.searchsorted(labels[order], labels[order])  # where each one's class begins
    place = np.arange(len(labels)) - starts  # its place in its class
    return order[np.lexsort((labels[order], place))]
