"""Adversarial training: a classifier learns from the worst change of each picture within a ball."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from contrapose.data.batch import Batch
from contrapose.data.samples import LABEL
from contrapose.distributed import gather
from contrapose.encoders.heads import Heads
from contrapose.errors import ArgumentError
from contrapose.learners.cross_entropy import accuracy_of, labelled_cross_entropy
from contrapose.learners.dual_training.moving_average import MovingAverage
from contrapose.learners.learner import Learner, Step
from contrapose.pairing import by_labels
from contrapose.robustness import Steps, climb
from contrapose.robustness.directions import evaluating


class Network(nn.Module):
    """Encoder and heads: pictures to the logits of the first head, `(B, C, H, W)` to `(B, P)`."""

    def __init__(self, encoder: nn.Module, heads: Heads) -> None:
        super().__init__()
        self.encoder, self.heads = encoder, heads

    def forward(self, x: Tensor) -> Float[Tensor, "B P"]:
        logits: Tensor = self.heads(self.encoder(x))[0]  # (B, P)
        return logits


class AttackedClassifier(Learner):
    """An encoder with a linear head, trained by cross-entropy on pictures that were changed against it.

        x' = climb(-log softmax(h(.))[y]) from x, within the ball      loss = mean over b of -log softmax(h(x'_b))[y_b]

    Pictures are changed by the network in evaluation mode [design]: running statistics then see each batch once, and
    nobody's change depends on who else is in the batch. What is exported is the moving average, not the weights.

    Shapes:
        views: one of B pictures, `(B, C, H, W)` floats in [0, 1]; logits `(B, P)`.

    Arguments:
        encoder: takes pictures in [0, 1], normalisation inside.
        heads: what names classes from embeddings; None: as many classes as the training data have, from zero.
        dimension: D, of the embeddings.
        attack: how pictures are changed; None: not at all (plain training).
        decay: of the moving average.

    Attributes:
        average: the moving average, of a `Network`.

    Errors:
        ArgumentError: data without labels, labels beyond the head's classes, another number of views than one, views
            outside [0, 1].

    Chance: log P.

    Paper: Madry et al., ICLR 2018, https://arxiv.org/abs/1706.06083
    """

    contrasts: ClassVar[bool] = False
    whole_batch: ClassVar[str] = "pictures are changed by gradients through the encoder"

    def __init__(
        self,
        encoder: nn.Module,
        *,
        dimension: int,
        attack: Steps | None,
        heads: Heads | None = None,
        decay: float = 0.999,
    ) -> None:
        super().__init__(chance=lambda pairing: math.log(max([2, *self.heads.sizes])))
        self.encoder, self.dimension, self.attack, self.decay = encoder, dimension, attack, decay
        self.heads = Heads(dimension, ()) if heads is None else heads
        self.average = MovingAverage(self.network(), decay=decay)

    def network(self) -> Network:
        """Encoder and heads as they are trained."""
        return Network(self.encoder, self.heads)

    @property
    def averaged(self) -> Network:
        """Encoder and heads as they are used."""
        network = self.average.model
        assert isinstance(network, Network)
        return network

    def see_targets(self, targets: Mapping[str, Any]) -> None:
        """Make a head of as many classes as the training data have, where there is none."""
        labels = self._labels(targets)
        if self.heads.sizes:
            return
        self.heads = Heads(self.dimension, [max(2, int(labels.max()) + 1)])
        if (like := next(self.encoder.parameters(), None)) is not None:
            self.heads.to(like.device, torch.promote_types(like.dtype, torch.float32))
        self.average = MovingAverage(self.network(), decay=self.decay)

    def check_views(self, count: int) -> None:
        if count != 1:
            raise ArgumentError(f"Attacks are on one view of each picture, got {count}.")

    def logits(self, x: Tensor) -> Float[Tensor, "B P"]:
        """Class logits, as the network is trained."""
        logits: Tensor = self.heads(self.encoder(x))[0]  # (B, P)
        return logits

    def attacked(self, x: Tensor, labels: Tensor) -> Tensor:
        """Pictures changed so that their own classes become unlikely."""
        if self.attack is None:
            return x
        with evaluating(self.encoder), evaluating(self.heads):
            return climb(lambda x: self._losses(x, labels), x, self.attack)

    def forward(self, batch: Batch) -> Step:
        if not self.heads.sizes:  # who only looks at a learner shows it no data
            self.see_targets(batch.targets)
        self.check_views(len(batch.views))
        labels = self._labels(batch.targets)  # (B,)
        loss, z, log = self._told_apart(batch.views[0], labels)
        return Step(loss, z.detach(), by_labels(gather(labels), views=1), log)

    def after_step(self, steps: Sequence[Step]) -> None:
        self.average.update(self.network())

    def _losses(self, x: Tensor, labels: Tensor) -> Float[Tensor, " B"]:
        """The loss of each picture, 0 of one without a label."""
        return functional.cross_entropy(_upcast(self.logits(x)), labels, ignore_index=-1, reduction="none")

    def _told_apart(self, x: Tensor, labels: Tensor) -> tuple[Tensor, Tensor, dict[str, Tensor | float]]:
        """The loss on pictures after the attack, their embeddings `(B, D)`, and what to log."""
        z = self.encoder(self.attacked(x, labels))  # (B, D)
        logits = self.heads(z)[0]  # (B, P)
        loss = labelled_cross_entropy(logits, labels)
        return loss, z, {"training_accuracy": accuracy_of(logits, labels)}

    def _labels(self, targets: Mapping[str, Any]) -> Tensor:
        """The labels `(B,)` of a batch or of all data."""
        if LABEL not in targets:
            raise ArgumentError(
                "Adversarial training needs labels and the data has none. Give class sub-folders or a label column."
            )
        labels = torch.as_tensor(targets[LABEL]).long()
        if self.heads.sizes and int(labels.max()) >= self.heads.sizes[0]:
            raise ArgumentError(
                f"The data has a label {int(labels.max())}, and the classifier {self.heads.sizes[0]} classes: it was "
                "trained on other classes. Train it anew on these."
            )
        return labels


def _upcast(x: Tensor) -> Tensor:
    return x.to(torch.promote_types(x.dtype, torch.float32))
