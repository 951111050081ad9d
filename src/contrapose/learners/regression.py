"""Contrast over a number: one encoder sees all views, the objective compares what comes out with the numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from contrapose.data.batch import Batch
from contrapose.distributed import gather, own_rows
from contrapose.errors import ArgumentError
from contrapose.learners.drawing import Drawing
from contrapose.learners.embed_views import embed_views
from contrapose.learners.learner import Step
from contrapose.learners.number_scale import NumberScale, number_in
from contrapose.pairing import Pairing, TargetPairing, by_targets

# (embeddings (V, B', D), their numbers from 0 to 100 in a pairing, rows this process answers for, what draws) -> loss
RegressionObjective = Callable[[Tensor, TargetPairing, Tensor | None, torch.Generator], Tensor]


class Regression(Drawing):
    """`Siamese` for a number: samples pull and push by how far apart theirs are (SupReMix, RnC, AdaCon).

        z_v = head(encoder(view_v)),   y = 100 (number - lowest) / (highest - lowest),   loss = objective(z, y)

    Samples whose number nobody knows (NaN) have no part in the loss. What the objective draws at random (mixtures)
    follows from a number in the memory, the step and the batch within it, alike on all processes, each of which then
    answers for its own samples.

    Shapes:
        views: V of B samples; embeddings z: `(V, B, D)`, gathered over processes to `(V, W·B, D)`.

    Arguments:
        encoder: the backbone, which is exported.
        head: the projection head, which is thrown away after training.
        objective: see `RegressionObjective`.
        generator: draws the number that names the stream of mixtures; None = torch's global stream.

    Errors:
        ArgumentError: fewer than two views, data without a number.

    Chance: the objective itself where all embeddings are equal, as it depends on the numbers of the batch.

    Papers: SupReMix, https://arxiv.org/abs/2309.16633; Rank-N-Contrast, https://arxiv.org/abs/2210.01189.
    """

    def __init__(
        self,
        encoder: nn.Module,
        head: nn.Module,
        objective: RegressionObjective,
        *,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__(chance=self._of_equal_embeddings)
        self.encoder, self.head, self.objective = encoder, head, objective
        self.scale = NumberScale()
        self.name_draws(generator)
        self.register_buffer("steps", torch.zeros((), dtype=torch.long))

    def see_targets(self, targets: Mapping[str, Any]) -> None:
        self.scale.find(number_in(targets))

    def check_views(self, count: int) -> None:
        if count < 2:
            raise ArgumentError(f"This method needs at least 2 views of each sample, got {count}.")

    def forward(self, batch: Batch) -> Step:
        self.check_views(len(batch.views))
        numbers = self.scale(gather(number_in(batch.targets)))  # (W·B,)
        own = embed_views(lambda x: self.head(self.encoder(x)), batch.views)  # (V, B, D)
        z, rows = gather(own, dim=1), own_rows(batch.size, device=own.device)  # (V, W·B, D)
        known = numbers.isfinite()  # (W·B,)
        share = 1.0
        if not bool(known.all()):
            z, rows, share = _only(known, z, rows)
        pairing = by_targets(numbers[known], views=len(z)) if bool(known.any()) else by_targets(numbers.nan_to_num())
        embeddings = own.detach().flatten(0, 1)  # (V·B, D)
        if int(known.sum()) < 2 or (rows is not None and len(rows) == 0):
            return Step(0.0 * own.sum(), embeddings, pairing)  # nothing of this process to compare
        return Step(share * self.objective(z, pairing, rows, self.draws(batch.part)), embeddings, pairing)

    def after_step(self, steps: Sequence[Step]) -> None:
        self.steps += 1

    def _of_equal_embeddings(self, pairing: Pairing) -> float:
        assert isinstance(pairing, TargetPairing), "`forward` gave it"
        equal = torch.ones(pairing.views, len(pairing.targets), 1, device=pairing.targets.device)
        return float(self.objective(equal, pairing, None, self.draws())) if pairing.views > 1 else 0.0


def _only(known: Tensor, z: Tensor, rows: Tensor | None) -> tuple[Tensor, Tensor, float]:
    """Embeddings and this process's rows among the samples that are known, and the weight of its mean in that of all.

    Processes average their losses with equal weights, however many samples each knows: so each loss is weighed by its
    share of them, times the number of processes.
    """
    place = known.cumsum(0) - 1  # (W·B,) the number among those known
    own = torch.arange(len(known), device=known.device) if rows is None else rows  # (B,)
    mine = place[own[known[own]]]  # (b,)
    processes = len(known) / len(own)
    return z[:, known], mine, len(mine) * processes / max(1, int(known.sum()))
