"""Self-contrast: the exits of one network are each other's views."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from contrapose.data.batch import Batch
from contrapose.distributed import gather, own_rows
from contrapose.encoders import check_capable
from contrapose.encoders.in_chunks import in_chunks
from contrapose.errors import ArgumentError
from contrapose.learners.learner import Chance, Learner, Objective, Step
from contrapose.pairing import by_labels
from contrapose.view import join


class MultiExit(Learner):
    """Embeddings after several stages of one encoder take the place of augmented views (SelfCon).

        z_e = head_e(mean over pixels of stage e),   z_last = head(encoder(view))
        loss = objective([z_e..., z_last], pairing)

    The exits' heads are thrown away after training; the encoder alone is exported.

    Shapes:
        views: V tensors `(B, C, H, W)`; embeddings: `(E, V·B, D)`, exits first, the encoder's own output last.

    Arguments:
        encoder: one that is `Staged`, such as those with a convolutional backbone.
        make_head: input dimension -> a projection head; called for each exit and for the encoder's output.
        exits: stages (counted from 0) with a head of their own, e.g. `(1,)`: after the second, as in the paper.
        objective: `(z, pairing, rows) -> scalar`.
        use_labels: pair rows of one class; false pairs the exits of one sample only.
        chunk: rows that go through the encoder at a time, in the memory of so many; None: as the run says.

    Errors:
        ArgumentError: an encoder without stages; `use_labels` and a batch without labels.

    Papers: Self-Contrastive Learning, https://arxiv.org/abs/2106.15499.
    """

    encoder: Any

    def __init__(
        self,
        encoder: Any,
        make_head: Callable[[int], nn.Module],
        objective: Objective,
        *,
        exits: Sequence[int],
        use_labels: bool,
        chunk: int | None = None,
        chance: Chance | None = None,
    ) -> None:
        super().__init__(chance=chance)
        check_capable(encoder, "stages", asker="Self-contrast")
        stages = encoder.stage_dimensions  # one whose backbone has none says so
        for stage in exits:
            if not 0 <= stage < len(stages):
                raise ArgumentError(f"Exit {stage} does not exist: {encoder.name} has stages 0 to {len(stages) - 1}.")
        dimensions = [*(stages[stage] for stage in exits), encoder.dimension]
        self.encoder, self.objective = encoder, objective
        self.heads = nn.ModuleList(make_head(dimension) for dimension in dimensions)
        self.exits, self.use_labels, self.chunk = tuple(exits), use_labels, chunk

    def forward(self, batch: Batch) -> Step:
        views = len(batch.views)
        x = join(batch.views)  # (V·B, C, H, W)
        z = self._exits(x)  # (E, V·B, D)
        rows = own_rows(len(x), device=z.device)
        labels = gather(self._labels(batch).repeat(views))  # (W·V·B,)
        embeddings = z[-1].detach()  # (V·B, D)
        z = gather(z, dim=1)  # (E, W·V·B, D)
        pairing = by_labels(labels, views=len(z))
        return Step(self.objective(z, pairing, rows), embeddings, pairing)

    def _exits(self, x: Tensor) -> Tensor:
        outputs = in_chunks(self._outputs, x, self.chunk, modules=self.encoder)  # E times (V·B, C_k)
        return torch.stack([head(output) for head, output in zip(self.heads, outputs, strict=True)])  # (E, V·B, D)

    def _outputs(self, x: Tensor) -> tuple[Tensor, ...]:
        maps = self.encoder.feature_maps(x)  # one (V·B, C_k, H_k, W_k) a stage
        pooled = [maps[stage].mean(dim=(2, 3)) for stage in self.exits]  # E - 1 times (V·B, C_k)
        return (*pooled, self.encoder.pool(maps[-1]))  # E times (V·B, C_k)

    def _labels(self, batch: Batch) -> Tensor:
        if not self.use_labels:
            rows = own_rows(batch.size, device=batch.views[0].device)
            return torch.arange(batch.size, device=batch.views[0].device) if rows is None else rows  # (B,)
        if batch.labels is None:
            raise ArgumentError(
                "Self-contrast with labels was asked for and the data has none. Give labelled data, or --no-use-labels."
            )
        return batch.labels
