"""Plain supervised training: what contrast with labels is compared with."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import nn

from contrapose.data.batch import Batch
from contrapose.data.samples import LABEL
from contrapose.distributed import gather
from contrapose.errors import ArgumentError
from contrapose.learners.cross_entropy import accuracy_of, labelled_cross_entropy
from contrapose.learners.embed_views import embed_views
from contrapose.learners.learner import Learner, Step
from contrapose.pairing import by_labels
from contrapose.tracing import is_readable


class Classifier(Learner):
    """An encoder with a linear layer on top, trained by cross-entropy on every view.

        loss = mean over views v and labelled samples b of -log softmax(W encoder(x_vb) + c)[label_b]

    It sees as many pictures a step as a contrastive learner with the same views, so that their budgets are equal.
    Samples without a label (-1) are passed over.

    Shapes:
        views: V tensors `(B, C, H, W)`; logits `(V, B, P)`.

    Arguments:
        classes: P, the number of classes.
        label_smoothing: share of the target that is spread over all classes. 0: none.

    Errors:
        ArgumentError: data or a batch without labels, or with a label of P or more.

    Chance: log P.
    """

    contrasts: ClassVar[bool] = False

    def __init__(self, encoder: nn.Module, *, dimension: int, classes: int, label_smoothing: float = 0.0) -> None:
        super().__init__(chance=lambda pairing: math.log(classes))
        self.encoder, self.classes, self.label_smoothing = encoder, classes, label_smoothing
        self.head = nn.Linear(dimension, classes)

    def see_targets(self, targets: Mapping[str, Any]) -> None:
        self._labels_in(targets)

    def forward(self, batch: Batch) -> Step:
        labels = self._labels_in(batch.targets)  # (B,)
        z = embed_views(self.encoder, batch.views)  # (V, B, D)
        logits = self.head(z).flatten(0, 1)  # (V·B, P)
        targets = labels.repeat(len(batch.views))  # (V·B,)
        loss = labelled_cross_entropy(logits, targets, label_smoothing=self.label_smoothing)
        log: dict[str, torch.Tensor | float] = {"training_accuracy": accuracy_of(logits, targets)}
        return Step(loss, z.detach().flatten(0, 1), by_labels(gather(labels), views=len(batch.views)), log)

    def _labels_in(self, targets: Mapping[str, Any]) -> Any:
        """The labels `(B,)` of a batch or of all data."""
        labels = targets.get(LABEL)
        if labels is None:
            raise ArgumentError(
                "Supervised training needs labels and the data has none. Give class sub-folders or a label column."
            )
        if isinstance(labels, torch.Tensor) and not is_readable(labels):
            return labels
        largest = int(labels.max())
        if largest >= self.classes:
            raise ArgumentError(
                f"The data has a label {largest} and the classifier {self.classes} classes; take --classes "
                f"{largest + 1} or more."
            )
        return labels
