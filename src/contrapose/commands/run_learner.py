"""A finished run taken up again to be looked at: its learner with objective and memory, and batches as it saw them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from contrapose.commands.run_base import base_again
from contrapose.commands.run_data import FROM_PYTHON, data_places
from contrapose.commands.run_start import check_enough, open_same, open_samples, started_from
from contrapose.commands.train import config_of
from contrapose.data import Batch, PlainSource, Samples, derived_generator
from contrapose.errors import ArgumentError, RunError
from contrapose.learners import Learner
from contrapose.methods import Method, check_one_job
from contrapose.methods.assemble import assemble
from contrapose.modalities import modality_of
from contrapose.training.checkpoint import load_newest
from contrapose.training.run_folder import RunFolder


@dataclass(frozen=True)
class RunLearner:
    """What a run trains, as its newest checkpoint left it.

    Arguments:
        samples: its data, or others of the same form.
        step: how far it was trained.
    """

    config: Method
    learner: Learner
    samples: Samples
    views: Callable[..., Any]
    step: int

    def losses(self, count: int, device: torch.device) -> list[Callable[[], Tensor]]:
        """The loss on each of the first batches of the first epoch, of fixed samples, views and random numbers.

        Errors:
            ArgumentError: fewer samples than a batch, or fewer batches than asked for.
        """
        size, seed = self.config.batch_size, self.config.seed
        source = PlainSource.shuffled(self.samples, self.views, batch_size=size, seed=seed)
        if not 1 <= count <= source.steps_per_epoch:
            raise ArgumentError(
                f"--batches must be from 1 to {source.steps_per_epoch}, the batches of {self.config.batch_size} "
                f"that these {len(self.samples):,} {self.samples.noun}s make; got {count}."
            )
        self.learner.to(device)
        # the names that the trainer's first process gives its random streams
        streams = [derived_generator(seed, number, 0, 0) for number in range(count)]
        batches = [source.batch(number, 0, generator=stream, device=device) for number, stream in enumerate(streams)]
        return [self._loss(batch.to(device)) for batch in batches]

    def _loss(self, batch: Batch) -> Callable[[], Tensor]:
        def loss() -> Tensor:
            with torch.random.fork_rng():
                torch.manual_seed(self.config.seed)  # objectives that mix or draw do so alike every time
                found: Tensor = self.learner(batch).loss
            return found

        return loss


def learner_of(run: str | Path, *, data: Any = None) -> RunLearner:
    """The learner of a run with its weights, memory and objective, on the run's data or on `data`.

    Views are those of the run's options: a view maker of one's own is not kept with a run.

    Errors:
        RunError: no run there, no checkpoint, or one that does not fit.
        ArgumentError: a run that was started with objects in Python, and no `data`; one of several jobs.
        DataError: data that cannot be read, or without the targets that the method learns from.
    """
    folder = RunFolder.open(run)
    record = folder.read_record()
    config = check_one_job(config_of(record, where=str(folder.config_file)))
    state, _ = load_newest(folder.checkpoints)
    start = started_from(config, folder)
    if data is not None:
        samples = open_samples(config, data, start, quiet=True)
    elif config.data == FROM_PYTHON:
        raise ArgumentError(f"{run} was started from Python with objects; say with --data where such data lie.")
    else:
        samples, _ = open_same(config, data_places(config.data, record, folder.path), start, record, quiet=True)
    check_enough(config, samples)
    samples = samples.with_targets(config.shown_targets)
    initial = None if start is None else modality_of(config).started(start, samples)
    base, _ = base_again(config, record, folder.path)
    learner, views = assemble(config, samples, initial=initial, base=base)
    try:
        learner.load_state_dict(state["learner"])
    except RuntimeError as error:
        raise RunError(
            f"The networks of {run} do not fit these data ({str(error).splitlines()[0]}). Give data of the form that "
            "it was trained on, or leave out --data."
        ) from error
    return RunLearner(config, learner.eval(), samples, views, int(state["step"]))
