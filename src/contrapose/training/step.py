"""A step of a learner, the same for a run and for a fit in memory.

    before_step -> for each turn: optimiser(closure), after_turn -> after_step(what the last forward passes gave)

The closure computes the gradient of all batches that the turn accumulates. An optimiser calls it once; one that looks
at the gradient elsewhere, too (`SharpnessAware`), as often as its `passes` say, and every pass sees the same samples,
views and random numbers. Turns see the same samples and views, unless one takes a fresh batch, and each draws random
numbers of its own. Running statistics move in the first pass of a turn alone; memory is written once, after the last
turn.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Protocol

import torch
from torch import Tensor

from contrapose.data.batch import Batch
from contrapose.data.randomness import derived_seed
from contrapose.encoders.running_statistics import statistics_stay
from contrapose.learners import Learner, Step, Turn
from contrapose.training.turns import only_own_gradients


class Computation(Protocol):
    """How a loop computes what a step needs: where batches come from, and on which devices."""

    def batch(self, part: int) -> Batch:
        """The batch of that number among those that the step takes; the same each time it is asked for."""
        ...

    def gradient(self, batch: Batch, *, parts: int, last: bool) -> Step:
        """Add the gradient of the batch's loss, divided by `parts`; it is complete with the `last` one."""
        ...

    def clip(self, batch: Batch) -> float | Tensor:
        """Check and clip the complete gradient; its norm before that, nan where it was not asked for."""
        ...


@dataclass(frozen=True)
class Taken:
    """What happened in a step.

    Arguments:
        steps: what the last forward passes gave, one of each accumulated batch. Of several turns the last step logs
            what all of them log, and `loss_NAME` and `gradient_norm_NAME` of each.
        gradient_norm: of the gradient that the last optimiser used, before it was clipped.
    """

    steps: tuple[Step, ...]
    gradient_norm: float | Tensor


def take_step(
    learner: Learner, optimizers: Mapping[str, Any], work: Computation, *, seed: int, parts: int = 1
) -> Taken:
    """Do one step.

    Arguments:
        optimizers: by the names that the learner's turns give them; their `step` takes a closure, as torch's do.
        seed: of torch's global random stream during a pass (dropout and the like); later turns derive theirs from it.
        parts: batches to accumulate in each turn.
    """
    learner.before_step()
    turns = learner.turns()
    batch = lru_cache(maxsize=1)(work.batch)  # passes and turns that see one batch have it made once
    first, log = 0, dict[str, Tensor | float]()
    for number, turn in enumerate(turns):
        first += parts if number and turn.fresh_batch else 0
        seed_of_turn = derived_seed(seed, number) if number else seed
        closure = _Gradient(learner, turn, optimizers, work, batch, seed_of_turn, range(first, first + parts))
        with only_own_gradients(learner, turn):
            optimizers[turn.optimizer].step(closure)
        learner.after_turn(turn)
        log |= closure.log
    steps = closure.steps if len(turns) == 1 else (*closure.steps[:-1], replace(closure.steps[-1], log=log))
    learner.after_step(steps)
    return Taken(steps, closure.norm)


class _Gradient:
    """The closure: each call is one pass of a turn, which leaves its gradient in the parameters."""

    def __init__(
        self,
        learner: Learner,
        turn: Turn,
        optimizers: Mapping[str, Any],
        work: Computation,
        batch: Callable[[int], Batch],
        seed: int,
        parts: Sequence[int],
    ) -> None:
        self.learner, self.turn, self.optimizers = learner, turn, optimizers
        self.work, self.batch, self.seed, self.parts = work, batch, seed, parts
        own = optimizers[turn.optimizer]
        self.passes = getattr(getattr(own, "optimizer", own), "passes", 1)  # accelerate wraps optimisers
        self.done = 0
        self.steps: tuple[Step, ...] = ()
        self.norm: float | Tensor = math.nan

    def __call__(self) -> Tensor:
        for optimizer in self.optimizers.values():  # the gradients of the turn before are not kept beside this one's
            optimizer.zero_grad(set_to_none=True)
        torch.manual_seed(self.seed)
        steps = []
        with statistics_stay(self.learner) if self.done else nullcontext():
            for part in self.parts:
                batch = replace(self.batch(part), turn=self.turn.name)
                steps.append(self.work.gradient(batch, parts=len(self.parts), last=part == self.parts[-1]))
        self.learner.after_backward()
        self.steps = tuple(steps)
        self.done += 1
        if self.done == self.passes:  # a gradient that only shows the way up is not clipped
            self.norm = self.work.clip(batch)
        return torch.stack([step.loss.detach() for step in steps]).mean()  # ()

    @property
    def log(self) -> dict[str, Tensor | float]:
        """What the metrics tell of the turn."""
        name, last = self.turn.name, self.steps[-1]
        return {**last.log, f"loss_{name}": last.loss.detach(), f"gradient_norm_{name}": self.norm}
