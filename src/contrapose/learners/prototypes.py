"""Swapped assignments: samples are compared with learned prototypes, and views must agree on them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from contrapose.data.batch import Batch
from contrapose.distributed import gather, own_rows, world_size
from contrapose.errors import ArgumentError
from contrapose.learners.embed_views import embed_views
from contrapose.learners.learner import Learner, Step
from contrapose.learners.momentum import Queue
from contrapose.pairing import by_views

# (scores (V, B, K) of this process, scores (A, L, K) without gradient that are balanced along with them) -> loss
PrototypeObjective = Callable[[Tensor, Tensor | None], Tensor]


class CropQueue(Queue):
    """The latest L unit embeddings of each of A crops, oldest overwritten first; empty at first, not random.

    A row holds the A embeddings of one sample, one after the other. Sinkhorn does not mind the order of rows, so they
    stay where they are written, and no copy shifts them along.

    Shapes:
        rows: `(L, A·D)` buffer, zeros where nothing was written yet.

    Errors:
        ArgumentError: L, A or D below 1; on `enqueue`, a block that is empty or does not divide L.
    """

    def __init__(self, size: int, crops: int, dimension: int) -> None:
        super().__init__(size, crops * dimension, generator=torch.Generator())
        self.rows.zero_()
        self.crops = crops

    @property
    def full(self) -> bool:
        """Whether the last row was ever written, and so all of them."""
        return bool(self.rows[-1].any())

    def by_crop(self) -> Float[Tensor, "A L D"]:
        """The embeddings of each crop."""
        return self.rows.unflatten(1, (self.crops, -1)).transpose(0, 1)  # (L, A·D) -> (A, L, D)

    def remember(self, z: Float[Tensor, "A B D"]) -> None:
        """Enqueue B samples."""
        self.enqueue(z.transpose(0, 1).flatten(1))  # (B, A·D)


class Prototypes(Learner):
    """SwAV: views of a sample are scored against K prototypes, and each predicts the code of the others.

        c_k <- c_k / ||c_k||                                            (before every step, outside the graph)
        z_v = normalize(head(encoder(x_v))),   s_v = z_v C^T,   loss = objective(s, scores of others)
        the first steps: the prototypes' gradient is dropped, so that neither momentum nor decay moves them
        after the optimiser's step: the queue takes all processes' z of the assigned crops

    The others are those whose codes are balanced together with the batch's: the samples of other processes, and a
    queue's, from the step on in which it is full. Its embeddings are scored anew with the present prototypes, and the
    batch enters it afterwards, so that no sample is balanced with itself.

    Shapes:
        views: V, which may be of several sizes; the head sees all of them in one pass. z: `(V, B, D)`,
        s: `(V, B, K)`, others: `(A, L + (W - 1)·B, K)`, a block for each of the first A views.

    Arguments:
        encoder: the backbone, which is exported; head: thrown away after training, like the prototypes.
        objective: see `PrototypeObjective`; it assigns codes to the first A views.
        dimension: D, the output of the head.
        prototypes: K.
        temperature: of the predictions; here only for the verdict on the scores.
        assigned: A, the views that get a code: those of full size, which come first. 2: the paper's.
        queue_size: L, samples in the queue, a multiple of the global batch; 0 = no queue.
        queue_after: steps before anything enters the queue: early embeddings are not worth keeping.
        freeze_prototypes: first steps in which the prototypes stand still. About an epoch in the paper's code.
        generator: draws the first prototypes, uniformly on the sphere.

    Errors:
        ArgumentError: fewer than two prototypes, an option out of its range; on a batch, fewer than two views or than
            assigned ones, a head of another dimension, a global batch that does not divide the queue.

    Chance: log K.
    Papers: SwAV, https://arxiv.org/abs/2006.09882.
    """

    steps: Tensor

    def __init__(
        self,
        encoder: nn.Module,
        head: nn.Module,
        objective: PrototypeObjective,
        *,
        dimension: int,
        prototypes: int,
        temperature: float = 0.1,
        assigned: int = 2,
        queue_size: int = 0,
        queue_after: int = 0,
        freeze_prototypes: int = 0,
        generator: torch.Generator | None = None,
    ) -> None:
        least = {"prototypes": (prototypes, 2), "assigned": (assigned, 1), "queue_size": (queue_size, 0)}
        least |= {"queue_after": (queue_after, 0), "freeze_prototypes": (freeze_prototypes, 0)}
        for name, (value, low) in least.items():
            if value < low:
                raise ArgumentError(f"{name} is {value}; it must be {low} or more.")
        super().__init__(chance=lambda pairing: math.log(prototypes))
        self.encoder, self.head, self.objective = encoder, head, objective
        self.prototypes = nn.Linear(dimension, prototypes, bias=False)  # weight: (K, D)
        nn.init.normal_(self.prototypes.weight, generator=generator)
        self.queue = CropQueue(queue_size, assigned, dimension) if queue_size else None
        self.register_buffer("steps", torch.zeros((), dtype=torch.long))
        self.temperature, self.assigned = temperature, assigned
        self.queue_after, self.freeze_prototypes = queue_after, freeze_prototypes
        self.before_step()

    @torch.no_grad()
    def before_step(self) -> None:
        # In place: a normalisation inside the graph would take the radial part out of the gradient.
        self.prototypes.weight.copy_(F.normalize(self.prototypes.weight, dim=1))

    def forward(self, batch: Batch) -> Step:
        self._check(batch)
        h = embed_views(self.encoder, batch.views)  # (V, B, H)
        z = self.head(h.flatten(0, 1)).unflatten(0, h.shape[:2])  # (V, B, D), all views in one batch normalisation
        if z.shape[2] != self.prototypes.in_features:
            raise ArgumentError(
                f"The head gives embeddings of {z.shape[2]} dimensions, and the prototypes have "
                f"{self.prototypes.in_features}; make both alike."
            )
        unit = F.normalize(z.to(torch.promote_types(z.dtype, torch.float32)), dim=2)  # (V, B, D)
        scores = self.scores(unit)  # (V, B, K)
        assigned = gather(unit[: self.assigned].detach(), dim=1)  # (A, W·B, D)
        logits = scores.detach().flatten(0, 1) / self.temperature  # (V·B, K)
        used = logits.argmax(dim=1).unique().numel() / min(logits.shape)
        return Step(
            self.objective(scores, self._others(assigned, batch.size)),
            z.detach().flatten(0, 1),  # (V·B, D)
            by_views(*z.shape[:2], in_batch_negatives=False, device=z.device),
            {"prototypes_used": used},  # of as many as could be
            prototype_scores=logits,
            memory=assigned,
        )

    def scores(self, unit: Float[Tensor, "... D"]) -> Float[Tensor, "... K"]:
        """Cosines with the prototypes, in the precision of `unit`: bfloat16 has too few digits to divide by epsilon."""
        with torch.autocast(unit.device.type, enabled=False):
            return F.linear(unit, self.prototypes.weight.to(unit.dtype))

    @torch.no_grad()
    def _others(self, assigned: Tensor, batch: int) -> Tensor | None:
        """`(A, L', K)`: scores of all whose codes are balanced together with those of this process's samples."""
        parts = [self.queue.by_crop().to(assigned)] if self.queue is not None and self.queue.full else []  # (A, L, D)
        own = own_rows(batch, device=assigned.device)
        if own is not None:
            foreign = torch.ones(assigned.shape[1], dtype=torch.bool, device=assigned.device)
            foreign[own] = False
            parts.append(assigned[:, foreign])  # (A, (W - 1)·B, D)
        return self.scores(torch.cat(parts, dim=1)) if parts else None

    def check_views(self, count: int) -> None:
        wanted = max(2, self.assigned)
        if count < wanted:
            raise ArgumentError(f"This method needs at least {wanted} views of each sample, got {count}.")

    def _check(self, batch: Batch) -> None:
        self.check_views(len(batch.views))
        if self.queue is not None:
            self.queue.check_block(batch.size * world_size())

    def after_backward(self) -> None:
        if int(self.steps) < self.freeze_prototypes:
            self.prototypes.weight.grad = None  # not zeros, which momentum and weight decay would act upon

    def after_step(self, steps: Sequence[Step]) -> None:
        if self.queue is not None and int(self.steps) >= self.queue_after:
            for step in steps:
                assert step.memory is not None  # `forward` gave it
                self.queue.remember(step.memory)
        self.steps += 1
