"""A learner trained in memory: no run folder, no checkpoints, no processes, nothing left behind but the weights."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch

from contrapose.data import Batch, PlainSource, Samples, Source, derived_generator
from contrapose.data.source import MakeViews
from contrapose.encoders.in_chunks import chunks_of
from contrapose.errors import NonFiniteError, RunError
from contrapose.learners import Learner, Step
from contrapose.learners.turn import batches_of
from contrapose.openmp import crowd
from contrapose.training.allocator import freed_memory_kept
from contrapose.training.config import RunConfig
from contrapose.training.schedules import multiplier
from contrapose.training.step import take_step
from contrapose.training.turns import optimizers_of, set_learning_rate


def train_in_memory(
    learner: Learner,
    data: Samples,
    views: MakeViews,
    config: RunConfig,
    *,
    device: torch.device | str = "cpu",
    dtype: torch.dtype | None = None,
    after_epoch: Callable[[int], None] | None = None,
) -> list[float]:
    """Train `learner`, and return the mean loss of each epoch.

    Made for fits of seconds to minutes within somebody else's program (a grid search, a thread of a server, an arm of a
    claim): `Trainer` writes a folder, takes over signals and the process group, and is the one for long runs. Random
    streams are derived from (seed, step), and torch's global one is left as it was found.

    Arguments:
        dtype: what the encoder computes in under autocast; None: float32.
        after_epoch: called with the number of epochs done; it finds the learner in evaluation mode.

    Errors:
        RunError: the loss became not finite.
    """
    crowd()
    learner.check_micro_batch(config.micro_batch)
    learner.to(device, memory_format=torch.channels_last).train()  # type: ignore[call-overload]
    optimizers = optimizers_of(config, learner)
    turns = batches_of(learner.turns())
    source = PlainSource.shuffled(data, views, batch_size=config.batch_size, seed=config.seed, turns=turns)
    work = _InMemory(learner, source, config, torch.device(device), dtype)
    steps = source.steps_per_epoch
    learner.see_steps(config.epochs * steps)
    losses: list[float] = []
    with torch.random.fork_rng(), freed_memory_kept():
        for step in range(config.epochs * steps):
            factor = multiplier(config.schedule, step, config.epochs * steps, config.warmup_share)
            set_learning_rate(optimizers, config.learning_rate * factor)
            work.step = step
            taken = take_step(learner, optimizers, work, seed=work.generator().initial_seed())
            losses.append(float(taken.steps[-1].loss.detach()))
            del taken  # and with it what the step remembered, before the next one begins
            epoch, left = divmod(step + 1, steps)
            if after_epoch is not None and left == 0:
                learner.eval()
                after_epoch(epoch)
                learner.train()
    per_epoch = torch.tensor(losses, dtype=torch.float64).view(config.epochs, -1)  # (epochs, steps)
    return per_epoch.mean(dim=1).tolist()


@dataclass
class _InMemory:
    """The `Computation` of a fit: one process, one batch a turn, nothing written."""

    learner: Learner
    source: Source
    config: RunConfig
    device: torch.device
    dtype: torch.dtype | None
    step: int = 0

    def generator(self, part: int = 0) -> torch.Generator:
        return derived_generator(self.config.seed, self.step, *([part] if part else []))

    def batch(self, part: int) -> Batch:
        return self.source.batch(self.step, part, generator=self.generator(part), device=self.device)

    def gradient(self, batch: Batch, *, parts: int, last: bool) -> Step:
        try:
            autocast = torch.autocast(self.device.type, dtype=self.dtype, enabled=self.dtype is not None)
            with autocast, chunks_of(self.config.micro_batch):
                step: Step = self.learner(batch)
        except NonFiniteError as error:  # the objective saw it before there was a loss
            raise RunError(self._diverged()) from error
        if not math.isfinite(float(step.loss.detach())):
            raise RunError(self._diverged())
        (step.loss / parts).backward()
        return step

    def clip(self, batch: Batch) -> float:
        if self.config.gradient_clip > 0:
            for weights in self.learner.clip_groups():
                torch.nn.utils.clip_grad_norm_(weights, self.config.gradient_clip)
        return math.nan

    def _diverged(self) -> str:
        return (
            f"The embeddings or the loss became not finite at step {self.step}. Try a learning_rate below "
            f"{self.config.learning_rate}, or method_options={{'gradient_clip': 1.0}}."
        )
