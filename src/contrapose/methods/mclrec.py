"""MCLRec: CL4SRec with views of embeddings besides, made by networks that learn by turns with the encoder."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from contrapose.methods.histories import ContrastedHistories
from contrapose.methods.method import About, register

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from contrapose.encoders import Encoder
    from contrapose.learners import Learner
    from contrapose.pairing import Pairing

PAIRS = 3
"""Pairs of views in which a learned one has a part."""


@register("mclrec")
@dataclass(frozen=True, kw_only=True)
class MCLRec(ContrastedHistories):
    """`cl4srec`, and beside it two small networks that make a view of an embedding each, which are told apart as
    changed histories are. A regulariser keeps them from making pairs that are trivially told apart.

    A step is three turns on one batch: the encoder, the two networks against what it now is, and the encoder again, by
    the same optimiser; so the encoder takes two steps a batch, which `sasrec` and `cl4srec` must be given, too, where
    they are compared. No gradient passes through a step: it is alternating descent, though the paper calls it
    meta-optimised. `--joint` moves all at once, one step a batch (the paper's MCLRec-J).

    What to expect: of Amazon Beauty's 4,000 users with the longest histories (all 4,009 items ranked, 396 updates of
    the encoder in each arm, five seeds; `contrapose reproduce mclrec`: *contrary here*) NDCG@20 is 0.032, that of
    `sasrec` 0.045 (-0.013 [-0.018, -0.009]), with its dropout tuned 0.052, of `cl4srec` 0.038, of `--joint` 0.037; of
    items taken together 0.021, of popularity 0.004, and of what was most often taken after the last item, without any
    network, 0.067. So few updates are far from where the paper measures; the smallest weight of contrast that was
    tried was chosen in every arm.
    """

    about: ClassVar[About] = About(
        question="what comes next?",
        purpose="`cl4srec` with learned views besides, where changed histories say too little",
        paper="Qin et al., SIGIR 2023, https://arxiv.org/abs/2304.07763",
    )

    augmentation_weight: float = 0.03
    """Weight of the contrast of changed views (lambda). 0.03: the authors' for Yelp; 0 for Beauty and ML-1M, 0.04 for
    Sports; they tune it from 0.01 to 0.5."""
    augmenter_weight: float = 0.1
    """Weight of the contrast of learned views in the encoder's loss (beta). 0.1: the authors' for Yelp; 0.05 for
    Beauty, 0.4 for Sports, 0.01 for ML-1M."""
    augmenter_temperature: float = 1.0
    """Sharpness of the contrast of learned views. 1: the authors', fixed."""
    regulariser: float = 0.1
    """Weight of the regulariser within the contrast of learned views. 0.1: the authors'; 0 leaves it out."""
    joint: bool = False
    """One step for encoder and networks together: MCLRec-J. Off: by turns."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("augmentation_weight", "augmenter_weight", "regulariser"):
            self._check(name, 0 <= getattr(self, name) < math.inf, "0 or more")
        self._check("augmenter_temperature", self.augmenter_temperature > 0, "above 0")

    def learner(self, encoder: Encoder, *, generator: torch.Generator) -> Learner:
        from contrapose.learners import LearnedViews
        from contrapose.objectives import OBJECTIVES

        items, chance = self.items_of(encoder), OBJECTIVES["nt_xent"].chance
        weights = self.augmentation_weight + PAIRS * self.augmenter_weight
        return LearnedViews(
            encoder,
            self.next_objective(),
            self.contrast(self.temperature),
            self.learned(),
            weight=self.augmentation_weight,
            learned_weight=self.augmenter_weight,
            joint=self.joint,
            chance=lambda pairing: math.log(items) + weights * chance(pairing),
        )

    def learned(self) -> Callable[[Tensor, Pairing, Tensor | None], Tensor]:
        """The contrast of a pair in which a learned view has a part, and what holds it back."""
        from contrapose.objectives import contrastive_regulariser

        contrast, temperature = self.contrast(self.augmenter_temperature), self.augmenter_temperature

        def objective(pair: Tensor, pairing: Pairing, rows: Tensor | None) -> Tensor:
            told_apart = contrast(pair, pairing, rows)  # ()
            if not self.regulariser:
                return told_apart
            held = contrastive_regulariser(pair, pairing, temperature=temperature, rows=rows)  # ()
            return told_apart + self.regulariser * held

        return objective
