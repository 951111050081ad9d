"""The training of what perturbs pictures: a `Trainer` that writes a perturbation, and pictures before and after."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from contrapose.data import Samples
from contrapose.encoders.perturbations import FOLDER, SavedPerturbation, save_perturbation
from contrapose.training.loop import Trainer
from contrapose.training.pictures import in_grid, scale_of, write_pictures

ROWS = 8
STRONGER = 8
"""How much stronger the change is shown, around grey."""

Made = Callable[[Any, dict[str, Any]], SavedPerturbation]
"""(the learner, facts that are kept) -> what is written."""


class PerturbationTrainer(Trainer):
    """Trains a learner that has `changed(x)`, and writes what `made` says is to be kept of it.

    Arguments:
        samples: some of which are shown before and after.
        made: the learner, and facts, into what is written.
    """

    def __init__(self, *arguments: Any, samples: Samples, made: Made, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.samples, self.made = samples, made

    def export(self, folder: Path, *, step: int) -> None:
        facts = {**self.describe, "step": step, "total_steps": self.total_steps}
        save_perturbation(self.made(self.learner, facts), folder / FOLDER)
        before = self.samples.batch(torch.arange(min(ROWS, len(self.samples)))).to(self.device)  # (R, C, H, W)
        learner: Any = self.learner
        after = (255 * learner.changed(before.float() / 255)).round().clamp(0, 255)  # (R, C, H, W)
        change = (127.5 + STRONGER * (after - before.float())).round().clamp(0, 255)
        tiles = torch.stack([before.float(), after, change], dim=1).to(torch.uint8).cpu()  # (R, 3, C, H, W)
        tiles = tiles if tiles.shape[2] == 3 else tiles[:, :, :1]
        caption = (
            "Left: pictures of the data. In the middle the same, perturbed. On the right the change itself, "
            f"{STRONGER} times as strong, around grey."
        )
        write_pictures(folder, [(in_grid(tiles, scale=scale_of(tiles)), "Before and after", caption)])
