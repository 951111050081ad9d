"""A learner trained in memory: no run folder, no checkpoints, no processes, nothing left behind but the weights."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor

from contrapose.data import Batch, EpochSampler, derived_generator
from contrapose.errors import NonFiniteError, RunError
from contrapose.learners import Learner
from contrapose.openmp import crowd
from contrapose.training.allocator import freed_memory_kept
from contrapose.training.config import RunConfig
from contrapose.training.interface import MakeViews
from contrapose.training.optimizers import OPTIMIZERS
from contrapose.training.schedules import multiplier


class Samples(Protocol):
    """What the loop asks of the data."""

    def __len__(self) -> int: ...

    def batch(self, indices: Tensor) -> Tensor: ...


def train_in_memory(
    learner: Learner,
    data: Samples,
    views: MakeViews,
    config: RunConfig,
    *,
    labels: Tensor | None = None,
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

    Shapes:
        labels: `(N,)` int64, or `None`.

    Errors:
        RunError: the loss became not finite.
    """
    crowd()
    learner.to(device, memory_format=torch.channels_last).train()  # type: ignore[call-overload]
    optimizer = OPTIMIZERS[config.optimizer](learner.parameter_groups(config.weight_decay), config.learning_rate)
    sampler = EpochSampler(len(data), config.batch_size, seed=config.seed)
    total = config.epochs * sampler.batches_per_epoch
    losses: list[float] = []
    with torch.random.fork_rng(), freed_memory_kept():
        for step in range(total):
            factor = multiplier(config.schedule, step, total, config.warmup_share)
            for group in optimizer.param_groups:
                group["lr"] = config.learning_rate * factor * group.get("learning_rate_factor", 1.0)
            generator = derived_generator(config.seed, step)
            torch.manual_seed(generator.initial_seed())  # dropout and the like
            indices = sampler.indices(*sampler.locate(step))  # (B,)
            batch = Batch(
                views=views(data.batch(indices).to(device), generator=generator),
                indices=indices,
                labels=None if labels is None else labels[indices].to(device),  # (B,)
            )
            losses.append(_update(learner, optimizer, batch, config, step, dtype))
            epoch, left = divmod(step + 1, sampler.batches_per_epoch)
            if after_epoch is not None and left == 0:
                learner.eval()
                after_epoch(epoch)
                learner.train()
    per_epoch = torch.tensor(losses, dtype=torch.float64).view(config.epochs, -1)  # (epochs, steps)
    return per_epoch.mean(dim=1).tolist()


def _update(
    learner: Learner,
    optimizer: torch.optim.Optimizer,
    batch: Batch,
    config: RunConfig,
    step: int,
    dtype: torch.dtype | None,
) -> float:
    learner.before_step()
    try:
        with torch.autocast(batch.views[0].device.type, dtype=dtype, enabled=dtype is not None):
            loss = learner(batch).loss  # ()
    except NonFiniteError as error:  # the objective saw it before there was a loss
        raise RunError(_diverged(step, config)) from error
    value = float(loss.detach())
    if not math.isfinite(value):
        raise RunError(_diverged(step, config))
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    learner.after_backward()
    if config.gradient_clip > 0:
        for weights in learner.clip_groups():
            torch.nn.utils.clip_grad_norm_(weights, config.gradient_clip)
    optimizer.step()
    learner.after_step()
    return value


def _diverged(step: int, config: RunConfig) -> str:
    return (
        f"The embeddings or the loss became not finite at step {step}. Try a learning_rate below "
        f"{config.learning_rate}, or method_options={{'gradient_clip': 1.0}}."
    )
