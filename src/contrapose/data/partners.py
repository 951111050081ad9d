"""Batches with a second one beside them, of other samples with the same labels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Int64
from torch import Tensor

from contrapose.data.batch import Batch
from contrapose.data.randomness import derived_generator
from contrapose.data.samples import Samples
from contrapose.data.source import MakeViews, PlainSource, Timed, untimed
from contrapose.errors import DataError
from contrapose.view import on_device
from contrapose.words import counted

PARTNERS = "partners"
"""The name of the second batch in `Batch.others`."""

# (raw samples, raw partners, (B,) who is its own partner) -> both
Divide = Callable[[Any, Any, Tensor], tuple[Any, Any]]


class PartnerTable:
    """Who has the label of whom.

    Shapes:
        labels: `(N,)` class numbers, each of which is known.

    Attributes:
        alone: numbers of the samples that are the only ones of their class: each is its own partner.

    Errors:
        DataError: samples without labels, or with unknown ones.
    """

    def __init__(self, samples: Samples) -> None:
        labels = samples.labels
        if labels is None or int(labels.min()) < 0:
            some = (
                "no labels" if labels is None else f"{counted(int((labels < 0).sum()), samples.noun)} without a label"
            )
            raise DataError(
                f"{samples.origin} has {some}, and the class of each is needed here: name their column "
                "(--label-column), or give class sub-folders."
            )
        self.labels = np.asarray(labels)
        self.order = np.argsort(self.labels, kind="stable")  # (N,), class after class
        ordered = self.labels[self.order]
        self.starts = np.searchsorted(ordered, self.labels, side="left")  # (N,), where one's class begins
        self.sizes = np.searchsorted(ordered, self.labels, side="right") - self.starts  # (N,)
        self.places = np.empty_like(self.order)
        self.places[self.order] = np.arange(len(self.order))
        self.alone = np.flatnonzero(self.sizes == 1)

    def draw(self, indices: Tensor, generator: torch.Generator) -> Int64[Tensor, " B"]:
        """For each of these samples another of its class, each as likely; itself where there is none."""
        rows = indices.cpu().numpy()
        luck = torch.rand(len(rows), generator=generator, dtype=torch.float64).numpy()  # (B,)
        others = self.sizes[rows] - 1  # (B,)
        step = 1 + np.minimum((luck * others).astype(np.int64), np.maximum(others - 1, 0))  # (B,) in 1 to n - 1
        place = self.places[rows] - self.starts[rows] + np.where(others > 0, step, 0)  # (B,)
        return torch.from_numpy(self.order[self.starts[rows] + place % self.sizes[rows]])


class WithPartners:
    """The batches of a source, each with one of partners beside it, under `PARTNERS` in `Batch.others`.

    Which partner a sample has is drawn anew in every batch, from the generator of its views.

    Arguments:
        main: the source of the batch itself.
        divide: `(raw, raw of partners, (B,) who is its own partner) -> both`: gives the two of one sample what differs
            (captions, say), where it can.
    """

    def __init__(self, main: PlainSource, divide: Divide) -> None:
        self.main, self.divide, self.table = main, divide, PartnerTable(main.samples)

    @property
    def steps_per_epoch(self) -> int:
        return self.main.steps_per_epoch

    @property
    def samples(self) -> Samples:
        """What it draws from."""
        return self.main.samples

    @property
    def views(self) -> MakeViews:
        """What makes the views, of partners too."""
        return self.main.views

    @property
    def fingerprint(self) -> str:
        return self.main.fingerprint

    def recorded_as(self, fingerprint: str) -> bool:
        return self.main.recorded_as(fingerprint)

    def batch(
        self,
        step: int,
        part: int,
        *,
        generator: torch.Generator,
        device: torch.device | str = "cpu",
        timed: Timed = untimed,
    ) -> Batch:
        main, seed = self.main, generator.initial_seed()
        with timed("data"):
            indices = main.indices(step, part)  # (B,)
            drawn = self.table.draw(indices, derived_generator(seed, PARTNERS))  # (B,)
            raw = self.divide(main.samples.batch(indices), main.samples.batch(drawn), drawn == indices)
        with timed("views"):
            streams = (generator, derived_generator(seed, PARTNERS, "views"))
            one, other = (
                main.batch_of(rows, on_device(some, device), part, generator=stream, device=device)
                for rows, some, stream in zip((indices, drawn), raw, streams, strict=True)
            )
        return replace(one, others={PARTNERS: other})
