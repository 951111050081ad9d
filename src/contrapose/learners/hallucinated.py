"""Momentum contrast that also draws its queries to positives made up on the sphere, between prototypes of the queue."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor, nn

from contrapose.data.batch import Batch
from contrapose.data.randomness import derived_generator
from contrapose.distributed import gather, mean_count, own_rows
from contrapose.errors import ArgumentError
from contrapose.learners.drawing import Drawing
from contrapose.learners.learner import Chance, Step
from contrapose.learners.momentum import Momentum, MomentumObjective
from contrapose.pairing import Pairing

# (keys (W·B, D), prototypes (P, D), rows of this process, generator) -> positives (B, M, D), keep (B, M), angles (B, M)
Hallucinate = Callable[[Tensor, Tensor, Tensor | None, torch.Generator], tuple[Tensor, Tensor, Tensor]]
# (queries (B, D), positives (B, M, D), keep (B, M), mean number of kept pairs a process) -> loss
Attraction = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]
# (newest keys (n, D), generator) -> prototypes (P, D)
FitPrototypes = Callable[[Tensor, torch.Generator], Tensor]

TURNS = 2
"""How often the queue is overwritten before prototypes are looked for in it: the authors'."""


class HallucinatedPositives(Drawing, Momentum):
    """`Momentum`, and from some step on an attraction to hallucinated positives (HaLP).

        before:   loss = objective(q, k, queue),                                                          MoCo
        after:    loss = objective(q, k, queue) + weight · attraction(q, positives(k, prototypes))
        after the optimiser's step: enqueue all processes' k; fit the prototypes to the newest keys, if it is time

    It is time once `start` of the run's steps are done and the queue has been overwritten twice, and from then on
    after every step whose number `refit_steps` divides: positives of a step are made with prototypes of earlier ones.
    Whether there are any stands in `Step.log` as `hallucinating`, 0 or 1. What is drawn is alike on all processes, each
    of which makes the positives of its own keys.

    Shapes:
        q, k: `(B, D)`; queue: `(K, D)`; prototypes: `(P, D)` buffer, zeros before the first fit.

    Arguments:
        objective: `(queries, keys, queue) -> scalar`, the contrast.
        attraction: see `Attraction`; `hallucinate`: see `Hallucinate`. None: the key itself is the only positive, from
            the same step on, and nothing is fitted: a control.
        fit: see `FitPrototypes`.
        weight: mu. With 0 it is `Momentum`.
        attraction_chance: what the attraction is worth when all embeddings are equal.
        prototypes: P.
        newest: keys of the queue, the last ones, to which prototypes are fitted.
        refit_steps: u.
        start: share of the run that is `Momentum` alone; without `see_steps` it is 0.
        The others are those of `Momentum`.

    Errors:
        ArgumentError: an option out of its range, more prototypes than newest keys, more of these than the queue has;
            those of `Momentum`.

    Papers: HaLP, https://arxiv.org/abs/2304.00387.
    """

    prototypes: Tensor
    entered: Tensor
    fits: Tensor

    def __init__(
        self,
        encoder: nn.Module,
        head: nn.Module,
        objective: MomentumObjective,
        *,
        attraction: Attraction,
        hallucinate: Hallucinate | None,
        fit: FitPrototypes,
        weight: float,
        prototypes: int,
        newest: int,
        refit_steps: int,
        start: float,
        dimension: int,
        queue_size: int,
        momentum: float = 0.999,
        attraction_chance: float = 0.0,
        generator: torch.Generator | None = None,
        chance: Chance | None = None,
    ) -> None:
        _check(weight, prototypes, newest, refit_steps, start, queue_size)
        super().__init__(
            encoder,
            head,
            self._contrast_and_attract,
            dimension=dimension,
            queue_size=queue_size,
            momentum=momentum,
            generator=generator,
            chance=None if chance is None else self._chance,
        )
        self.name_draws(generator)
        self.register_buffer("prototypes", torch.zeros(prototypes, dimension))  # (P, D)
        self.register_buffer("entered", torch.zeros((), dtype=torch.long))  # keys that ever entered the queue
        self.register_buffer("fits", torch.zeros((), dtype=torch.long))
        self.contrast, self.attraction, self.hallucinate, self.fit = objective, attraction, hallucinate, fit
        self.weight, self.newest, self.refit_steps, self.start = weight, newest, refit_steps, start
        self.chance_alone, self.attraction_chance = chance, attraction_chance
        self.plain_steps = 0
        self._log: dict[str, Tensor | float] = {"hallucinating": 0.0}
        self._part = 0

    def see_steps(self, total: int) -> None:
        self.plain_steps = math.ceil(self.start * total)

    @property
    def hallucinating(self) -> bool:
        """Whether this step has positives besides the key."""
        return self.weight > 0 and int(self.fits) > 0

    def newest_keys(self) -> Float[Tensor, "n D"]:
        """The last keys that entered the queue, the newest last; they may go on at its start."""
        size = len(self.queue.rows)
        places = (self.queue.position - self.newest + torch.arange(self.newest, device=self.queue.rows.device)) % size
        return self.queue.rows[places]  # (n, D)

    def forward(self, batch: Batch) -> Step:
        self._part = batch.part  # with accumulation, each batch of a step has draws of its own
        step = super().forward(batch)
        return replace(step, log={**step.log, **self._log})

    def after_step(self, steps: Sequence[Step]) -> None:
        super().after_step(steps)
        self.entered += sum(len(step.memory) for step in steps if step.memory is not None)
        done = int(self.steps)
        if self.weight > 0 and (done % self.refit_steps == 0 if int(self.fits) else self._ready(done)):
            self._refit(done)

    def _ready(self, done: int) -> bool:
        """Whether the first prototypes may be fitted."""
        return done >= self.plain_steps and int(self.entered) > TURNS * len(self.queue.rows)

    @torch.no_grad()
    def _refit(self, done: int) -> None:
        if self.hallucinate is not None:
            generator = derived_generator(int(self.seed), done, "prototypes")
            self.prototypes.copy_(self.fit(self.newest_keys(), generator))
        self.fits += 1

    def _contrast_and_attract(self, q: Tensor, k: Tensor, queue: Tensor) -> Tensor:
        loss = self.contrast(q, k, queue)
        now = self.hallucinating
        self._log = {"hallucinating": float(now)}
        if not now:
            return loss
        if self.hallucinate is None:
            positives = k.unsqueeze(1)  # (B, 1, D)
            keep = torch.ones(len(k), 1, dtype=torch.bool, device=k.device)  # (B, 1)
            angles = torch.zeros(len(k), 1, device=k.device)  # (B, 1)
        else:
            rows = own_rows(len(k), device=k.device)
            positives, keep, angles = self.hallucinate(gather(k), self.prototypes, rows, self.draws(self._part))
        pairs = mean_count(keep.sum())  # ()
        attraction = self.attraction(q, positives, keep, pairs)
        self._log |= {
            "loss_contrast": loss.detach(),
            "loss_attraction": attraction.detach(),
            "kept_share": keep.float().mean(),
            "positive_angle": (angles * keep).sum() / keep.sum().clamp(min=1),
        }
        return loss + self.weight * attraction

    def _chance(self, pairing: Pairing) -> float:
        assert self.chance_alone is not None  # else this is not asked
        attracted = float(self._log["hallucinating"])  # in the last forward pass
        return self.chance_alone(pairing) + attracted * self.weight * self.attraction_chance


def _check(weight: float, prototypes: int, newest: int, refit_steps: int, start: float, queue: int) -> None:
    if not (math.isfinite(weight) and weight >= 0):
        raise ArgumentError(f"weight is {weight}; it must be 0 or more.")
    if not 0 <= start <= 1:
        raise ArgumentError(f"start is {start}; it is a share of the run, from 0 to 1.")
    if refit_steps < 1:
        raise ArgumentError(f"refit_steps is {refit_steps}; it must be 1 or more.")
    if not 2 <= prototypes <= newest <= queue:
        raise ArgumentError(
            f"There must be 2 or more prototypes ({prototypes}), no more than the newest keys that they are fitted to "
            f"({newest}), and no more of these than the queue has ({queue})."
        )
