"""What is measured on an encoder: a function from what was trained to numbers by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from contrapose.claims.ground import Ground
from contrapose.data import Batch, Images, derived_generator
from contrapose.embedder import Embedder
from contrapose.evaluation import knn, linear_probe
from contrapose.learners import Learner
from contrapose.learners.embed_views import embed_views

_BATCHES = 3  # names the random stream of batches that are only looked at


@dataclass
class Subject:
    """One encoder at one moment, with everything a measure may ask of it. Embeddings are made once.

    Arguments:
        embed: pictures -> `(N, D)`.
        ground: the data of its seed.
        asked: the samples that are reported on: the validation split while tuning, else the test split.
        seed: of the arm.
        learner: what was trained, with its head and memory; None for raw pixels.
        views: its maker of views; None for raw pixels.
    """

    embed: Callable[[Images], np.ndarray]
    ground: Ground
    asked: Images
    seed: int
    learner: Learner | None = None
    views: Callable[..., tuple[Tensor, ...]] | None = None
    _kept: dict[int, np.ndarray] = field(default_factory=dict)

    def embeddings(self, images: Images) -> np.ndarray:
        """`(N, D)` of these pictures, remembered."""
        if id(images) not in self._kept:
            self._kept[id(images)] = self.embed(images)
        return self._kept[id(images)]

    def batch(self, size: int, *, number: int = 0) -> Batch:
        """A batch of labelled samples under the run's own views, the same for every arm of a seed."""
        assert self.views is not None, "raw pixels have no views"
        generator = derived_generator(self.seed, _BATCHES, number)
        indices = torch.randperm(len(self.ground.labelled), generator=generator)[:size]  # (B,)
        views = self.views(self.ground.labelled.batch(indices), generator=generator)
        batch = Batch(views=views, indices=indices, labels=torch.as_tensor(self.ground.labelled.labels)[indices])
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


def subject_of(
    learner: Learner, views: Callable[..., tuple[Tensor, ...]], ground: Ground, asked: Images, seed: int
) -> Subject:
    """What measures see of a learner."""
    encoder: Any = learner.encoder
    return Subject(Embedder(encoder).embed, ground, asked, seed, learner, views)


def raw_pixels(ground: Ground, asked: Images, seed: int) -> Subject:
    """The floor that knows nothing but pixels in [0, 1]."""

    def embed(images: Images) -> np.ndarray:
        rows = images.pixels.reshape(len(images), -1).astype(np.float32)  # (N, C·H·W)
        return (rows + 1) / 256  # a black picture has no direction, and so no cosine; one grey level gives it one

    return Subject(embed, ground, asked, seed)


def _labels(images: Images) -> np.ndarray:
    assert images.labels is not None, "grounds are labelled"
    return images.labels
