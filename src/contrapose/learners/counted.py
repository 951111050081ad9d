"""Siamese learning whose maker of views says how much it could change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from torch import Tensor, nn

from contrapose.data.batch import Batch
from contrapose.errors import ArgumentError
from contrapose.learners.learner import Step
from contrapose.learners.siamese import Siamese


class Counted(Siamese):
    """`Siamese` on views that are no tensors, beside which a tensor of counts may stand: how much of what was asked for
    was done to each sample. It is logged as shares, over all samples of the batch, and no network sees it.

        log name_k = sum_b counts[b, k] / sum_b counts[b, 0]

    Shapes:
        views: V views of B samples, and counts `(B, 1 + k)` behind them or not.

    Arguments:
        counted: k names, of the columns behind the first, which is what was asked for.
        others: as of `Siamese`.

    Errors:
        ArgumentError: counts of another number of columns; what `Siamese` refuses.
    """

    def __init__(self, encoder: nn.Module, head: nn.Module, objective: Any, *, counted: Sequence[str], **others: Any):
        super().__init__(encoder, head, objective, **others)
        self.counted = tuple(counted)

    def forward(self, batch: Batch) -> Step:
        views = tuple(view for view in batch.views if not isinstance(view, Tensor))
        beside = [view for view in batch.views if isinstance(view, Tensor)]
        step = super().forward(replace(batch, views=views))
        if not beside:
            return step
        if beside[0].shape[1:] != (1 + len(self.counted),):
            raise ArgumentError(
                f"Counts beside views are (B, {1 + len(self.counted)}), what was asked for and "
                f"{', '.join(self.counted)}, not {tuple(beside[0].shape)}."
            )
        asked, *done = beside[0].sum(dim=0)  # () each
        shares = {name: count / asked.clamp(min=1) for name, count in zip(self.counted, done, strict=True)}
        return replace(step, log={**step.log, **shares})
