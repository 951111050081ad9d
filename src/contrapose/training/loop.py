"""Training as a job: a learner and a source of batches in, encoders out, resumable after any step.

A step is a function of (configuration, seed, data, step number): the samples, the views and whatever the networks draw
at random are derived from the seed and the step, so a checkpoint needs no random state and a resumed run repeats an
uninterrupted one bit for bit on the CPU.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor

from contrapose.data.batch import Batch
from contrapose.data.randomness import derived_generator
from contrapose.data.source import Source
from contrapose.encoders.in_chunks import chunks_of
from contrapose.errors import ArgumentError, NonFiniteError
from contrapose.learners import Learner, Step
from contrapose.learners.turn import batches_of
from contrapose.tracing import values_unread
from contrapose.training.average import WeightAverage
from contrapose.training.clock import Profile, StepClock
from contrapose.training.config import RunConfig
from contrapose.training.device import autocast_dtype
from contrapose.training.finite import FiniteGuard
from contrapose.training.job import Job, Report
from contrapose.training.monitor import Monitor
from contrapose.training.pictures import in_grid, scale_of, write_pictures
from contrapose.training.processes.gradients import clip_gradients, total_norm
from contrapose.training.processes.sharded import Shares, check_shardable, move_one_by_one
from contrapose.training.reading import is_read_late
from contrapose.training.reporter import Reporter
from contrapose.training.run_folder import RunFolder
from contrapose.training.schedules import multiplier
from contrapose.training.state import export_encoders, export_tables, restore_state, state_of
from contrapose.training.step import take_step
from contrapose.training.turns import optimizers_of, prepared, set_learning_rate


class Trainer(Job):
    """Trains a learner: holds what a step needs, and does steps.

    Arguments:
        learner: what is trained; `learner.encoder` is exported.
        source: where its batches come from.
        config: the run's configuration.
        accelerator: where to compute, and with which other processes.
        describe: facts about the run that go into `encoder.json`.
        monitor: what a person sees meanwhile.

    Errors:
        ArgumentError: an encoder that is to be sharded and cannot be.
    """

    unit = "views"

    def __init__(
        self,
        learner: Learner,
        source: Source,
        config: RunConfig,
        accelerator: Accelerator,
        *,
        describe: dict[str, Any] | None = None,
        monitor: Monitor | None = None,
    ) -> None:
        self.accelerator = accelerator
        self.config, self.source = config, source
        self.describe, self.monitor = describe or {}, monitor or Monitor(quiet=True)
        self.device = self.accelerator.device
        self.batches = config.accumulate * batches_of(learner.turns())  # of a step
        self.epoch_steps = source.steps_per_epoch
        self.total_steps = config.epochs * self.epoch_steps
        learner.check_micro_batch(config.micro_batch)
        learner.see_steps(self.total_steps)
        # Channels last is how convolutions are computed: 1.2 to 1.5 times faster for convolutional encoders on a CPU.
        self.learner = learner.to(self.device, memory_format=torch.channels_last).train()  # type: ignore[call-overload]
        self.average = WeightAverage(learner.encoder)
        self.shares = self._shares() if config.shard_encoder and accelerator.num_processes > 1 else None
        self.optimizers = optimizers_of(config, learner)
        if self.shares is not None:
            move_one_by_one(self.optimizers)
        self.dtype = autocast_dtype(config.precision, self.device)
        self.clock = StepClock(self.device)
        self.reporter = Reporter(config, self.monitor, learner, self.epoch_steps)
        self.number = 0  # of the step that is being done
        self._settle: Callable[..., None] = lambda: None

    def begin(self, run: RunFolder, history: Iterable[Mapping[str, Any]]) -> None:
        self.guard = FiniteGuard(self.accelerator, self.config, run, remedy=self.learner.remedy)
        self._settle = self.guard.settle
        self.reporter.start(history)
        self.model, self.optimizers = prepared(self.accelerator, self.learner, self.optimizers)

    def step(self, number: int) -> Report:
        """Do a step.

        Errors:
            RunError: a loss or gradient that is not finite; the batch is saved.
        """
        self.number = number
        self.clock.start_step()
        step, gradient_norm = self._train_step()
        self.clock.end_step()
        views = len(step.embeddings) * self.accelerator.num_processes * self.batches
        return self.reporter.report(number + 1, step, gradient_norm, self.learning_rate(number), views)

    def collect(self) -> None:
        if self.shares is not None:
            self.shares.collect(self._state())

    def state(self) -> dict[str, Any]:
        return self._state() if self.shares is None else self.shares.kept

    def _state(self) -> dict[str, Any]:
        self._settle()
        state = state_of(self.learner, self.optimizers, **self._unchanging())
        return {**state, "average": self.average.state()}

    def restore(self, state: dict[str, Any]) -> None:
        """Put a state back.

        Errors:
            RunError: other data than before, another global batch, or other networks.
        """
        if self.shares is not None:
            state = self.shares.spread(state, self.optimizers)
        restore_state(state, self.learner, self.optimizers, **self._unchanging())
        if self.shares is not None:
            move_one_by_one(self.optimizers)
        self.average.restore(state.get("average"), self.learner.encoder)

    def export(self, folder: Path, *, step: int) -> None:
        """Write the encoders and tables: at the end as they are, before it the encoder averaged."""
        done = step >= self.total_steps
        facts = {**self.describe, "step": step, "total_steps": self.total_steps}
        facts |= {} if done else {"weights": "averaged over the last steps, for the schedule is not at its end"}
        trained = self.learner.encoder if done else self.average.encoder
        trained = trained if self.shares is None else self.shares.encoder(averaged=not done)
        export_encoders({"encoder": trained, **self.learner.companions()}, folder, facts)
        export_tables(self.learner.tables(), folder)
        self._show(folder)

    def _show(self, folder: Path) -> None:
        """Write what the learner shows people, where it is whole and its source says what it is trained on."""
        samples = getattr(self.source, "samples", None)
        shown = () if self.shares is not None or samples is None else self.learner.pictures(samples)
        if shown:
            write_pictures(folder, [(in_grid(tiles, scale=scale_of(tiles)), *said) for tiles, *said in shown])

    def closing(self) -> str:
        return self.clock.line()

    def profile(self) -> Profile | None:
        return self.clock.profile() if self.config.profile else None

    def learning_rate(self, step: int) -> float:
        """The learning rate of `step` on this run's schedule."""
        factor = multiplier(self.config.schedule, step, self.total_steps, self.config.warmup_share)
        return self.config.learning_rate * factor

    def _train_step(self) -> tuple[Step, float | Tensor]:
        set_learning_rate(self.optimizers, self.learning_rate(self.number))
        seed = self._generator().initial_seed()
        taken = take_step(self.learner, self.optimizers, self, seed=seed, parts=self.config.accumulate)
        self.learner.zero_grad(set_to_none=True)
        self.average.update(self.learner.encoder, self.number + 1)
        return taken.steps[-1], taken.gradient_norm

    def gradient(self, batch: Batch, *, parts: int, last: bool) -> Step:
        """A batch's part of the gradient of a step."""
        with nullcontext() if last else self.accelerator.no_sync(self.model):
            step = self._forward(batch)
            self.guard.check(step.loss, batch, "loss", self.number)
            with self.clock.phase("backward"):
                self.accelerator.backward(step.loss / parts)
        return step

    def _forward(self, batch: Batch) -> Step:
        try:
            with self._timed(), self._autocast(), chunks_of(self.config.micro_batch), self._looking():
                step: Step = self.model(batch)
        except NonFiniteError:  # the objective saw it before there was a loss
            self.guard.stop(batch, "embeddings became nan or infinite", self.number)
        return step

    def batch(self, part: int) -> Batch:
        """A batch of the current step, views included."""
        generator, timed = self._generator(part), self.clock.phase
        return self.source.batch(self.number, part, generator=generator, device=self.device, timed=timed)

    def _generator(self, part: int = 0) -> torch.Generator:
        return derived_generator(self.config.seed, self.number, part, self.accelerator.process_index)

    def _timed(self) -> AbstractContextManager[None]:
        """The clock of a forward pass; networks and objective are told apart where somebody asks for a profile."""
        return self.clock.networks(self.model, self.learner) if self.config.profile else self.clock.phase("forward")

    def _looking(self) -> AbstractContextManager[None]:
        """Objectives look at their numbers only where that stops nothing; the guard sees what comes of bad ones."""
        return values_unread() if is_read_late(self.device) else nullcontext()

    def _autocast(self) -> Any:
        return torch.autocast(self.device.type, dtype=self.dtype) if self.dtype else nullcontext()

    def clip(self, batch: Batch) -> Tensor:
        """Check and clip the gradient of the current step; its norm before that."""
        norm = total_norm(self.learner.parameters())  # ()
        self.guard.check(norm, batch, "gradient norm", self.number)
        if self.config.gradient_clip > 0:
            for weights in self.learner.clip_groups():
                clip_gradients(weights, self.config.gradient_clip)
        return norm

    def _shares(self) -> Shares:
        if type(self) is not Trainer:
            raise ArgumentError(
                "--shard-encoder cannot be had here: what this method trains beside its encoder is written with it. "
                "Leave it out, or take another method."
            )
        check_shardable(self.config, self.learner)
        return Shares(self.learner, self.average, self.device)

    def _unchanging(self) -> dict[str, Any]:
        """What has to be the same when a run continues."""
        batch = self.accelerator.num_processes * self.config.batch_size * self.config.accumulate
        return {"source": self.source, "global_batch": batch}
