"""Two encoders by one bit: what two sets have in common, and what the target set has besides."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from contrapose.data.batch import Batch
from contrapose.data.samples import LABEL
from contrapose.distributed import gather
from contrapose.errors import ArgumentError
from contrapose.learners.embed_views import embed_views
from contrapose.learners.learner import Chance, Learner, Step
from contrapose.pairing import by_views
from contrapose.words import counted

# (common (2, B, Dc), salient (2, B, Ds), target (B,) bool) -> loss, numbers to log
SeparationObjective = Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Mapping[str, Tensor]]]


class CommonSalient(Learner):
    """A common and a salient encoder see the same views; the loss knows of each sample whether it is a target.

        c_v = head(encoder(view_v)),   s_v = salient_head(salient(view_v)),   loss = objective(c, s, label == target)

    The two networks share no weights. Both are exported: the common one as the run's encoder, the salient one to a
    folder of its own (`salient`).

    With several processes everything is gathered and each computes the whole loss, which is their average; the
    backward of the gather sums over them, so that the gradient is that of one process.

    Shapes:
        views: two tensors `(B, ...)`; c: `(2, B, Dc)`, s: `(2, B, Ds)`, gathered to `(2, W·B, ...)`.

    Arguments:
        objective: see `SeparationObjective`; it is handed batches in which one of the sets may be missing.
        target: the label of the targets; all others are background.

    Errors:
        ArgumentError: not exactly two views; data or a batch without labels, or with a sample that has none (-1); data
            of one set only; encoders that share weights.

    Papers: SepCLR, https://arxiv.org/abs/2402.11928.
    """

    def __init__(
        self,
        encoder: nn.Module,
        head: nn.Module,
        objective: SeparationObjective,
        *,
        salient: nn.Module,
        salient_head: nn.Module,
        target: int = 1,
        chance: Chance | None = None,
    ) -> None:
        super().__init__(chance=chance)
        self.encoder, self.head = encoder, head
        self.salient, self.salient_head = salient, salient_head
        self.objective, self.target = objective, target
        if any(id(weight) in self._of_salient() for part in (encoder, head) for weight in part.parameters()):
            raise ArgumentError("The common and the salient encoder share weights; build two encoders and two heads.")

    def see_targets(self, targets: Mapping[str, Any]) -> None:
        wanted = torch.as_tensor(_labels_in(targets)) == self.target  # (N,)
        if bool(wanted.all()) or not bool(wanted.any()):
            those = "all samples are" if bool(wanted.all()) else "no sample is"
            raise ArgumentError(
                f"The targets are the samples of class number {self.target}, and {those} of that class, so there is "
                "nothing to tell apart. Give background and targets, or name the class of the targets with --target."
            )

    def check_views(self, count: int) -> None:
        if count != 2:
            raise ArgumentError(f"This method needs 2 views of each sample, got {count}.")

    def forward(self, batch: Batch) -> Step:
        self.check_views(len(batch.views))
        # 1 of a target, 0 of the background: numbers, for these every backend gathers
        target = gather((_labels_in(batch.targets) == self.target).long())  # (W·B,)
        c = embed_views(lambda x: self.head(self.encoder(x)), batch.views)  # (2, B, Dc)
        s = embed_views(lambda x: self.salient_head(self.salient(x)), batch.views)  # (2, B, Ds)
        embeddings = c.detach().flatten(0, 1)  # (2·B, Dc)
        c, s = gather(c, dim=1), gather(s, dim=1)  # (2, W·B, Dc), (2, W·B, Ds)
        loss, log = self.objective(c, s, target.bool())
        share = target.float().mean()  # ()
        return Step(loss, embeddings, by_views(*c.shape[:2], device=c.device), {**log, "target_share": share})

    def companions(self) -> dict[str, nn.Module]:
        return {"salient": self.salient}

    def clip_groups(self) -> list[list[nn.Parameter]]:
        """Each network by itself: the salient one's gradient is far the larger, and would shrink the common one's."""
        return list(self._split(self.parameters()))

    def _split(self, weights: Iterable[nn.Parameter]) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
        of_salient = self._of_salient()
        parts: tuple[list[nn.Parameter], list[nn.Parameter]] = ([], [])
        for weight in weights:
            parts[id(weight) in of_salient].append(weight)
        return parts

    def _of_salient(self) -> set[int]:
        return {id(weight) for part in (self.salient, self.salient_head) for weight in part.parameters()}


def _labels_in(targets: Mapping[str, Any]) -> Any:
    """The labels `(B,)` of a batch or of all data, of which every one has to be known."""
    labels = targets.get(LABEL)
    if labels is None:
        raise ArgumentError(
            "This method needs to know which samples are targets and which are background, and the data has no "
            "labels. Give two class sub-folders, background and target, or a label column."
        )
    unknown = int((labels < 0).sum())
    if unknown:
        raise ArgumentError(
            f"{unknown:,} of {counted(len(labels), 'sample')} {'has' if unknown == 1 else 'have'} no label, and "
            "whether a sample is a target or background decides what is learned from it. Leave such samples out, or "
            "label them."
        )
    return labels
