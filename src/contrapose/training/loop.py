"""The training loop: a learner and data in, a run folder out, resumable at any instant.

A step is a function of (configuration, seed, data, step number): the samples, the views and whatever the networks draw
at random are derived from the seed and the step, so a checkpoint needs no random state and a resumed run repeats an
uninterrupted one bit for bit on the CPU.
"""

from __future__ import annotations

import math
import time
from contextlib import nullcontext
from typing import Any

import torch
from accelerate import Accelerator

from contrapose.data.batch import Batch
from contrapose.data.randomness import derived_generator
from contrapose.data.source import Source
from contrapose.errors import NonFiniteError
from contrapose.learners import Learner, Step
from contrapose.training.allocator import freed_memory_kept
from contrapose.training.average import WeightAverage
from contrapose.training.checkpoint import list_checkpoints, load_newest, save_checkpoint
from contrapose.training.clock import StepClock
from contrapose.training.config import RunConfig
from contrapose.training.device import autocast_dtype
from contrapose.training.finite import FiniteGuard
from contrapose.training.interface import Outcome
from contrapose.training.interrupts import catch_interrupts
from contrapose.training.monitor import Monitor
from contrapose.training.reporter import Reporter
from contrapose.training.run_folder import RunFolder
from contrapose.training.schedules import multiplier
from contrapose.training.state import export_encoders, export_tables, restore_state, state_of
from contrapose.training.step import take_step
from contrapose.training.turns import optimizers_of, prepared, set_learning_rate

LEAST_CHECKPOINT_SECONDS = 10.0  # epochs may be shorter than it takes to write a checkpoint


