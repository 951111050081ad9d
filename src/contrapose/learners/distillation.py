"""A student that learns its teacher's similarities to the queue, through a predictor of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import torch
from torch import Tensor, nn

from contrapose.data.batch import Batch
from contrapose.learners.learner import Chance, Step
from contrapose.learners.momentum import Momentum

# (predictions (B, D), keys (B, D), queue (K, D)) -> loss, numbers to log
DistillationObjective = Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Mapping[str, Tensor]]]


class Distillation(Momentum):
    """`Momentum` with a predictor on the student's side only, and a queue of anchors in place of negatives (ISD).

        theta_g <- m theta_g + (1 - m) theta_f          (before the key's forward pass; parameters only)
        p = predictor(f(x_1)),  k = normalize(g(x_2)),  loss = objective([p, k, queue])
        after the optimiser's step: enqueue all processes' k

    The predictor is no part of the teacher. Student and teacher both normalise by their own batch, without which
    the representation may collapse; `spread` in the metrics tells.

    Shapes:
        p, k: `(B, D)`; queue: `(K, D)`.

    Arguments:
        encoder: the student f, with `head`; it is exported.
        predictor: D features -> D features, thrown away after training.
        objective: see `DistillationObjective`; keys and queue carry no gradient.
        The others are those of `Momentum`.

    Papers: ISD, https://arxiv.org/abs/2012.09259.
    """

    def __init__(
        self,
        encoder: nn.Module,
        head: nn.Module,
        predictor: nn.Module,
        objective: DistillationObjective,
        *,
        dimension: int,
        queue_size: int,
        momentum: float = 0.999,
        generator: torch.Generator | None = None,
        chance: Chance | None = None,
    ) -> None:
        super().__init__(
            encoder,
            head,
            self._distil,
            dimension=dimension,
            queue_size=queue_size,
            momentum=momentum,
            generator=generator,
            chance=chance,
        )
        self.predictor, self.compare = predictor, objective
        self._log: Mapping[str, Tensor] = {}

    def forward(self, batch: Batch) -> Step:
        step = super().forward(batch)
        return replace(step, log={**step.log, **self._log})

    def _distil(self, q: Tensor, k: Tensor, queue: Tensor) -> Tensor:
        loss, self._log = self.compare(self.predictor(q), k, queue)
        return loss
