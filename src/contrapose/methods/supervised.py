"""Cross-entropy with all labels: the ceiling beside which contrast is measured."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Self

from contrapose.methods.method import About, Method, register

if TYPE_CHECKING:
    import torch

    from contrapose.encoders import Encoder
    from contrapose.learners import Learner


@register("supervised")
@dataclass(frozen=True, kw_only=True)
class Supervised(Method):
    """No contrast at all: a classifier trained on every label; the projection options have no part in it.

    What to expect: with sharpness-aware steps (`--sam-radius 0.05`), on 300 written digits, a small vision transformer,
    75 epochs and three seeds (`contrapose reproduce sam-vit`: *not resolved here*), the largest curvature of the loss
    is 3.9 instead of 36, and 87.5 % of the test digits are right instead of 84.5, at twice the time.
    """

    about: ClassVar[About] = About(
        question="what do labels add?",
        purpose="the yardstick: cross-entropy with every label, same views and budget",
        paper="Khosla et al., NeurIPS 2020 (their baseline), https://arxiv.org/abs/2004.11362",
        needs_targets=("label",),
    )

    classes: int = 10
    """P, how many classes the labels name. Default: as many as the data have."""
    label_smoothing: float = 0.0
    """Share of the target spread over all classes. 0: none."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check("classes", self.classes >= 2, "at least 2")
        self._check("label_smoothing", 0.0 <= self.label_smoothing < 1.0, "in [0, 1)")

    def fit_to_classes(self, names: Sequence[str], given: Container[str]) -> Self:
        return self if "classes" in given or len(names) < 2 else replace(self, classes=len(names))

    def learner(self, encoder: Encoder, *, generator: torch.Generator) -> Learner:
        from contrapose.learners import Classifier

        return Classifier(
            encoder, dimension=encoder.dimension, classes=self.classes, label_smoothing=self.label_smoothing
        )
