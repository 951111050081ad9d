"""Nearest-neighbour contrast: a sample's positive is somebody else, the most similar of those seen lately."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from contrapose.data.batch import Batch
from contrapose.distributed import gather, own_rows, world_size
from contrapose.errors import ArgumentError
from contrapose.learners.embed_views import embed_views
from contrapose.learners.learner import Chance, Learner, Step
from contrapose.learners.momentum import Queue
from contrapose.pairing import by_towers

# (neighbours (B, D), predictions (B, D), rows this process answers for) -> loss
NeighbourObjective = Callable[[Tensor, Tensor, Tensor | None], Tensor]

LOOKED_UP_AT_ONCE = 1024  # rows: with a support set of 98,304, 400 MB of cosines


class SupportSet(Queue):
    """A queue in which each embedding finds its nearest neighbour."""

    @torch.no_grad()
    def nearest(self, z: Float[Tensor, "... D"]) -> Float[Tensor, "... D"]:
        """The stored row of the highest cosine with each row of `z`, which has unit rows; the first of equals."""
        with torch.autocast(z.device.type, enabled=False):  # bfloat16 has too few digits to rank neighbours
            rows = self.rows.to(z.dtype)  # (K, D)
            blocks = z.flatten(0, -2).split(LOOKED_UP_AT_ONCE)  # (..., D) -> blocks (b, D)
            chosen = torch.cat([(block @ rows.T).argmax(1) for block in blocks])  # (b, K) -> (b,)
        return rows[chosen].view_as(z)


class NearestNeighbour(Learner):
    """NNCLR: the neighbour of one view in a support set must recognise the prediction of the other view.

        z_v = head(encoder(x_v)),   p_v = predictor(z_v),   n_v = argmax over q in the set of <normalize(z_v), q>
        loss = [ objective(n_1, p_2) + objective(n_2, p_1) ] / 2
        after the optimiser's step: enqueue all processes' normalize(z_1)

    The gradient flows through the predictions alone. Neighbours are looked up in the set as it was before this step's
    own embeddings enter: afterwards a sample's nearest neighbour would be itself. The set starts as random unit rows,
    so the neighbours of the first K / B steps mean nothing.

    Shapes:
        z, p, n: `(2, B, D)`; the support set: `(K, D)`.

    Arguments:
        predictor: D to D, thrown away after training like the head.
        objective: `(neighbours, predictions, rows) -> scalar`, of all processes' rows; neighbours carry no gradient.
        dimension: D, the output of the head.
        queue_size: K, a multiple of the global batch (98,304 in the paper).
        generator: draws the set's first rows.

    Errors:
        ArgumentError: not exactly two views; a global batch that does not divide the support set.

    Dwibedi, Aytar, Tompson, Sermanet, Zisserman, "With a Little Help from My Friends", ICCV 2021,
    https://arxiv.org/abs/2104.14548
    """

    def __init__(
        self,
        encoder: nn.Module,
        head: nn.Module,
        predictor: nn.Module,
        objective: NeighbourObjective,
        *,
        dimension: int,
        queue_size: int,
        generator: torch.Generator | None = None,
        chance: Chance | None = None,
    ) -> None:
        super().__init__(chance=chance)
        self.encoder, self.head, self.predictor = encoder, head, predictor
        self.support = SupportSet(queue_size, dimension, generator=generator)
        self.objective = objective

    def check_views(self, count: int) -> None:
        if count != 2:
            raise ArgumentError(f"Nearest-neighbour contrast needs 2 views of each sample, got {count}.")

    def forward(self, batch: Batch) -> Step:
        self.check_views(len(batch.views))
        self.support.check_block(batch.size * world_size())  # before any work is done
        z = embed_views(lambda x: self.head(self.encoder(x)), batch.views)  # (2, B, D)
        p = self.predictor(z.flatten(0, 1)).view_as(z)  # (2, B, D), both views in one batch normalisation
        unit = F.normalize(z.detach().float(), dim=2)  # (2, B, D)
        nearest = self.support.nearest(unit)  # (2, B, D)
        rows = own_rows(batch.size, device=z.device)
        neighbours, predictions = gather(nearest, dim=1), gather(p, dim=1)  # (2, W·B, D) each
        first = self.objective(neighbours[0], predictions[1], rows)
        second = self.objective(neighbours[1], predictions[0], rows)
        return Step(
            (first + second) / 2,
            z.detach().flatten(0, 1),  # (2·B, D)
            by_towers(neighbours.shape[1], device=z.device),
            {"neighbour_cosine": (unit * nearest).sum(2).mean()},
            memory=gather(unit[0]),  # (W·B, D)
        )

    def after_step(self, steps: Sequence[Step]) -> None:
        for step in steps:
            assert step.memory is not None  # `forward` gave it
            self.support.enqueue(step.memory)
