"""A classifier that learns from samples and from translations of them, which keep their label."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from contrapose.data.batch import Batch
from contrapose.data.randomness import derived_generator
from contrapose.distributed import gather, own_rows, rank, world_size
from contrapose.errors import ArgumentError
from contrapose.learners.class_heads import ClassHeads
from contrapose.learners.cross_entropy import accuracy_of, labelled_cross_entropy
from contrapose.learners.drawing import Drawing
from contrapose.learners.embed_views import embed_views
from contrapose.learners.learner import Objective, Step
from contrapose.pairing import by_labels, by_views

Translate = Callable[[Any, Tensor], Tensor]
"""(B samples as they are stored, classes `(B,)`) -> B samples in [0, 1]."""


class TranslatedHeads(Drawing, ClassHeads):
    """x and two translations of it, a = G(x, c) and b = G(x, c'), each varied, through one encoder at once.

        loss = w · mean over x, a, b of CE(head(encoder(.)), y) + lambda · contrast(projection(encoder([a; b])))

    All three keep the label y of x: a translator that changes what is tied to a class in the data, and not the class,
    so takes that tie away. c and c' are drawn independently of each other and uniformly over all K classes, y among
    them, alike on all processes. What translates is asked and never changed: it is no part of the learner, so neither
    checkpoints nor exported encoders hold it.

    Shapes:
        views: one of B samples as they are stored; embeddings of a and b: `(2, W·B, D)`, gathered over processes.

    Arguments:
        encoder, dimension: as in `ClassHeads`.
        projection: the head in which a and b are compared.
        contrast: the objective of a and b; with `contrast_weight` 0 it is never asked.
        classes: K.
        contrast_weight: lambda.
        generator: names the stream that is drawn from.

    Attributes:
        vary: `(B samples, generator=) -> (a view of them, ...)`, what is done to x, a and b before they are seen; None:
            nothing.
        difficulty: `(N,)` cross-entropy of every sample by a biased classifier: w = difficulty / (difficulty + own),
            own being the mean over the three views here and now. None: w = 1.
        sample_weights: `(N,)`, w by sample. None: w = 1.

    Errors:
        ArgumentError: no labels, more views than one, or translations of another size.

    Chance: log K, with `contrast_weight` 0; else none.
    """

    def __init__(
        self,
        encoder: nn.Module,
        projection: nn.Module,
        contrast: Objective,
        *,
        dimension: int,
        classes: int,
        contrast_weight: float = 1.0,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__(encoder, dimension=dimension, frozen=False)
        self.projection, self.contrast = projection, contrast
        self.classes, self.contrast_weight = classes, contrast_weight
        if contrast_weight:
            self.chance = None
        self._translate: tuple[Translate, ...] = ()  # in a tuple, so that a module in it is no part of this one
        self.vary: Callable[..., Sequence[Any]] | None = None
        self.difficulty: Tensor | None = None
        self.sample_weights: Tensor | None = None
        self.name_draws(generator)
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))

    def translated_by(self, translate: Translate | None) -> None:
        """Have samples translated so from now on; None: a and b are further views of x itself, as at first. A module is
        put into evaluation mode."""
        if isinstance(translate, nn.Module):
            translate = translate.eval().requires_grad_(False)
        self._translate = () if translate is None else (translate,)

    def after_step(self, steps: Sequence[Step]) -> None:
        self.steps += 1

    def check_views(self, count: int) -> None:
        if count != 1:
            raise ArgumentError(f"Translations are of one view of each picture, got {count}.")

    def forward(self, batch: Batch) -> Step:
        self.check_views(len(batch.views))
        if not self.heads.sizes:  # who only looks at a learner shows it no data
            self.see_targets(batch.targets)
        labels = self._classes(batch.targets, self.targets[0])  # (B,)
        views = self.views(batch)
        h = embed_views(self.encoder, views)  # (3, B, D), in one pass
        (logits,) = self.heads(h)  # (3, B, K)
        rows, targets = logits.flatten(0, 1), labels.repeat(len(views))  # (3·B, K), (3·B,)
        weights = self._weights_of(batch, logits, labels)  # (B,) or None
        loss = labelled_cross_entropy(
            rows, targets, sample_weight=None if weights is None else weights.repeat(len(views))
        )
        log: dict[str, Tensor | float] = {
            "training_accuracy": accuracy_of(logits[0], labels),
            "training_accuracy_translated": accuracy_of(logits[1:].flatten(0, 1), labels.repeat(2)),
        }
        embeddings = h[1:]  # (2, B, D)
        if self.contrast_weight:
            z = self.projection(embeddings.flatten(0, 1)).unflatten(0, embeddings.shape[:2])  # (2, B, D')
            embeddings = z
            z, own = gather(z, dim=1), own_rows(batch.size, device=z.device)  # (2, W·B, D')
            contrast = self.contrast(z, by_views(*z.shape[:2], device=z.device), own)
            log |= {"class_loss": loss.detach(), "contrast_loss": contrast.detach()}
            loss = loss + self.contrast_weight * contrast
        if weights is not None:
            log["mean_weight"] = weights.mean()
        return Step(loss, embeddings.detach().flatten(0, 1), by_labels(gather(labels), views=2), log)

    def views(self, batch: Batch) -> list[Tensor]:
        """x, a and b as the encoder takes them, three of `(B, ...)`."""
        if len(batch.views) != 1:
            raise ArgumentError(f"This learner makes its views of one of each sample, and got {len(batch.views)}.")
        x = batch.views[0]
        made = [x, x, x]
        for translate in self._translate:
            with torch.no_grad():
                made = [x, *(translate(x, classes.to(x.device)) for classes in self.wanted(batch))]
        if any(view.shape != x.shape for view in made):
            raise ArgumentError(
                f"The translator made {tuple(made[1].shape)} of {tuple(x.shape)}: it must keep the size."
            )
        if self.vary is None:
            return [_floats(view) for view in made]
        seed, steps = int(self.seed), int(self.steps)
        stream = derived_generator(seed, steps, batch.part, "vary", rank())
        return [self.vary(view, generator=stream)[0] for view in made]

    def wanted(self, batch: Batch) -> Tensor:
        """The classes that a and b are translated to, `(2, B)` int64."""
        drawn = torch.randint(self.classes, (2, world_size() * batch.size), generator=self.draws(batch.part))
        return drawn[:, rank() * batch.size : (rank() + 1) * batch.size]  # (2, W·B) -> (2, B)

    def parameter_groups(self, weight_decay: float) -> list[dict[str, Any]]:
        """Those of heads and encoder, and those of the projection."""
        weights = list(self.projection.parameters())
        return [
            *super().parameter_groups(weight_decay),
            {"params": [weight for weight in weights if weight.ndim > 1], "weight_decay": weight_decay},
            {"params": [weight for weight in weights if weight.ndim <= 1], "weight_decay": 0.0},
        ]

    @torch.no_grad()
    def _weights_of(self, batch: Batch, logits: Tensor, labels: Tensor) -> Tensor | None:
        """What each sample's cross-entropy weighs, `(B,)`; None: all 1."""
        if self.sample_weights is not None:
            return self.sample_weights[batch.indices.cpu()].to(logits.device)
        if self.difficulty is None:
            return None
        wide = logits.float().flatten(0, 1)  # (3·B, K)
        own = functional.cross_entropy(wide, labels.repeat(len(logits)), reduction="none", ignore_index=-1)
        own = own.unflatten(0, logits.shape[:2]).mean(dim=0)  # (B,)
        hard = self.difficulty[batch.indices.cpu()].to(own)  # (B,)
        return hard / (hard + own).clamp(min=1e-8)


def _floats(view: Tensor) -> Tensor:
    """Samples of bytes as floats in [0, 1], so that x and its translations are alike, and pass the encoder together."""
    return view if view.is_floating_point() else view.float() / 255
