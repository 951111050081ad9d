"""One optimiser's step of a learner, the same for a run and for a fit in memory.

    before_step -> optimiser(closure) -> after_step(what the last forward passes gave)

The closure computes the gradient of all batches that the step accumulates. An optimiser calls it once; one that looks
at the gradient elsewhere, too (`SharpnessAware`), as often as its `passes` say, and every pass sees the same samples,
views and random numbers. Running statistics move in the first pass alone; memory is written once, after the last.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from contrapose.data.batch import Batch
from contrapose.learners import Learner, Step


class Computation(Protocol):
    """How a loop computes what a step needs: where batches come from, and on which devices."""

    def batch(self, part: int) -> Batch:
        """The batch of that number among those that the step accumulates; the same each time it is asked for."""
        ...

    def gradient(self, batch: Batch, *, parts: int, last: bool) -> Step:
        """Add the gradient of the batch's loss, divided by `parts`; it is complete with the `last` one."""
        ...

    def clip(self, batch: Batch) -> float:
        """Check and clip the complete gradient; its norm before that, nan where it was not asked for."""
        ...


@dataclass(frozen=True)
class Taken:
    """What happened in a step.

    Arguments:
        steps: what the last forward passes gave, one of each accumulated batch.
        gradient_norm: of the gradient that the optimiser used, before it was clipped.
    """

    steps: tuple[Step, ...]
    gradient_norm: float


def take_step(learner: Learner, optimizer: Any, work: Computation, *, seed: int, parts: int = 1) -> Taken:
    """Do one step.

    Arguments:
        optimizer: its `step` takes a closure, as torch's do.
        seed: of torch's global random stream during a pass (dropout and the like).
        parts: batches to accumulate.
    """
    learner.before_step()
    closure = _Gradient(learner, optimizer, work, seed, parts)
    optimizer.step(closure)
    taken = Taken(closure.steps, closure.norm)
    learner.after_step(taken.steps)
    return taken


class _Gradient:
    """The closure: each call is one pass, which leaves its gradient in the parameters."""

    def __init__(self, learner: Learner, optimizer: Any, work: Computation, seed: int, parts: int) -> None:
        self.learner, self.optimizer, self.work = learner, optimizer, work
        self.seed, self.parts = seed, parts
        self.passes = getattr(getattr(optimizer, "optimizer", optimizer), "passes", 1)  # accelerate wraps optimisers
        self.done = 0
        self.steps: tuple[Step, ...] = ()
        self.norm = math.nan

    def __call__(self) -> Tensor:
        self.optimizer.zero_grad(set_to_none=True)
        torch.manual_seed(self.seed)
        steps = []
        with statistics_kept(self.learner) if self.done else nullcontext():
            for part in range(self.parts):
                batch = self.work.batch(part)
                steps.append(self.work.gradient(batch, parts=self.parts, last=part == self.parts - 1))
        self.learner.after_backward()
        self.steps = tuple(steps)
        self.done += 1
        if self.done == self.passes:  # a gradient that only shows the way up is not clipped
            self.norm = self.work.clip(batch)
        return torch.stack([step.loss.detach() for step in steps]).mean()  # ()


@contextmanager
def statistics_kept(module: nn.Module) -> Iterator[None]:
    """Batch normalisation works as in training, and its running statistics stay as they were."""
    norms = [layer for layer in module.modules() if isinstance(layer, _BatchNorm)]
    kept = [(buffer, buffer.clone()) for layer in norms for buffer in layer.buffers()]
    try:
        yield
    finally:
        with torch.no_grad():
            for buffer, before in kept:
                buffer.copy_(before)
