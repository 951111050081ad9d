"""SimCLR: the softmax baseline that everything is compared with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from contrapose.methods.method import About, Method, register

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from contrapose.encoders import Encoder
    from contrapose.learners import Learner
    from contrapose.pairing import Pairing


@register("simclr")
@dataclass(frozen=True, kw_only=True)
class SimCLR(Method):
    """Two views of a sample attract, all others in the batch repel, weighted by a softmax.

    What to expect: on 4,000 pictures of CIFAR-10, batch 32, 10 epochs and five seeds (`contrapose reproduce simclr`:
    *reproduced here*): one neighbour among five labels a class 25.7 %, untrained 19.0 %, raw pixels 18.6 %; linear
    probe 49.1 %, untrained 41.0 %, raw pixels 37.0 %. The temperature is worth more than most changes of the loss: tune
    it first. On 4,000 sentences, a bag of words and 8 epochs (`contrapose reproduce simclr-sentences`: *contrary
    here*), cosines order the pairs of the STS benchmark by 43.7 % with a tenth of the words deleted and 39.8 % with
    dropout alone; untrained 40.3 %, word counts 66.6 %, MiniLM 82.0 %.
    """

    about: ClassVar[About] = About(
        question="how hard should each negative push?",
        purpose="the standard baseline: other views of a sample attract, the rest of the batch repels",
        paper="Chen et al., ICML 2020, https://arxiv.org/abs/2002.05709",
    )

    temperature: float = 0.2
    """Sharpness of the softmax. [design] 0.2; the paper takes 0.1 on ImageNet and 0.5 on CIFAR-10."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check("temperature", self.temperature > 0, "above 0")

    def learner(self, encoder: Encoder, *, generator: torch.Generator) -> Learner:
        from contrapose.learners import Siamese
        from contrapose.objectives import OBJECTIVES, nt_xent

        def objective(z: Tensor, pairing: Pairing, rows: Tensor | None) -> Tensor:
            return nt_xent(z, pairing, temperature=self.temperature, rows=rows)

        return Siamese(encoder, self.head(encoder.dimension), objective, chance=OBJECTIVES["nt_xent"].chance)
