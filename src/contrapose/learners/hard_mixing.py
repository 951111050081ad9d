"""Momentum contrast whose objective mixes further negatives out of the queue."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import torch
from torch import Tensor, nn

from contrapose.data.batch import Batch
from contrapose.distributed import gather, own_rows
from contrapose.errors import ArgumentError
from contrapose.learners.drawing import Drawing
from contrapose.learners.learner import Chance, Step
from contrapose.learners.momentum import Momentum

# (queries (W·B, D), keys (W·B, D), queue (K, D), rows, generator that draws the mixtures) -> loss, numbers to log;
# with None for a generator it mixes nothing.
MixingObjective = Callable[
    [Tensor, Tensor, Tensor, Tensor | None, torch.Generator | None], tuple[Tensor, Mapping[str, Tensor]]
]


class HardMixing(Drawing, Momentum):
    """`Momentum` with synthetic negatives, once the embeddings are worth mixing (MoCHi).

        steps before `start`:  loss = objective(q, k, queue),                          MoCo
        from then on:          loss = objective(q, k, queue and mixtures of its hardest)

    The mixtures live for one step: they are never enqueued. Which are drawn follows from a number in the memory, the
    step and the batch within it, alike on all processes, each of which then answers for its own queries.

    Shapes:
        q, k: `(B, D)`, gathered over processes to `(W·B, D)`; queue: `(K, D)`.

    Arguments:
        objective: see `MixingObjective`.
        mixes: s + s', synthetic negatives a query, which count among its negatives once they are drawn.
        start: steps of plain momentum contrast before the first mixtures.
        The others are those of `Momentum`.

    Errors:
        ArgumentError: a negative `mixes` or `start`; those of `Momentum`.

    Papers: MoCHi, https://arxiv.org/abs/2010.01028.
    """

    def __init__(
        self,
        encoder: nn.Module,
        head: nn.Module,
        objective: MixingObjective,
        *,
        mixes: int,
        start: int,
        dimension: int,
        queue_size: int,
        momentum: float = 0.999,
        generator: torch.Generator | None = None,
        chance: Chance | None = None,
    ) -> None:
        for name, value in (("mixes", mixes), ("start", start)):
            if value < 0:
                raise ArgumentError(f"{name} is {value}; it must be 0 or more.")
        super().__init__(
            encoder,
            head,
            self._contrast,
            dimension=dimension,
            queue_size=queue_size,
            momentum=momentum,
            generator=generator,
            chance=chance,
        )
        self.name_draws(generator)
        self.with_mixtures, self.mixes, self.start = objective, mixes, start
        self._log: Mapping[str, Tensor] = {}
        self._part = 0

    @property
    def mixing(self) -> bool:
        """Whether this step has synthetic negatives."""
        return self.mixes > 0 and int(self.steps) >= self.start

    def forward(self, batch: Batch) -> Step:
        self._part = batch.part  # with accumulation, each batch of a step has mixtures of its own
        step = super().forward(batch)
        pairing = step.pairing.with_queue(self.mixes) if self.mixing else step.pairing
        return replace(step, pairing=pairing, log={**step.log, **self._log})

    def _contrast(self, q: Tensor, k: Tensor, queue: Tensor) -> Tensor:
        draws = self.draws(self._part) if self.mixing else None
        rows = own_rows(len(q), device=q.device)
        loss, self._log = self.with_mixtures(gather(q), gather(k), queue, rows, draws)
        return loss
