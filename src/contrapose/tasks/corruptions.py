"""Corruptions: what a classifier of pictures still answers once they were compressed, resized or blurred."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar, cast

import numpy as np

from contrapose.data import Images
from contrapose.data.images.pixels.corruption import CORRUPTIONS, corrupted
from contrapose.encoders.classifier_folder import TrainedHeads
from contrapose.errors import DataError
from contrapose.tasks.classification import ClassificationMeasurement
from contrapose.tasks.given import Given
from contrapose.tasks.setting import Setting
from contrapose.tasks.task import Embed, Measurement, Metrics, Task

TOLD = ("accuracy, balanced", "AUC")
"""What is measured under a corruption; the pictures as they are get all that the task classification measures."""


class _Corruptions(ClassificationMeasurement):
    """The same heads, on the same test pictures after each corruption."""

    def __init__(self, given: Given) -> None:
        super().__init__(given)
        if cast("Images", self.test).channels not in (1, 3):
            raise DataError(
                f"The task corruptions writes pictures into files, which hold 1 or 3 channels; {self.test.origin} has "
                f"{cast('Images', self.test).channels}. Measure by --task classification."
            )
        self.setting = Setting("corruptions", self.setting.options, self.setting.test)

    def __call__(self, embed: Embed) -> tuple[Metrics, np.ndarray]:
        heads = self.heads_for(embed)
        z = embed(self.test)  # (T, D)
        metrics = self.scored_by(heads, z)
        for corruption in CORRUPTIONS:
            found = self._in_short(heads, embed(corrupted(cast("Images", self.test), corruption)))
            metrics |= {
                f"{name}; {corruption}": replace(metric, name=f"{name}; {corruption}") for name, metric in found.items()
            }
        return metrics, z

    @property
    def notes(self) -> tuple[str, ...]:
        return (*super().notes, "pictures are corrupted at the size that the encoder takes, after they were opened")

    def _in_short(self, heads: TrainedHeads, z: np.ndarray) -> Metrics:
        return {
            name: metric
            for name, metric in self.scored_by(heads, z, full=False).items()
            if any(name == self.name_of(told, question) for told in TOLD for question in self.questions)
        }


class _CorruptionsTask(Task):
    name = "corruptions"
    needs = "a run of train classifier on pictures, and classes (--label-column NAME)"
    uses = ("label_column", "labels")
    artifacts = ("classifier",)
    modalities: ClassVar[tuple[str, ...] | None] = ("image",)

    def takes(self, given: Given) -> bool:
        return super().takes(given) and given.classifier is not None

    def fits(self, given: Given) -> bool:
        return False  # many times the work of classification: by its name alone

    def possible(self, given: Given) -> bool:
        return self.takes(given) and not given.targets.without_labels

    def prepare(self, given: Given) -> Measurement:
        return _Corruptions(given)


CORRUPTIONS_TASK = _CorruptionsTask()
