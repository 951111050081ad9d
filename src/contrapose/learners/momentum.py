"""Momentum contrast: a slow copy of the encoder fills a queue of negatives."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from contrapose.data.batch import Batch
from contrapose.distributed import gather, world_size
from contrapose.encoders import Teacher
from contrapose.errors import ArgumentError
from contrapose.learners.learner import Chance, Learner, Step
from contrapose.learners.shuffle import shuffled
from contrapose.pairing import by_towers

# (queries (B, D), keys (B, D), queue (K, D)) -> loss
MomentumObjective = Callable[[Tensor, Tensor, Tensor], Tensor]


class Queue(nn.Module):
    """The latest K unit embeddings, oldest overwritten first; it starts as random unit rows.

    Shapes:
        rows: `(K, D)` buffer; position: `()` integer buffer, where the next block is written.

    Errors:
        ArgumentError: K or D below 1; on `enqueue`, a block that is empty or does not divide K.
    """

    rows: Tensor
    position: Tensor

    def __init__(self, size: int, dimension: int, *, generator: torch.Generator | None = None) -> None:
        super().__init__()
        if size < 1 or dimension < 1:
            raise ArgumentError(f"A queue needs size >= 1 and dimension >= 1, got {size} and {dimension}.")
        rows = F.normalize(torch.randn(size, dimension, generator=generator), dim=1)  # (K, D)
        self.register_buffer("rows", rows)
        self.register_buffer("position", torch.zeros((), dtype=torch.long))

    @torch.no_grad()
    def enqueue(self, keys: Float[Tensor, "B D"]) -> None:
        """Overwrite the oldest rows with `keys`, in order; past the end it goes on at the start."""
        size, block = len(self.rows), len(keys)
        self.check_block(block)
        places = (self.position + torch.arange(block, device=self.rows.device)) % size  # (B,)
        self.rows[places] = keys.to(self.rows.dtype)
        self.position.copy_((self.position + block) % size)

    def check_block(self, block: int) -> None:
        """Refuse a global batch that does not divide the queue: rows would be kept for different numbers of steps."""
        size = len(self.rows)
        if block < 1:
            raise ArgumentError("There are no keys to enqueue; give one row at least.")
        if size % block:
            raise ArgumentError(
                f"A queue of {size} is not a multiple of the global batch of {block}; "
                f"take --queue {max(1, round(size / block)) * block}."
            )


class Momentum(Learner):
    """MoCo: queries from the encoder, keys from its exponential moving average, negatives from a queue of past keys.

        theta_k <- m theta_k + (1 - m) theta_q          (before the key's forward pass; parameters only)
        q = normalize(f_q(x_1)),  k = normalize(f_k(x_2)),  loss = objective([q, k, queue])
        after the optimiser's step: enqueue all processes' k

    The loss uses the queue as it was before this step's keys entered, so that no sample meets its own key as a
    negative.

    Shapes:
        q, k: `(B, D)`; queue: `(K, D)`.

    Arguments:
        objective: `(queries (B, D), keys (B, D), queue (K, D)) -> scalar`; keys and queue carry no gradient.
        dimension: D, the output of the head.
        queue_size: K, a multiple of the global batch (65,536 in the paper).
        momentum: m (0.999 in the paper).
        generator: draws the queue's first rows.

    Errors:
        ArgumentError: not exactly two views; a global batch that does not divide the queue.

    Papers: MoCo, https://arxiv.org/abs/1911.05722; MoCo v2, https://arxiv.org/abs/2003.04297.
    """

    steps: Tensor

    def __init__(
        self,
        encoder: nn.Module,
        head: nn.Module,
        objective: MomentumObjective,
        *,
        dimension: int,
        queue_size: int,
        momentum: float = 0.999,
        generator: torch.Generator | None = None,
        chance: Chance | None = None,
    ) -> None:
        super().__init__(chance=chance)
        self.encoder, self.head = encoder, head
        self.teacher = Teacher(nn.Sequential(encoder, head), momentum=momentum)
        self.queue = Queue(queue_size, dimension, generator=generator)
        self.register_buffer("steps", torch.zeros((), dtype=torch.long))  # seeds the shuffling of keys
        self.objective = objective

    def before_step(self) -> None:
        self.teacher.update(nn.Sequential(self.encoder, self.head))

    def check_views(self, count: int) -> None:
        if count != 2:
            raise ArgumentError(f"Momentum contrast needs 2 views of each sample, got {count}.")

    def forward(self, batch: Batch) -> Step:
        self.check_views(len(batch.views))
        self.queue.check_block(batch.size * world_size())  # before any work is done
        q = self.head(self.encoder(batch.views[0]))  # (B, D)
        with torch.no_grad():
            k = shuffled(self.teacher, batch.views[1], seed=self.steps)  # (B, D)
            k = F.normalize(k.float(), dim=1)
        loss = self.objective(q, k, self.queue.rows.clone())
        pairing = by_towers(len(q), in_batch_negatives=False, device=q.device).with_queue(len(self.queue.rows))
        return Step(loss, q.detach(), pairing, memory=gather(k))  # (W·B, D)

    def companions(self) -> dict[str, nn.Module]:
        return {"teacher": self.teacher.model.get_submodule("0")}

    def after_step(self, steps: Sequence[Step]) -> None:
        for step in steps:
            assert step.memory is not None  # `forward` gave it
            self.queue.enqueue(step.memory)
        self.steps += 1
