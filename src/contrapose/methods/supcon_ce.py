"""SupCon beside cross-entropy: fine-tuning with labels, few ones above all."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Self

from contrapose.methods.method import About, Method, register

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from contrapose.encoders import Encoder
    from contrapose.learners import Learner


@register("supcon-ce")
@dataclass(frozen=True, kw_only=True)
class SupConCE(Method):
    """A classifier is trained, and samples of one class attract each other besides.

    The authors fine-tune RoBERTa on 20 to 1,000 labels (`--init`), each text as it is: `--views.count 1
    --views.crop-min 1 --views.delete 0`. An anchor without another row of its class in the batch has no part in the
    contrast; with two views there is always one.

    What to expect: from new weights less than cross-entropy alone. On 3,200 docstrings with 48 labels, 10 epochs and
    five seeds (`contrapose reproduce primer`: *contrary here*) its embeddings had a macro-F1 of 43.1 % with four labels
    a class, those of cross-entropy 55.7 %, and its own answers 55.6 % where cross-entropy had 63.1 %, at the largest of
    three rates that were tried. The settings of weight and temperature are remembered, not read. The linear layer is
    thrown away after training, as projection heads are: `contrapose train classifier --base RUN` makes a classifier
    that can be handed on.
    """

    about: ClassVar[About] = About(
        question="what do labels add?",
        purpose="few labels: cross-entropy, with samples of one class drawn together besides",
        paper="Gunel et al., ICLR 2021, https://arxiv.org/abs/2011.01403",
        needs_targets=("label",),
    )

    contrast_weight: float = 0.9
    """Weight of the contrast; the cross-entropy has the rest. 0.9: remembered as the authors' for few labels."""
    temperature: float = 0.3
    """Sharpness of the softmax. 0.3: remembered as the authors'."""
    classes: int = 10
    """P, how many classes the labels name. Default: as many as the data have."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check("contrast_weight", 0 <= self.contrast_weight <= 1, "in [0, 1]")
        self._check("temperature", self.temperature > 0, "above 0")
        self._check("classes", self.classes >= 2, "at least 2")

    def fit_to_classes(self, names: Sequence[str], given: Container[str]) -> Self:
        return self if "classes" in given or len(names) < 2 else replace(self, classes=len(names))

    def learner(self, encoder: Encoder, *, generator: torch.Generator) -> Learner:
        from contrapose.learners import SupConCE as Learned
        from contrapose.objectives import supcon_ce

        def objective(z: Tensor, logits: Tensor, labels: Tensor, rows: Tensor | None) -> Tensor:
            return supcon_ce(z, logits, labels, weight=self.contrast_weight, temperature=self.temperature, rows=rows)

        head = self.head(encoder.dimension)
        return Learned(encoder, head, objective, dimension=encoder.dimension, classes=self.classes)
