"""What is measured on an encoder: a function from what was trained to numbers by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from contrapose.claims.ground import TEST, VALIDATION, Ground
from contrapose.claims.outside import OUTSIDE
from contrapose.data import Batch, Samples, derived_generator
from contrapose.data.samples import LABEL
from contrapose.embedder import Embedder
from contrapose.errors import ArgumentError, DataError, did_you_mean
from contrapose.evaluation import knn, linear_probe
from contrapose.learners import Learner
from contrapose.learners.embed_views import embed_views
from contrapose.tasks import Given, Measurement, task_for

_BATCHES = 3  # names the random stream of batches that are only looked at


@dataclass
class Subject:
    """One encoder at one moment, with everything a measure may ask of it. Embeddings are made once.

    Arguments:
        embed: samples -> `(N, D)`.
        ground: the data of its seed.
        asked: the samples that are reported on: the validation split while tuning, else the test split.
        seed: of the arm.
        learner: what was trained (of several stages, in the last one), with its head and memory; None for the floor of
            the kind of data, and where the last stage trains none.
        views: its maker of views; None for that floor.
        run: the folder in which an arm of several stages was trained, an attack too; None for the others.
        exported: the encoders that lie there, by name.
        outside: whether it is a baseline that others trained, beside that floor.
        given: the encoders of the arms that it stands on, by the names of those arms.
        folders: where those arms left what they made.
    """

    embed: Callable[[Samples], np.ndarray]
    ground: Ground
    asked: Samples
    seed: int
    learner: Learner | None = None
    views: Callable[..., tuple[Any, ...]] | None = None
    run: Path | None = None
    exported: Mapping[str, nn.Module] = field(default_factory=dict)
    outside: bool = False
    given: Mapping[str, nn.Module] = field(default_factory=dict)
    folders: Mapping[str, Path] = field(default_factory=dict)
    _kept: dict[int, tuple[Samples, np.ndarray]] = field(default_factory=dict)

    def embeddings(self, samples: Samples) -> np.ndarray:
        """`(N, D)` of these samples, remembered."""
        if id(samples) not in self._kept:  # kept beside their rows, so that no others get their number
            self._kept[id(samples)] = samples, self.embed(samples)
        return self._kept[id(samples)][1]

    @property
    def artifacts(self) -> dict[str, nn.Module]:
        """All that a run exports, by the names of the folders: `encoder`, those trained beside it (`teacher`,
        `reference`), and what earlier stages left (`STAGE/encoder`); of an attack, `encoder` is the one attacked. A
        floor has none."""
        own = {} if self.learner is None else {"encoder": self.learner.encoder, **self.learner.companions()}
        return {**self.exported, **own}

    def beside(self, name: str) -> Subject:
        """The same with another artifact as its encoder.

        Errors:
            ArgumentError: the learner has no such.
        """
        if name not in self.artifacts:
            known = ", ".join(self.artifacts) or "none"
            raise ArgumentError(
                f"Nothing called {name!r} was trained here.{did_you_mean(name, self.artifacts)} There is: {known}."
            )
        encoder: Any = self.artifacts[name]
        return replace(self, embed=Embedder(encoder).embed, _kept={})

    def left(self, stage: str) -> Path:
        """The folder in which an earlier stage of the arm left what it made: files that are no encoder lie there too.

        Errors:
            ArgumentError: there was no such stage.
        """
        found = sorted(self.run.glob("stages/[!.]*")) if self.run is not None else []
        stages = {path.name: path for path in found}
        if stage not in stages:
            known = ", ".join(stages) or "none"
            raise ArgumentError(
                f"No earlier stage is called {stage!r}.{did_you_mean(stage, stages)} There is: {known}."
            )
        return stages[stage]

    @property
    def question(self) -> Any:
        """The table that a task asks in the place of the samples that are reported on; None where there is none."""
        return self.ground.questions.get(VALIDATION if self.asked is self.ground.validation else TEST)

    def batch(self, size: int, *, number: int = 0) -> Batch:
        """A batch of labelled samples under the run's own views, the same for every arm of a seed."""
        assert self.views is not None, "a floor has no views"
        known, generator = self.ground.labelled, derived_generator(self.seed, _BATCHES, number)
        indices = torch.randperm(len(known), generator=generator)[:size]  # (B,)
        views = self.views(known.batch(indices), generator=generator)
        targets = {name: torch.as_tensor(values)[indices] for name, values in known.targets.items()}  # (B,) each
        batch = Batch(views=views, indices=indices, targets=targets)
        return batch.to(next(self.learner.parameters()).device) if self.learner is not None else batch

    @torch.no_grad()
    def projections(self, size: int, *, number: int = 0) -> Tensor:
        """`(V, B, D)`: what the projection head makes of such a batch, in evaluation mode, by running statistics."""
        learner: Any = self.learner
        views = self.batch(size, number=number).views
        return embed_views(lambda x: learner.head(learner.encoder(x)), views)


