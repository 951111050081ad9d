"""A classifier and a projection head on one encoder: classes are named, and samples of one class drawn together."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn

from contrapose.data.batch import Batch
from contrapose.distributed import gather, own_rows
from contrapose.learners.classifier import Classifier
from contrapose.learners.cross_entropy import accuracy_of
from contrapose.learners.embed_views import embed_views
from contrapose.learners.learner import Step
from contrapose.pairing import by_labels

# (embeddings (V, W·B, D), logits (V, W·B, P), labels (W·B,), rows this process answers for) -> loss
LabelledObjective = Callable[[Tensor, Tensor, Tensor, "Tensor | None"], Tensor]


class SupConCE(Classifier):
    """Cross-entropy of a linear layer on the encoder, and contrast of a projection of the same, by one objective.

        h = encoder(x),   logits = W h + c,   z = projection(h),   loss = objective(z, logits, labels)

    Shapes:
        views: V of B samples; z: `(V, W·B, D)` and logits: `(V, W·B, P)`, gathered over processes.

    Arguments:
        projection: the head in which samples are compared.
        objective: see `LabelledObjective`.
        dimension, classes: as in `Classifier`, whose errors these are too.

    Chance: that of the classifier alone, log P.
    """

    def __init__(
        self, encoder: nn.Module, projection: nn.Module, objective: LabelledObjective, *, dimension: int, classes: int
    ) -> None:
        super().__init__(encoder, dimension=dimension, classes=classes)
        self.projection, self.objective = projection, objective
        self.chance = None  # of two losses of several scales there is none

    def forward(self, batch: Batch) -> Step:
        labels = self._labels_in(batch.targets)  # (B,)
        h = embed_views(self.encoder, batch.views)  # (V, B, D')
        logits = self.head(h)  # (V, B, P)
        z = self.projection(h.flatten(0, 1)).unflatten(0, h.shape[:2])  # (V, B, D)
        embeddings = z.detach().flatten(0, 1)  # (V·B, D)
        log: dict[str, Tensor | float] = {
            "training_accuracy": accuracy_of(logits.flatten(0, 1), labels.repeat(len(batch.views)))
        }
        rows, labels = own_rows(batch.size, device=z.device), gather(labels)
        loss = self.objective(gather(z, dim=1), gather(logits, dim=1), labels, rows)
        return Step(loss, embeddings, by_labels(labels, views=len(batch.views)), log)
