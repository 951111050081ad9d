"""Debiasing by relative difficulty: what a deliberately biased encoder finds easy does not deserve a push."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from contrapose.methods.method import About, Method, register
from contrapose.methods.second_encoder import second_encoder

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from contrapose.encoders import Encoder
    from contrapose.learners import Learner
    from contrapose.pairing import Pairing


@register("bias-debias")
@dataclass(frozen=True, kw_only=True)
class BiasDebias(Method):
    """A biased encoder trained alongside says which negatives are hard for another reason than the bias.

    Views should leave the bias visible to both encoders: where it is a colour, switch colour jitter and greying off
    (`--views.colour-probability 0 --views.grey-probability 0`), or the views remove the bias before the method can.

    What to expect: on 4,000 pictures of CIFAR-10 under a haze that is that of the class in 95 of 100, 10 epochs, five
    seeds and `--reference-rate 1` (`contrapose reproduce bias-debias`: *not resolved here*), a linear probe names the
    class under another's haze in 26.7 % of cases, without the weights in 25.2 % (difference +1.5 [-0.9, +3.9]); SimCLR
    in 30.7 %, `hard-contrastive --alpha 1 --beta 1 --prior 0.1` in 32.7 %, an untrained encoder in 35.3 %. That the
    reference is the more biased of the two could not be shown there, and otherwise the weights have little to say: look
    at it (`contrapose evaluate RUN/reference --data LABELLED`).
    """

    about: ClassVar[About] = About(
        question="what if the data are unbalanced or biased?",
        purpose="data whose easy attribute (colour, background) goes with the class: weighs negatives against a biased "
        "encoder",
        paper="Jang and Wang, CVPR 2023, https://par.nsf.gov/biblio/10433589",
    )

    projection_layers: int = 2
    """Linear maps of both projection heads. 2: the authors' (hidden 512, output 128)."""
    temperature: float = 0.5
    """Sharpness of the softmax and of difficulty. 0.5: the authors' code (0.07 on 100 classes of ImageNet)."""
    prior: float = 0.1
    """Probability that a negative is of the anchor's own class. 0.1: the authors' for ten classes."""
    weighted: bool = True
    """Weigh negatives by relative difficulty. Off: all alike, the debiased contrastive loss of Chuang et al. 2020 (the
    biased encoder is trained and not asked)."""
    renormalise: bool = False
    """Divide each anchor's weights by their mean. Off: as in the authors' code."""
    reference_rate: float = 10.0
    """Learning rate of the biased encoder, as a multiple of the run's. 10: the authors' main script (0.01 beside
    0.001); 1 in others of theirs."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check("temperature", self.temperature > 0, "above 0")
        self._check("prior", 0 <= self.prior < 1, "in [0, 1)")
        self._check("reference_rate", self.reference_rate > 0, "above 0")

    def learner(self, encoder: Encoder, *, generator: torch.Generator) -> Learner:
        from contrapose.learners import SideBySide
        from contrapose.objectives import debiased_triplet, difficulty_weighted
        from contrapose.objectives.hardness.difficulty import difficulty_chance

        def objective(z: Tensor, reference: Tensor, pairing: Pairing, rows: Tensor | None) -> Tensor:
            return difficulty_weighted(
                z,
                reference if self.weighted else None,
                pairing,
                temperature=self.temperature,
                prior=self.prior,
                renormalise=self.renormalise,
                rows=rows,
            )

        def reference_objective(r: Tensor, pairing: Pairing, rows: Tensor | None) -> Tensor:
            return debiased_triplet(r, prior=self.prior, rows=rows)

        def chance(pairing: Pairing) -> float:
            alike = self.renormalise or not self.weighted
            return difficulty_chance(pairing, prior=self.prior, renormalise=alike)

        return SideBySide(
            encoder,
            self.head(encoder.dimension),
            objective,
            reference=second_encoder(encoder, generator),
            reference_head=self.head(encoder.dimension),
            reference_objective=reference_objective,
            reference_rate=self.reference_rate,
            chance=chance,
        )
