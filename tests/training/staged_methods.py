"""Methods that take more than one learner or one data set."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parents[1]))  # where it is called as a program
from contrapose.data import Batch, Beside, Samples
from contrapose.encoders import load_encoder
from contrapose.errors import RunError
from contrapose.learners import Siamese, Step
from contrapose.methods import METHODS
from contrapose.methods.method import About, register
from contrapose.methods.simclr import SimCLR
from contrapose.training.job import Job, Report
from contrapose.training.pictures import in_grid, write_pictures
from contrapose.training.stages import Context, Stage

ABOUT = About(question="who is a positive, when labels do not say?", purpose="for tests", paper="none")
ROUNDS = 3


class Clusters(Job):
    """k-means: a round a step."""

    unit = "rounds"

    def __init__(
        self, rows: Any, count: int, rounds: int, generator: torch.Generator, *, samples: Samples | None = None
    ) -> None:
        self.total_steps, self.rows, self.samples = rounds, torch.as_tensor(rows), samples
        self.centres = self.rows[torch.randperm(len(rows), generator=generator)[:count]]  # (K, D)

    def _nearest(self) -> torch.Tensor:
        return torch.cdist(self.rows, self.centres).argmin(dim=1)  # (N,)

    def step(self, number: int) -> Report:
        nearest = self._nearest()
        parts = [self.rows[nearest == number] for number in range(len(self.centres))]
        centres = [part.mean(dim=0) if len(part) else old for part, old in zip(parts, self.centres, strict=True)]
        self.centres = torch.stack(centres)  # (K, D)
        spread = float((self.rows - self.centres[nearest]).square().sum(dim=1).mean())
        return Report(said=f"spread {spread:.3f}", numbers={"loss": spread})

    def state(self) -> dict[str, Any]:
        return {"centres": self.centres}

    def restore(self, state: dict[str, Any]) -> None:
        if "centres" not in state:
            raise RunError("The checkpoint is not one of clusters.")
        self.centres = state["centres"]

    def export(self, folder: Path, *, step: int) -> None:
        nearest = self._nearest()
        np.save(folder / "clusters.npy", nearest.numpy())
        if self.samples is not None:
            members = [torch.nonzero(nearest == number)[:8, 0] for number in range(len(self.centres))]
            grid = in_grid([self.samples.batch(rows) for rows in members if len(rows)])
            write_pictures(folder, [(grid, "Examples of clusters", "A row a cluster: its first eight pictures.")])


@dataclass(frozen=True, kw_only=True)
class Relabelled(SimCLR):
    """Contrast without labels; clusters of what was learned; contrast with these as labels, from the same weights."""

    about: ClassVar[About] = ABOUT
    clusters: int = 4
    """Clusters."""

    def stages(self, context: Context) -> Sequence[Stage]:
        steps = context.steps()
        return [
            Stage("first", steps, lambda context: context.trainer(*context.parts())),
            Stage("clusters", ROUNDS, self._clusters),
            Stage("second", steps, self._second),
        ]

    def _clusters(self, context: Context) -> Job:
        rows = context.embeddings(load_encoder(context.artifacts["first"] / "encoder")).cpu()
        return Clusters(rows, self.clusters, ROUNDS, context.generator("centres"), samples=context.samples)

    def _second(self, context: Context) -> Job:
        shared = {field.name: getattr(context.config, field.name) for field in fields(METHODS["supcon"])}
        encoder = load_encoder(context.artifacts["first"] / "encoder")
        samples = context.samples.with_labels(np.load(context.artifacts["clusters"] / "clusters.npy"))
        _, source = context.parts(samples=samples, initial=encoder)
        return context.trainer(METHODS["supcon"](**shared).new_learner(encoder), source)


class OnBoth(Siamese):
    """The loss on a batch, and on the one beside it."""

    def forward(self, batch: Batch) -> Step:
        own, other = super().forward(batch), super().forward(batch.others["target"])
        return Step(own.loss + other.loss, own.embeddings, own.pairing, log={"target_loss": other.loss.detach()})


@dataclass(frozen=True, kw_only=True)
class TwoSets(SimCLR):
    """Contrast on two data sets at once."""

    about: ClassVar[About] = ABOUT
    target_data: str = ""
    """The second data set."""

    def other_data(self) -> dict[str, str]:
        return {"target": self.target_data}

    def learner(self, encoder: Any, *, generator: torch.Generator) -> Siamese:
        plain: Any = super().learner(encoder, generator=generator)
        return OnBoth(plain.encoder, plain.head, plain.objective, chance=plain.chance)

    def stages(self, context: Context) -> Sequence[Stage]:
        learner, main = context.parts()
        target = context.source(main.views, samples=context.others["target"], batch_size=4)
        source = Beside(main, {"target": target})
        return [Stage("train", self.epochs * source.steps_per_epoch, lambda context: context.trainer(learner, source))]


OWN = {"relabelled": Relabelled, "two-sets": TwoSets}


@contextmanager
def registered() -> Iterator[None]:
    """The methods are known while the block runs."""
    for name, method in OWN.items():
        register(name)(method)
    try:
        yield
    finally:
        for name in OWN:
            METHODS._entries.pop(name)
