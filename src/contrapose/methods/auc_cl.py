"""AUC-CL: squares over pairs, whose gradient does not depend on the batch size on average."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from contrapose.methods.method import About, Method, register

if TYPE_CHECKING:
    import torch

    from contrapose.encoders import Encoder
    from contrapose.learners import Learner


@register("auc-cl")
@dataclass(frozen=True, kw_only=True)
class AUCCL(Method):
    """Every pair of views enters the loss by a square of its own, so that a small batch estimates the whole's
    gradient without bias.

    What to expect: on 2,000 pictures of CIFAR-10, 8 epochs and five seeds (`contrapose reproduce auc-cl`: *contrary
    here*), tuned at batch 32 (`--negative-weight 512`): kNN 44.2 % there, 40.2 % at batch 8 and 38.1 % at 128, whose
    steps are few; SimCLR 41.6 %, 38.1 % and 42.9 %, untrained 36.4 %. Better than a softmax in small batches, not
    indifferent to them.
    """

    about: ClassVar[About] = About(
        question="how hard should each negative push?",
        purpose="small batches: a sum of squares over pairs, whose gradient is unbiased, in place of a softmax",
        paper="Sharma et al., ICLR 2024, https://openreview.net/forum?id=YgMdDQB09U",
    )

    form: Literal["unbiased", "authors", "saddle"] = "unbiased"
    """unbiased: a fixed weight on the mean over negatives, positives not among them. authors: their loss for CIFAR, a
    sum over negatives that includes the positive. saddle: the min-max problem of theory."""
    scalars: Literal["learned", "batch", "zero"] = "learned"
    """How b (and the saddle's a, alpha) are found: learned, as the authors' b; the batch's best; or b = 0, as in their
    ImageNet code. The gradient is exactly unbiased unless taken from the batch."""
    target: float = 10.0
    """What positives' scores are drawn to; not for the saddle. 10: the authors'."""
    alpha: float = 1.0
    """Even pull of positives and push of negatives, on top of their squares. 1: the authors' constant; the saddle
    learns it."""
    margin: float | None = None
    """Taken off a positive's score (the authors' 0.5 by default), or for the saddle the gap asked for (1)."""
    negative_weight: float | None = None
    """Weight of the mean over negatives, for the unbiased form. None = 128, [design]: about half the authors' 255 for
    CIFAR at a batch of 128; their ImageNet code has 32, with scores that are not cosines. On CIFAR-10's validation
    pictures 128 was better than 512 at batch 128 (kNN 38.0 and 36.2 %), 512 at batch 32 (41.5 and 43.0 %)."""
    ascent: float = 1.0
    """Step of the alpha that the saddle learns, in units of the others'. [design] 1."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_choice("form", ("unbiased", "authors", "saddle"))
        self._check_choice("scalars", ("learned", "batch", "zero"))
        saddle, weight = self.form == "saddle", self.negative_weight
        self._check("scalars", not (saddle and self.scalars == "zero"), "learned or batch in the saddle form")
        for name, usual in (("target", 10.0), ("alpha", 1.0)):
            self._check(name, math.isfinite(getattr(self, name)), "a finite number")
            self._check(name, not saddle or getattr(self, name) == usual, "left out in the saddle form")
        self._check("margin", self.margin is None or 0 <= self.margin <= 1, "in [0, 1]")
        self._check("negative_weight", weight is None or self.form == "unbiased", "left out but in the unbiased form")
        self._check("negative_weight", weight is None or weight >= 0, "0 or more")
        self._check("ascent", self.ascent > 0, "above 0")
        climbs = saddle and self.scalars == "learned"
        self._check("ascent", climbs or self.ascent == 1, "left out unless the saddle's scalars are learned")

    def learner(self, encoder: Encoder, *, generator: torch.Generator) -> Learner:
        from contrapose.learners import Siamese
        from contrapose.objectives import AUCContrastive

        objective = AUCContrastive(
            self.form,
            scalars=self.scalars,
            target=self.target,
            alpha=self.alpha,
            margin=self.margin,
            negative_weight=self.negative_weight,
            ascent=self.ascent,
        )
        # the loss of a saddle point that is being looked for says nothing beside its value at the solution
        looking = self.form == "saddle" and self.scalars == "learned"
        chance = None if looking else objective.chance
        return Siamese(
            encoder,
            self.head(encoder.dimension),
            objective,
            watch=lambda z, pairing, rows: objective.learned(),
            chance=chance,
        )
