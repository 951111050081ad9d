"""The exits of one network by two labels: real or synthetic, and what made the synthetic ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from contrapose.data.batch import Batch
from contrapose.data.samples import LABEL
from contrapose.distributed import gather, own_rows
from contrapose.errors import ArgumentError
from contrapose.learners.learner import Step
from contrapose.learners.multi_exit import MultiExit
from contrapose.pairing import by_labels
from contrapose.view import join

FAMILY = "family"
"""The name of the target that holds what made each sample, where that is another column than the labels."""

# (exits (E, B, D), origins (B,): 1 synthetic, 0 real, -1 not known, families (B,), rows) -> loss, numbers to log
TwoLabelObjective = Callable[[Tensor, Tensor, Tensor, Tensor | None], tuple[Tensor, Mapping[str, Tensor]]]


class OriginAndFamily(MultiExit):
    """`MultiExit` with an objective that knows of each sample whether it is synthetic, and of which family.

        origin = 1[label is not that of the real samples],   family = the target "family", else the label
        loss = objective([z_e..., z_last], origin, family)

    The labels may thus be "real" and the names of generators, or "real" and "synthetic" with the generators in a column
    of their own.

    Shapes:
        views: V tensors `(B, C, H, W)`; embeddings: `(E, V·B, D)`, exits first, the encoder's own output last.

    Arguments:
        real: the label of the real samples.
        encoder, make_head, exits, chunk: as in `MultiExit`.

    Errors:
        ArgumentError: data or a batch without labels; data whose samples are all real, or all synthetic.

    Papers: ImagiNet, https://arxiv.org/abs/2407.20020.
    """

    def __init__(
        self,
        encoder: Any,
        make_head: Callable[[int], nn.Module],
        objective: TwoLabelObjective,
        *,
        exits: Sequence[int],
        real: int = 0,
        chunk: int | None = None,
    ) -> None:
        super().__init__(encoder, make_head, _no_pairing, exits=exits, use_labels=True, chunk=chunk)
        self.two_label_objective, self.real = objective, real

    def see_targets(self, targets: Mapping[str, Any]) -> None:
        origins = self._two_labels(targets)[0]  # (N,)
        real, synthetic = int((origins == 0).sum()), int((origins == 1).sum())
        if not real or not synthetic:
            missing = "real" if not real else "synthetic"
            raise ArgumentError(
                f"No sample is {missing}: those of class number {self.real} are the real ones, all others are "
                "synthetic. Give samples of both, or name the class of the real ones with --real."
            )

    def forward(self, batch: Batch) -> Step:
        x = join(batch.views)  # (V·B, C, H, W)
        z = self._exits(x)  # (E, V·B, D)
        rows = own_rows(len(x), device=z.device)
        views = len(batch.views)
        origins, families = (
            gather(values.to(z.device).repeat(views)) for values in self._two_labels(batch.targets)
        )  # (W·V·B,) each
        embeddings = z[-1].detach()  # (V·B, D)
        z = gather(z, dim=1)  # (E, W·V·B, D)
        loss, log = self.two_label_objective(z, origins, families, rows)
        share = (origins == 1).float().mean()  # ()
        return Step(loss, embeddings, by_labels(origins, views=len(z)), {**log, "synthetic_share": share})

    def _two_labels(self, targets: Mapping[str, Any]) -> tuple[Tensor, Tensor]:
        """Origin and family of each sample, `(B,)` int64 each, -1 where one is not known."""
        if LABEL not in targets:
            raise ArgumentError(
                "This method needs to know which samples are real and which are synthetic, and the data has no labels. "
                "Give class sub-folders (real, and one for each generator), or a label column."
            )
        labels = torch.as_tensor(targets[LABEL]).long()  # (B,)
        families = torch.as_tensor(targets[FAMILY]).long() if FAMILY in targets else labels  # (B,)
        origins = torch.where(labels < 0, -1, (labels != self.real).long())  # (B,)
        return origins, families


def _no_pairing(*given: Any) -> Tensor:
    raise ArgumentError("OriginAndFamily is trained by two labels, and by no pairing.")