Measure = Callable[[Subject], Mapping[str, float]]


def nearest_neighbours(subject: Subject) -> dict[str, float]:
    """`kNN`: accuracy with k = 20 and temperature 0.07 (DINO's setting) on cosines, bank = the labelled samples."""
    bank, asked = subject.ground.labelled, subject.asked
    measured = knn(subject.embeddings(bank), _labels(bank), subject.embeddings(asked), _labels(asked))
    return {"kNN": measured.value}


def probe(subject: Subject) -> dict[str, float]:
    """`probe`: accuracy of a logistic regression whose strength was chosen within the labelled samples."""
    bank, asked = subject.ground.labelled, subject.asked
    generator = torch.Generator().manual_seed(subject.seed)
    measured = linear_probe(
        subject.embeddings(bank), _labels(bank), subject.embeddings(asked), _labels(asked), generator=generator
    )
    return {"probe": measured.value}


def few_labels(per_class: int) -> Measure:
    """`kNN-P`: nearest neighbour with P labels a class, mean over 20 draws of the labels."""

    def measure(subject: Subject) -> dict[str, float]:
        bank, asked = subject.ground.labelled, subject.asked
        rows, labels = subject.embeddings(bank), _labels(bank)
        random = np.random.default_rng(0)  # the same draws for every arm and seed
        values = []
        for _ in range(20):
            drawn = np.concatenate(
                [random.choice(np.flatnonzero(labels == one), per_class, replace=False) for one in np.unique(labels)]
            )
            values.append(knn(rows[drawn], labels[drawn], subject.embeddings(asked), _labels(asked), k=1).value)
        return {f"kNN-{per_class}": float(np.mean(values))}

    return measure


def by_task(name: str, *, k: int = 20) -> Measure:
    """What a task of `contrapose evaluate` measures (`contrapose.tasks.TASKS`), every metric under its own name.

    "labelled-table", "regression" and "dense" learn on the labelled samples of the ground and ask those reported on, by
    their labels, numbers or masks; "scored-pairs" asks the ground's question. Of a metric that falls as things get
    better, take the negative in a prediction, and never choose by it.

    Arguments:
        k: neighbours of kNN.

    Errors:
        DataError: the ground does not have what the task needs.
    """

    def measure(subject: Subject) -> dict[str, float]:
        ground, question = subject.ground, subject.question
        given = Given(
            subject.asked,
            ground.labelled if question is None else question,
            subject.asked if question is None else None,
            open=lambda samples, **_: samples,  # in the form of the encoder already
            bring=ground.modality.open,
            k=k,
        )
        measurement = task_for(given, name).prepare(given)
        metrics, _ = measurement(_maps(subject, measurement, given) if measurement.of_maps else subject.embeddings)
        return {metric: found.value for metric, found in metrics.items()}

    return measure


def _maps(subject: Subject, measurement: Measurement, given: Given) -> Callable[[Samples], np.ndarray]:
    """How a subject is asked for maps: its encoder where it embeds by one, else what knows them without."""
    embedder = getattr(subject.embed, "__self__", None)
    return measurement.embed_with(embedder) if isinstance(embedder, Embedder) else measurement.floor(given)


def subject_of(
    learner: Learner, views: Callable[..., tuple[Any, ...]], ground: Ground, asked: Samples, seed: int
) -> Subject:
    """What measures see of a learner."""
    encoder: Any = learner.encoder
    return Subject(Embedder(encoder).embed, ground, asked, seed, learner, views)


def floor_of(ground: Ground, asked: Samples, seed: int, name: str = "") -> Subject:
    """What has to be beaten, without training here: the floor of the kind of data, fitted to the labelled samples, or
    to what the ground names in their place; or the baseline from outside of this name."""
    if name in OUTSIDE:
        return Subject(OUTSIDE[name].load(), ground, asked, seed, outside=True)
    known = ground.labelled if ground.floor_from is None else ground.floor_from
    return Subject(ground.modality.floor(known), ground, asked, seed)


def _labels(samples: Samples) -> np.ndarray:
    if samples.labels is None:
        raise DataError(
            f"{samples.origin} has no {LABEL}s, and this claim measures by classes. Give the ground labelled "
            f"{samples.noun}s, or measure otherwise: by_task('regression'), by_task('scored-pairs')."
        )
    return samples.labels
