"""Pictures of what a run's density draws: seeds, and where ascents of each class's logit lead from there."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from contrapose.data import Samples
from contrapose.data.samples import evenly_spaced
from contrapose.learners.dual_training import AttackedClassifier, DualAdversarial
from contrapose.robustness import Steps, climb
from contrapose.training.pictures import in_grid, write_pictures

SHOWN = 10
"""Classes and seeds that are shown."""
SMALL, LARGE = 48, 4
"""Pictures of fewer pixels a side are enlarged, so many times at most."""


class Ascents:
    """(learner, folder) -> None: leaves two pictures, from seeds and from real pictures.

    Arguments:
        seeds: where ascents begin.
        samples: real pictures, for counterfactuals.
        classes: what the classes are called.
        length: of a step.
        radius: of the ball of counterfactuals.
    """

    def __init__(
        self, seeds: Samples, samples: Samples, classes: Sequence[str], *, length: float, radius: float
    ) -> None:
        self.classes, self.length, self.radius = classes, length, radius
        self.seeds = seeds.batch(evenly_spaced(len(seeds), SHOWN))  # (n, C, H, W) uint8
        self.real = samples.batch(evenly_spaced(len(samples), SHOWN))

    def __call__(self, learner: AttackedClassifier, folder: Path) -> None:
        assert isinstance(learner, DualAdversarial)
        count = int(learner.curriculum.length)
        classes = range(min(len(self.classes), SHOWN))
        named = ", ".join(self.classes[number] for number in classes)
        free = [self._moved(learner, self.seeds, number, Steps(max(1, count), self.length)) for number in classes]
        near = [
            self._moved(learner, self.real, number, Steps(max(1, count), self.length, radius=self.radius))
            for number in classes
        ]
        scale = max(1, min(LARGE, SMALL // self.seeds.shape[-1]))
        write_pictures(
            folder,
            [
                (
                    in_grid([self.seeds, *free], scale=scale),
                    "Ascents from seeds",
                    f"First row: seeds. Below: where {max(1, count)} steps of length {self.length:g} up the logit of a "
                    f"class lead from each, by the moving average; a row a class: {named}.",
                ),
                (
                    in_grid([self.real, *near], scale=scale),
                    "Counterfactuals",
                    f"First row: pictures of the data. Below: the same moved towards a class by as many steps, within "
                    f"an L2 ball of radius {self.radius:g}; a row a class: {named}.",
                ),
            ],
        )

    def _moved(self, learner: AttackedClassifier, pictures: Tensor, number: int, steps: Steps) -> Tensor:
        """`(n, C, H, W)` uint8 moved towards a class."""
        network = learner.averaged
        device = next(network.parameters()).device
        found = climb(lambda x: network(x)[:, number], pictures.to(device) / 255, steps)
        return found.mul(255).round().to(torch.uint8).cpu()
