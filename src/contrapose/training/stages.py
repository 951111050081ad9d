"""A run is a list of stages: jobs one after another in one folder, each of which may read what earlier ones made."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor

from contrapose.atomic import whole_folder, write_atomically
from contrapose.data import PlainSource, Samples, Source, derived_generator, derived_seed
from contrapose.data.source import MakeViews
from contrapose.encoders import Encoder
from contrapose.encoders.stage_folder import FACTS, FOLDER
from contrapose.errors import ArgumentError, RunError
from contrapose.learners import Learner
from contrapose.learners.turn import batches_of
from contrapose.training.embedding import embeddings_of
from contrapose.training.job import Job
from contrapose.training.loop import Trainer
from contrapose.training.monitor import Monitor


@dataclass(frozen=True)
class Context:
    """What the job of a stage may be made of.

    Arguments:
        config: the run's configuration (a `Method`, as a rule); of several stages each finds its own seed in it.
        accelerator: where to compute, and with which other processes.
        monitor: what a person sees meanwhile.
        samples: the run's data, where it has any.
        others: further data, by name.
        own_views: whether the views are by a maker of the user's own.
        assemble: `(config, samples, initial=None) -> learner, views`, as the run's method does it; `initial` is an
            encoder to begin with.
        describe: facts that are kept with everything that is exported.
        artifacts: the folders of earlier stages, by name.
    """

    config: Any
    accelerator: Accelerator
    monitor: Monitor = field(default_factory=lambda: Monitor(quiet=True))
    samples: Any = None
    others: Mapping[str, Samples] = field(default_factory=dict)
    own_views: bool = False
    assemble: Callable[..., tuple[Learner, MakeViews]] | None = None
    describe: Mapping[str, Any] = field(default_factory=dict)
    artifacts: Mapping[str, Path] = field(default_factory=dict)

    def generator(self, *numbers: int | str) -> torch.Generator:
        """The random stream of this stage that these numbers name."""
        return derived_generator(self.config.seed, *numbers)

    def parts(self, *, samples: Samples | None = None, initial: Any = None) -> tuple[Learner, PlainSource]:
        """The method's own learner, and the plain source of its batches.

        Arguments:
            samples: what it learns from; None: the run's data.
            initial: an encoder to begin with; None: new weights, or those of `--init`.
        """
        assert self.assemble is not None
        samples = self.samples if samples is None else samples
        learner, views = self.assemble(self.config, samples, initial=initial)
        return learner, self.source(views, samples=samples, turns=batches_of(learner.turns()))

    def source(self, views: MakeViews, *, samples: Samples | None = None, **options: Any) -> PlainSource:
        """Shuffled batches of this process, as the configuration has them.

        Arguments:
            options: of `PlainSource.shuffled` that differ (`batch_size`, ...), or that a learner asks for (`turns`).
        """
        usual = {name: getattr(self.config, name) for name in ("batch_size", "seed", "accumulate")}
        usual |= {"world_size": self.accelerator.num_processes, "rank": self.accelerator.process_index}
        return PlainSource.shuffled(self.samples if samples is None else samples, views, **{**usual, **options})

    def embeddings(self, encoder: Encoder, samples: Samples | None = None) -> Tensor:
        """All of the run's data, or other samples, by an encoder: `(N, D)` float32 on the device. The bar says how far
        it has come."""
        samples = self.samples if samples is None else samples
        told = self.monitor.counting("embedding", len(samples), f"{samples.noun}s")
        return embeddings_of(encoder, samples, self.accelerator.device, told=told)

    def trainer(self, learner: Learner, source: Source) -> Trainer:
        """The job that trains a learner on the batches of a source."""
        describe = dict(self.describe)
        return Trainer(learner, source, self.config, self.accelerator, describe=describe, monitor=self.monitor)

    def steps(self, *, samples: Samples | None = None, **options: Any) -> int:
        """Steps of training on the run's data, or on others, for as many epochs as the configuration says; `options`
        as in `source`."""
        return self.config.epochs * self.source(_no_views, samples=samples, **options).steps_per_epoch


@dataclass(frozen=True)
class Stage:
    """A job with a name.

    What it makes lies in `stages/NAME/` of the run folder, whole or absent; what the last one makes is the run's own.

    Arguments:
        name: letters, digits, `-` and `_`.
        steps: how many the job will take: known before it can be made, for progress and numbering.
        job: makes it, when its turn has come, from the context of the stage.

    Errors:
        ArgumentError: a name that cannot be a folder's, or no step.
    """

    name: str
    steps: int
    job: Callable[[Context], Job]

    def __post_init__(self) -> None:
        if not re.fullmatch(r"\w[\w-]*", self.name):
            raise ArgumentError(f"A stage is called by letters, digits, - and _; {self.name!r} is no such name.")
        if self.steps < 1:
            raise ArgumentError(f"The stage {self.name} has {self.steps} steps: it needs one at least.")


@dataclass(frozen=True)
class Plan:
    """The stages of a run, and the folders in which their artifacts lie.

    Errors:
        ArgumentError: no stage, or two of one name.
    """

    stages: Sequence[Stage]

    def __post_init__(self) -> None:
        names = [stage.name for stage in self.stages]
        if not names or len(set(names)) < len(names):
            raise ArgumentError(f"A run needs stages of different names, and has {', '.join(names) or 'none'}.")

    @classmethod
    def of(cls, job: Job) -> Plan:
        """The plan of one job that is there already."""
        return cls([Stage("job", job.total_steps, lambda context: job)])

    @property
    def several(self) -> bool:
        return len(self.stages) > 1

    def number(self, name: str) -> int:
        """The number of the stage of this name, from 0.

        Errors:
            RunError: there is none.
        """
        for number, stage in enumerate(self.stages):
            if stage.name == name:
                return number
        raise RunError(
            f"The run's checkpoint is of a stage {name!r}, and its method has only "
            f"{', '.join(stage.name for stage in self.stages)}. Continue it with the version in config.json."
        )

    def done(self, run: Path) -> list[int]:
        """The steps of each stage that is done, as far as one after another is; the last one is never among them."""
        found = []
        for stage in self.stages[:-1]:
            file = folder_of(run, stage.name) / FACTS
            if not file.is_file():
                break
            found.append(int(json.loads(file.read_bytes())["steps"]))
        return found

    def context(self, number: int, run: Path | None, context: Context) -> Context:
        """What the stage of this number may look at."""
        if not self.several:
            return context
        stage, before = self.stages[number], self.stages[:number]
        return replace(
            context,
            config=replace(context.config, seed=derived_seed(context.config.seed, stage.name)),
            describe={**context.describe, "stage": stage.name},
            artifacts={earlier.name: folder_of(run, earlier.name) for earlier in before} if run else {},
        )


def folder_of(run: Path, stage: str) -> Path:
    """Where the artifacts of a stage lie in a run folder."""
    return run / FOLDER / stage


@contextmanager
def stage_folder(run: Path, stage: str, facts: Mapping[str, Any]) -> Iterator[Path]:
    """A folder to write the artifacts of a stage into; it is in its place, with these facts, after the block."""
    with whole_folder(folder_of(run, stage)) as folder:
        yield folder
        write_atomically(folder / FACTS, (json.dumps({"stage": stage, **facts}, indent=2) + "\n").encode())


def _no_views(raw: Any, *, generator: torch.Generator) -> tuple[Any, ...]:
    raise NotImplementedError("Steps are counted without views.")
