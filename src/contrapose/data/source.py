"""Where the batches of a run come from: which samples a batch holds, what their views are, what stands beside it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import Any, Protocol, Self

import torch
from torch import Tensor

from contrapose.data.batch import Batch
from contrapose.data.randomness import derived_generator
from contrapose.data.sampler import EpochSampler, Sampler
from contrapose.data.samples import Samples
from contrapose.errors import ArgumentError
from contrapose.view import Crops, on_device

MakeViews = Callable[..., tuple[Any, ...]]  # (raw samples, generator=...) -> views
Timed = Callable[[str], AbstractContextManager[None]]


@contextmanager
def untimed(name: str) -> Iterator[None]:
    """Counts nothing: what stands for a clock where there is none."""
    yield


class Source(Protocol):
    """Where a loop gets its batches. A batch is a function of its place in the run, so nothing of a source is saved.

    Attributes:
        steps_per_epoch: optimiser steps in a pass over the data, the same on every process.
        fingerprint: a text that identifies all data behind it from run to run.
    """

    @property
    def steps_per_epoch(self) -> int: ...

    @property
    def fingerprint(self) -> str: ...

    def recorded_as(self, fingerprint: str) -> bool:
        """Whether these are the data that had this fingerprint."""
        ...

    def batch(
        self,
        step: int,
        part: int,
        *,
        generator: torch.Generator,
        device: torch.device | str = "cpu",
        timed: Timed = untimed,
    ) -> Batch:
        """This process's batch of a step.

        Arguments:
            step: of the run, from 0.
            part: which of the batches of the step.
            generator: draws the views; it is named by step, part and process.
            device: where the batch is wanted.
            timed: times a block as "data" or "views".
        """
        ...


class PlainSource:
    """Views of the samples that a sampler names, with their targets.

    Arguments:
        samples: the data.
        views: `(raw samples, generator=) -> tuple of views`.
        sampler: which samples stand in which batch (of this process).
        accumulate: batches a turn.
        turns: turns of a step that take fresh batches (`learners.turn.batches_of`).

    Errors:
        ArgumentError: an epoch has fewer batches than a step.
    """

    def __init__(
        self, samples: Samples, views: MakeViews, sampler: Sampler, *, accumulate: int = 1, turns: int = 1
    ) -> None:
        self.samples, self.views, self.sampler, self.batches = samples, views, sampler, accumulate * turns
        self.targets = {name: torch.as_tensor(values) for name, values in samples.targets.items()}  # (N,) each
        self.steps_per_epoch = sampler.batches_per_epoch // self.batches
        if self.steps_per_epoch == 0:
            of_turns = "" if turns == 1 else f", {turns} times a step for its turns,"
            raise ArgumentError(
                f"accumulate={accumulate}{of_turns} asks for more batches a step than an epoch has "
                f"({sampler.batches_per_epoch}); lower it, or the batch_size."
            )

    @classmethod
    def shuffled(
        cls,
        samples: Samples,
        views: MakeViews,
        *,
        batch_size: int,
        seed: int,
        world_size: int = 1,
        rank: int = 0,
        **step: int,
    ) -> Self:
        """The usual one: every epoch in another order. Arguments and errors are those of `EpochSampler`, and `step` is
        `accumulate` and `turns`."""
        sampler = EpochSampler(len(samples), batch_size, seed=seed, world_size=world_size, rank=rank)
        return cls(samples, views, sampler, **step)

    @property
    def fingerprint(self) -> str:
        return self.samples.fingerprint

    def recorded_as(self, fingerprint: str) -> bool:
        return self.samples.recorded_as(fingerprint)

    def batch(
        self,
        step: int,
        part: int,
        *,
        generator: torch.Generator,
        device: torch.device | str = "cpu",
        timed: Timed = untimed,
    ) -> Batch:
        with timed("data"):
            indices = self.indices(step, part)  # (B,)
            raw = on_device(self.samples.batch(indices), device)
        with timed("views"):
            return self.batch_of(indices, raw, part, generator=generator, device=device)

    def indices(self, step: int, part: int) -> Tensor:
        """Which samples stand in a batch of a step, `(B,)`."""
        epoch, position = divmod(step, self.steps_per_epoch)
        return torch.as_tensor(self.sampler.indices(epoch, position * self.batches + part))  # (B,)

    def batch_of(
        self, indices: Tensor, raw: Any, part: int, *, generator: torch.Generator, device: torch.device | str = "cpu"
    ) -> Batch:
        """The batch of these samples, of which `raw` is on the device already: their views, and their targets."""
        targets = {name: on_device(values[indices], device) for name, values in self.targets.items()}  # (B,) each
        made = self.views(raw, generator=generator)
        views = made.to(device) if isinstance(made, Crops) else tuple(on_device(view, device) for view in made)
        return Batch(views=views, indices=indices, targets=targets, part=part)


class Beside:
    """Batches of one source with those of others beside them, by name, in `Batch.others`.

    The first source says how long an epoch is. Each of the others has samples, sampler, batch size and views of its
    own, and begins anew, in another order, when it has been gone through, however often that is in an epoch.

    Arguments:
        main: the source of the batch itself.
        others: what stands beside it; they know the same processes and accumulate as many batches.
    """

    def __init__(self, main: Source, others: Mapping[str, Source]) -> None:
        self.main, self.others = main, dict(others)

    @property
    def steps_per_epoch(self) -> int:
        return self.main.steps_per_epoch

    @property
    def fingerprint(self) -> str:
        """The fingerprints of all data, as JSON."""
        others = {name: source.fingerprint for name, source in sorted(self.others.items())}
        return json.dumps({"main": self.main.fingerprint, "others": others})

    def recorded_as(self, fingerprint: str) -> bool:
        try:
            recorded = json.loads(fingerprint)
            main, others = recorded["main"], recorded["others"]
        except (ValueError, TypeError, KeyError):  # of a source without others
            return False
        same = others.keys() == self.others.keys() and self.main.recorded_as(main)
        return same and all(source.recorded_as(others[name]) for name, source in self.others.items())

    def batch(self, step: int, part: int, *, generator: torch.Generator, **how: Any) -> Batch:
        seed = generator.initial_seed()
        others = {
            name: source.batch(step, part, generator=derived_generator(seed, name), **how)
            for name, source in self.others.items()
        }
        return replace(self.main.batch(step, part, generator=generator, **how), others=others)