class Trainer:
    """One run: holds what a step needs, and does steps.

    Arguments:
        learner: what is trained; `learner.encoder` is exported.
        source: where its batches come from.
        config: the run's configuration.
        run: the folder to write.
        accelerator: where to compute, and with which other processes.
        describe: facts about the run that go into `encoder.json`.
        monitor: what a person sees meanwhile.

    Errors:
        ArgumentError: a device that is not there.
    """

    def __init__(
        self,
        learner: Learner,
        source: Source,
        config: RunConfig,
        run: RunFolder,
        accelerator: Accelerator,
        *,
        describe: dict[str, Any] | None = None,
        monitor: Monitor | None = None,
    ) -> None:
        self.accelerator = accelerator
        accelerator.project_configuration.logging_dir = str(run.path)  # where a local tracker writes
        self.config, self.run, self.source = config, run, source
        self.describe, self.monitor = describe or {}, monitor or Monitor(quiet=True)
        self.device = self.accelerator.device
        self.epoch_steps = source.steps_per_epoch
        self.total_steps = config.epochs * self.epoch_steps
        # Channels last is how convolutions are computed: 1.2 to 1.5 times faster for convolutional encoders on a CPU.
        self.learner = learner.to(self.device, memory_format=torch.channels_last).train()  # type: ignore[call-overload]
        self.optimizers = optimizers_of(config, learner)
        self.average = WeightAverage(learner.encoder)
        self.dtype = autocast_dtype(config.precision, self.device)
        self.clock = StepClock(self.device)
        self.guard = FiniteGuard(self.accelerator, config, run)
        self.reporter = Reporter(self.accelerator, config, run, self.monitor, learner, self.epoch_steps)
        self.step = 0
        self._saved_at = time.monotonic()

    def restore(self) -> None:
        """Continue from the newest checkpoint that can be read; from the first step when none was written yet.

        Errors:
            RunError: no readable checkpoint, other data than before, or another global batch.
        """
        if not list_checkpoints(self.run.checkpoints):
            if self.accelerator.is_main_process:
                self.run.forget_after(0)
            return  # a run is a function of (configuration, seed, data), so starting again is continuing
        state, problems = load_newest(self.run.checkpoints)
        for problem in problems:
            self.monitor.say(f"{problem} Continuing from the one before.")
        restore_state(state, self.learner, self.optimizers, folder=self.run.checkpoints, **self._unchanging())
        self.average.restore(state.get("average"), self.learner.encoder)
        self.step = state["step"]
        if self.accelerator.is_main_process:
            self.run.forget_after(self.step)

    def fit(self) -> Outcome:
        """Train from the current step to the last.

        Errors:
            RunError: a loss or gradient that is not finite (the batch is saved), or a disk that is full.
        """
        self.model, self.optimizers = prepared(self.accelerator, self.learner, self.optimizers)
        self.reporter.start(self.step)
        first, started, loss = self.step, time.monotonic(), math.nan
        views_seen = 0
        # The user's own random stream is left as it was found.
        with (
            torch.random.fork_rng(),
            freed_memory_kept(),
            catch_interrupts(quiet=self.monitor.quiet, echoes=self.accelerator.num_processes > 1) as interrupt,
            self.monitor.live(self.total_steps, self.step),
        ):
            while self.step < self.total_steps and not self._anyone(interrupt.requested):
                self.clock.start_step()
                step, gradient_norm = self._train_step()
                loss = float(step.loss.detach())
                views_seen += len(step.embeddings) * self.accelerator.num_processes * self.batches
                self.step += 1
                rate = views_seen / max(1e-9, time.monotonic() - started)
                self.reporter.report(self.step, step, gradient_norm, self.learning_rate(self.step - 1), rate)
                if self._checkpoint_due():
                    self.save()
            if self.step > first:
                self.save()
        self.accelerator.end_training()
        seconds = time.monotonic() - started
        rate = views_seen / max(1e-9, seconds)
        return Outcome(self.step, self.total_steps, loss, seconds, rate, signal=interrupt.signal)

    def save(self) -> None:
        """Write a checkpoint and the encoder: at the end as it is, before it averaged (from the main process)."""
        if self.accelerator.is_main_process:
            state = state_of(self.learner, self.optimizers, **self._unchanging())
            save_checkpoint(self.run.checkpoints, self.step, {**state, "average": self.average.state()})
            self._export(done=self.step >= self.total_steps)
        self.accelerator.wait_for_everyone()
        self._saved_at = time.monotonic()

    def _export(self, *, done: bool) -> None:
        facts = {**self.describe, "step": self.step, "total_steps": self.total_steps}
        facts |= {} if done else {"weights": "averaged over the last steps, for the schedule is not at its end"}
        trained = self.learner.encoder if done else self.average.encoder
        export_encoders({"encoder": trained, **self.learner.companions()}, self.run.path, facts)
        export_tables(self.learner.tables(), self.run.path)

    def learning_rate(self, step: int) -> float:
        """The learning rate of `step` on this run's schedule."""
        factor = multiplier(self.config.schedule, step, self.total_steps, self.config.warmup_share)
        return self.config.learning_rate * factor

    def _train_step(self) -> tuple[Step, float]:
        set_learning_rate(self.optimizers, self.learning_rate(self.step))
        seed = self._generator().initial_seed()
        with self.clock.phase("update"):
            taken = take_step(self.learner, self.optimizers, self, seed=seed, parts=self.config.accumulate)
            self.learner.zero_grad(set_to_none=True)
            self.average.update(self.learner.encoder, self.step + 1)
        return taken.steps[-1], taken.gradient_norm

    def gradient(self, batch: Batch, *, parts: int, last: bool) -> Step:
        """A batch's part of the gradient of a step."""
        with nullcontext() if last else self.accelerator.no_sync(self.model):
            step = self._forward(batch)
            self.guard.check(step.loss, batch, "loss", self.step)
            with self.clock.phase("backward"):
                self.accelerator.backward(step.loss / parts)
        return step

    def _forward(self, batch: Batch) -> Step:
        try:
            with self.clock.phase("forward"), self._autocast():
                step: Step = self.model(batch)
        except NonFiniteError:  # the objective saw it before there was a loss
            self.guard.stop(batch, "embeddings became nan or infinite", self.step)
        return step

    def batch(self, part: int) -> Batch:
        """A batch of the current step, views included."""
        generator, timed = self._generator(part), self.clock.phase
        return self.source.batch(self.step, part, generator=generator, device=self.device, timed=timed)

    def _generator(self, part: int = 0) -> torch.Generator:
        return derived_generator(self.config.seed, self.step, part, self.accelerator.process_index)

    def _autocast(self) -> Any:
        return torch.autocast(self.device.type, dtype=self.dtype) if self.dtype else nullcontext()

    def clip(self, batch: Batch) -> float:
        """Check and clip the gradient of the current step; its norm before that."""
        gradients = [p.grad for p in self.learner.parameters() if p.grad is not None]
        norm = torch.nn.utils.get_total_norm(gradients)  # ()
        self.guard.check(norm, batch, "gradient norm", self.step)
        if self.config.gradient_clip > 0:
            for weights in self.learner.clip_groups():
                torch.nn.utils.clip_grad_norm_(weights, self.config.gradient_clip)
        return float(norm)

    def _checkpoint_due(self) -> bool:
        if self.step >= self.total_steps:
            return False  # `fit` saves at the end
        if self.config.checkpoint_steps and self.step % self.config.checkpoint_steps == 0:
            return True
        seconds = time.monotonic() - self._saved_at
        end_of_epoch = self.step % self.epoch_steps == 0
        due = seconds > 60 * self.config.checkpoint_minutes or (end_of_epoch and seconds > LEAST_CHECKPOINT_SECONDS)
        return self._anyone(due)  # clocks differ

    def _anyone(self, flag: bool) -> bool:
        """Whether any process says so: what waits for everyone has to be decided together."""
        if self.accelerator.num_processes == 1:
            return flag
        return bool(self.accelerator.reduce(torch.tensor(float(flag), device=self.device)) > 0)

    def _unchanging(self) -> dict[str, Any]:
        """What has to be the same when a run continues."""
        batch = self.accelerator.num_processes * self.config.batch_size * self.config.accumulate
        return {"source": self.source, "global_batch": batch}
