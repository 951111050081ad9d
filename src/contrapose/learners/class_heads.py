"""Heads on an encoder that is there already: what a classifier is trained by after pretraining."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import torch
from torch import Tensor, nn

from contrapose.data.batch import Batch
from contrapose.data.samples import LABEL
from contrapose.distributed import gather
from contrapose.encoders.heads import Heads
from contrapose.errors import ArgumentError
from contrapose.learners.cross_entropy import accuracy_of, labelled_cross_entropy
from contrapose.learners.embed_views import embed_views
from contrapose.learners.learner import Learner, Step
from contrapose.pairing import Pairing, by_labels


def target_of(question: str) -> str:
    """The name of the target that holds the classes of a further question, beside the labels of the first."""
    return f"{LABEL}: {question}"


class ClassHeads(Learner):
    """A linear head for each question on top of an encoder, trained by cross-entropy.

        loss = sum over questions t of the mean, over views v and samples b that have a class of t, of
               w_t[class] · -log softmax(head_t(encoder(x_vb)))[class]

    A sample without a class of one question has no part in the loss of that one. A frozen encoder takes no gradient and
    stays in evaluation mode, so neither its weights nor its running statistics move.

    Shapes:
        views: V of B samples; with `embedded`, one of `(B, D)`: what the encoder gives already.

    Arguments:
        encoder: the trained encoder.
        dimension: D.
        questions: names of all questions; the classes of the first are the labels, of others the targets `target_of`.
        frozen: whether the encoder stays as it is.
        balanced: weigh classes so that all of a question count alike: w = n / (P n_class).
        encoder_rate: what the learning rate is times for the encoder, where it is trained.
        label_smoothing: share of the target that is spread over all classes.

    Attributes:
        embedded: whether batches hold embeddings.

    Errors:
        ArgumentError: data without labels.

    Chance: the sum of log P over the questions.
    """

    contrasts: ClassVar[bool] = False

    def __init__(
        self,
        encoder: nn.Module,
        *,
        dimension: int,
        questions: Sequence[str] = (LABEL,),
        frozen: bool = True,
        balanced: bool = False,
        encoder_rate: float = 1.0,
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(chance=self._of_equal_classes)
        self.encoder, self.dimension = encoder, dimension
        self.targets = (LABEL, *map(target_of, questions[1:]))
        self.questions = tuple(questions)
        self.frozen, self.balanced, self.encoder_rate = frozen, balanced, encoder_rate
        self.label_smoothing, self.embedded = label_smoothing, False
        self.heads = Heads(dimension, ())
        self._weights: list[Tensor] = []  # of the classes: constants, which a checkpoint need not hold
        if frozen:
            self.encoder.requires_grad_(False)

    def see_targets(self, targets: Mapping[str, Any]) -> None:
        """Make heads of as many classes as the training data have."""
        labels = [self._classes(targets, name) for name in self.targets]  # (N,) each
        like = next(self.encoder.parameters(), None)
        sizes = [max(2, int(values.max()) + 1) for values in labels]
        self.heads = Heads(self.dimension, sizes)
        if like is not None:
            self.heads.to(like.device, torch.promote_types(like.dtype, torch.float32))
        self._weights = [_balanced(values, size) for values, size in zip(labels, sizes, strict=True)]

    def train(self, mode: bool = True) -> Self:
        super().train(mode)
        if self.frozen:
            self.encoder.eval()
        return self

    def forward(self, batch: Batch) -> Step:
        if not self.heads.sizes:  # who only looks at a learner shows it no data
            self.see_targets(batch.targets)
        labels = [self._classes(batch.targets, name) for name in self.targets]  # (B,) each
        z = torch.stack(batch.views) if self.embedded else embed_views(self.encoder, batch.views)  # (V, B, D)
        loss, log = z.new_zeros((), dtype=torch.float32), dict[str, Tensor | float]()
        for number, logits in enumerate(self.heads(z)):  # (V, B, P)
            rows, targets = logits.flatten(0, 1), labels[number].repeat(len(z))  # (V·B, P), (V·B,)
            weight = self._weights[number].to(rows.device) if self.balanced else None
            loss = loss + labelled_cross_entropy(rows, targets, weight=weight, label_smoothing=self.label_smoothing)
            name = "training_accuracy" + (f"_{self.questions[number]}" if len(self.questions) > 1 else "")
            log[name] = accuracy_of(rows, targets)
        return Step(loss, z.detach().flatten(0, 1), by_labels(gather(labels[0]), views=len(z)), log)

    def parameter_groups(self, weight_decay: float) -> list[dict[str, Any]]:
        """Those of the heads, and those of an encoder that is trained, with a rate of its own."""
        groups = []
        for part, factor in ((self.heads, 1.0), (self.encoder, self.encoder_rate)):
            weights = [weight for weight in part.parameters() if weight.requires_grad]
            for matrices, decay in ((True, weight_decay), (False, 0.0)):
                chosen = [weight for weight in weights if (weight.ndim > 1) == matrices]
                if chosen:
                    groups.append({"params": chosen, "weight_decay": decay, "learning_rate_factor": factor})
        return groups

    def _classes(self, targets: Mapping[str, Any], name: str) -> Tensor:
        """The class numbers of a question, `(B,)` int64; -1 throughout of a further one that nobody has answered."""
        if LABEL not in targets:
            raise ArgumentError(
                "A classifier needs labels and the data has none. Give class sub-folders or a label column."
            )
        labels = torch.as_tensor(targets[LABEL]).long()
        return torch.as_tensor(targets[name]).long() if name in targets else torch.full_like(labels, -1)

    def _of_equal_classes(self, pairing: Pairing) -> float:
        return sum(math.log(size) for size in self.heads.sizes)


def _balanced(labels: Tensor, size: int) -> Tensor:
    """What each class weighs so that all weigh alike, `(P,)`; their mean over the samples is 1."""
    counts = torch.bincount(labels[labels >= 0], minlength=size).float()  # (P,)
    return counts.sum() / (size * counts.clamp(min=1))
