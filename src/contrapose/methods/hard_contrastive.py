"""Hard contrastive: the hardest negatives are chosen outright, or weighed, so that the temperature need not do it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from contrapose.methods.method import About, Method, register

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from contrapose.encoders import Encoder
    from contrapose.learners import Learner
    from contrapose.learners.learner import Chance
    from contrapose.pairing import Pairing


@register("hard-contrastive")
@dataclass(frozen=True, kw_only=True)
class HardContrastive(Method):
    """Two views of a sample attract; of all others in the batch, the hardest share repels, or all do by their hardness.

    `alpha` cuts: negatives outside the hardest share do not push at all. `beta` weighs (HCL): all push, in proportion
    to exp(beta s) besides the softmax. It is one or the other: to weigh, give `--alpha 1 --beta 1 --prior 0.1`.

    What to expect: on 4,000 pictures of CIFAR-10, batch 128, 10 epochs and three seeds (`contrapose reproduce
    tau-analysis`: *not resolved here*): kNN 45.3 to 46.5 % whatever the temperature from 0.05 to 1, and 45.5 % without
    any (`--simple`); SimCLR falls from 45.4 % at 0.05 to 37.0 % at 1, untrained has 36.5 %.
    """

    about: ClassVar[About] = About(
        question="how hard should each negative push?",
        purpose="a temperature that need not be tuned: alpha says how many negatives push, the hardest first; or beta, "
        "how much more the near ones count",
        paper="Wang and Liu, CVPR 2021, https://arxiv.org/abs/2012.09740; weighed: Robinson et al., ICLR 2021, "
        "https://arxiv.org/abs/2010.04592",
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
    beta: float = 0.0
    """How much more near negatives count: each by exp(beta cos / temperature). Needs alpha 1. [design] 0, all alike;
    the paper's code takes 1, beside prior 0.1 and temperature 0.5."""
    prior: float = 0.0
    """Probability that a negative is of the anchor's own class; that share of the push is taken off. Needs alpha 1.
    [design] 0, none; one over the number of classes is usual."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check("alpha", 0 < self.alpha <= 1, "above 0 and at most 1")
        self._check("temperature", self.temperature > 0, "above 0")
        self._check("repulsion", self.repulsion is None or self.repulsion > 0, "above 0, or none")
        self._check("repulsion", self.repulsion is None or self.simple, "none unless simple")
        self._check("beta", 0 <= self.beta < math.inf, "0 or more, and finite")
        self._check("prior", 0 <= self.prior < 1, "in [0, 1)")
        if self._weighs:
            self._check("alpha", self.alpha == 1, "1 with beta or prior, which weigh all negatives (--alpha 1)")
            self._check("simple", not self.simple, "off with beta or prior: in the simple loss all push alike")

    @property
    def _weighs(self) -> bool:
        return self.beta > 0 or self.prior > 0

    def learner(self, encoder: Encoder, *, generator: torch.Generator) -> Learner:
        from contrapose.learners import Siamese

        objective, chance = self._weighed() if self._weighs else self._cut()

        def of_rows(z: Tensor, pairing: Pairing, rows: Tensor | None) -> Tensor:
            return objective(z, pairing, rows=rows)

        return Siamese(encoder, self.head(encoder.dimension), of_rows, chance=chance)

    def _weighed(self) -> tuple[Callable[..., Tensor], Chance]:
        from contrapose.objectives import OBJECTIVES, hard_weighted

        objective = partial(hard_weighted, temperature=self.temperature, beta=self.beta, prior=self.prior)
        return objective, OBJECTIVES["hard_weighted"].chance  # which neither beta nor prior changes

    def _cut(self) -> tuple[Callable[..., Tensor], Chance]:
        from contrapose.objectives import hard_contrastive, hard_simple_contrastive
        from contrapose.objectives.hardness.hard_contrastive import hard_chance
        from contrapose.objectives.hardness.simple_contrastive import simple_chance

        if self.simple:
            objective = partial(hard_simple_contrastive, alpha=self.alpha, repulsion=self.repulsion)
            return objective, partial(simple_chance, alpha=self.alpha, repulsion=self.repulsion)
        objective = partial(hard_contrastive, alpha=self.alpha, temperature=self.temperature)
        return objective, partial(hard_chance, alpha=self.alpha)
