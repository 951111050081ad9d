"""Hard contrastive: the hardest negatives are chosen outright, so that the temperature need not do it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from contrapose.methods.method import About, Method, register

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from contrapose.encoders import ImageEncoder
    from contrapose.learners import Learner
    from contrapose.pairing import Pairing


@register("hard-contrastive")
@dataclass(frozen=True, kw_only=True)
class HardContrastive(Method):
    """Two views of a sample attract; of all others in the batch, only the hardest share repels."""

    about: ClassVar[About] = About(
        question="how hard should each negative push?",
        purpose="a temperature that need not be tuned: alpha says how many negatives push, the hardest first",
        modality="images",
        paper="Wang and Liu, CVPR 2021, https://arxiv.org/abs/2012.09740",
    )

    alpha: float = 0.1
    """Share of each anchor's negatives that push; 1 = all of them. [design] 0.1; the paper keeps 4,095 of a memory of
    the whole data set, 0.08 of CIFAR-10."""
    temperature: float = 0.5
    """Sharpness of the softmax over those that are kept. [design] 0.5; the paper's best are large, 0.3 to 1."""
    simple: bool = False
    """All that are kept push alike: no softmax, and temperature has no say. With alpha 1 the paper's simple loss."""
    repulsion: float | None = None
    """Push of one negative when simple. Default: one over their number, which balances the pull of the positive."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check("alpha", 0 < self.alpha <= 1, "above 0 and at most 1")
        self._check("temperature", self.temperature > 0, "above 0")
        self._check("repulsion", self.repulsion is None or self.repulsion > 0, "above 0, or none")
        self._check("repulsion", self.repulsion is None or self.simple, "none unless simple")
        self._check("batch_size", self.batch_size >= 2, "at least 2 (an anchor needs a negative)")

    def learner(self, encoder: ImageEncoder, *, generator: torch.Generator) -> Learner:
        from contrapose.learners import Siamese
        from contrapose.objectives import hard_contrastive, hard_simple_contrastive
        from contrapose.objectives.hard_contrastive import hard_chance
        from contrapose.objectives.simple_contrastive import simple_chance

        def objective(z: Tensor, pairing: Pairing, rows: Tensor | None) -> Tensor:
            if self.simple:
                return hard_simple_contrastive(z, pairing, alpha=self.alpha, repulsion=self.repulsion, rows=rows)
            return hard_contrastive(z, pairing, alpha=self.alpha, temperature=self.temperature, rows=rows)

        chance = partial(hard_chance, alpha=self.alpha)
        if self.simple:
            chance = partial(simple_chance, alpha=self.alpha, repulsion=self.repulsion)
        return Siamese(encoder, self.head(encoder.dimension), objective, chance=chance)
