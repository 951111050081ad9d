"""Hydra: contrast between samples of any two classes, through a gate of what both have in common."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Literal, Self

from contrapose.methods.method import About, Method, register

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from contrapose.encoders import Encoder
    from contrapose.learners import Learner
    from contrapose.pairing import PartnerPairing


@register("hydra")
@dataclass(frozen=True, kw_only=True)
class Hydra(Method):
    """Samples of any two classes attract each other in the dimensions that the gate of the two leaves open.

    It learns from labels. Gates are for training only; what they say of the classes, which pairs of them share their
    dimensions, stands in `class_gates.safetensors` and in the report.

    What to expect: on 1,000 written digits, batch 200, 15 epochs and five seeds (`contrapose reproduce hydra`: *not
    resolved here*), a probe of 5 labels a class has 99.5 %, as SupCon has (99.6); with every gate open 92.4, untrained
    80.6, raw pixels 82.5. Gates of digits that look alike were not clearly more alike than others.
    """

    about: ClassVar[About] = About(
        question="what do labels add?",
        purpose="labels at hand: what any two classes share, learned through a gate of the two; shows which are alike",
        paper="Wu et al., 2024, https://arxiv.org/abs/2410.18200",
        needs_targets=("label",),
    )

    classes: int = 10
    """How many classes the labels name. Default: as many as the data have."""
    pairs: Literal["arbitrary", "identical", "distinct"] = "arbitrary"
    """Whom a sample looks for. arbitrary: a class drawn from those of the batch, now and then its own; identical: its
    own; distinct: any other, which the batch may lack. arbitrary: the authors'."""
    projection_dimension: int = 256
    """D, the dimensions that gates open and close. 256: the authors'."""
    temperature: float = 0.1
    """Sharpness of the softmax. 0.1: the authors'."""
    rescale: bool = False
    """Bring rows to length 1 after gating as well, as earlier versions of the authors' code do. Off: a closing gate
    makes its anchor's similarities small."""
    average: Literal["positives", "anchors"] = "positives"
    """Mean over all pairs of an anchor and its positive, or first within each anchor; one in each of the authors' two
    codes."""
    gated: bool = True
    """Off: every gate is open, and pairs of different classes are pulled together entirely."""
    gate_fusion: Literal["mean", "product"] = "mean"
    """How two classes become one gate: from the mean of their rows in the table, or as the product of each one's gate.
    mean: the authors'."""
    gate_embedding: int = 512
    """Numbers a class in the table of the gates. 512: the authors'."""
    gate_hidden: int = 1024
    """Hidden units of the gates' perceptron. 1024: the authors'."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check("classes", self.classes >= 2, "at least 2")
        self._check("temperature", self.temperature > 0, "above 0")
        for name, known in (
            ("pairs", ("arbitrary", "identical", "distinct")),
            ("average", ("positives", "anchors")),
            ("gate_fusion", ("mean", "product")),
        ):
            self._check_choice(name, known)
        for name in ("gate_embedding", "gate_hidden"):
            self._check(name, getattr(self, name) > 0, "above 0")
        self._check_views(1, 2)

    def fit_to_classes(self, names: Sequence[str], given: Container[str]) -> Self:
        return self if "classes" in given or len(names) < 2 else replace(self, classes=len(names))

    def learner(self, encoder: Encoder, *, generator: torch.Generator) -> Learner:
        from torch import nn

        from contrapose.learners import ClassGates, Gated
        from contrapose.objectives import gated_contrast
        from contrapose.objectives.gated.contrast import gated_chance

        def objective(z: Tensor, gates: Tensor, pairing: PartnerPairing, rows: Tensor | None) -> Tensor:
            return gated_contrast(
                z,
                gates,
                pairing,
                temperature=self.temperature,
                rescale=self.rescale,
                average=self.average,
                rows=rows,
            )

        head = self.head(encoder.dimension)
        dimension = head.output_dimension
        gates = ClassGates(
            self.classes,
            dimension,
            embedding=self.gate_embedding,
            hidden=self.gate_hidden,
            fusion=self.gate_fusion,
        )
        return Gated(
            encoder,
            nn.Sequential(head, nn.LayerNorm(dimension)),  # the authors' projector ends so
            objective,
            gates=gates if self.gated else None,
            classes=self.classes,
            pairs=self.pairs,
            generator=generator,
            chance=partial(gated_chance, average=self.average),
        )
