"""DCL: SimCLR without the positive in the denominator."""

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


@register("dcl")
@dataclass(frozen=True, kw_only=True)
class DCL(Method):
    """Two views of a sample attract at full strength however easy they are: only negatives share a softmax.

    What to expect: on 2,000 pictures of CIFAR-10, 8 epochs and five seeds (`contrapose reproduce dcl`: *not resolved
    here*), each at its best temperature: kNN 41.4 % at batch 16 and 43.7 % at 128, SimCLR 41.6 % and 43.4 %, untrained
    36.4 %. A tie, though at batch 16 and temperature 0.1 SimCLR multiplies its gradients by 0.56, which DCL does not.
    Why it does not show is open: AdamW's steps do not depend on the size of a gradient, but a few trials with SGD saw
    no gain either.
    """

    about: ClassVar[About] = About(
        question="how hard should each negative push?",
        purpose="small batches: the positive leaves the denominator, and the gradient no longer fades with it",
        paper="Yeh et al., ECCV 2022, https://arxiv.org/abs/2110.06848",
    )

    temperature: float = 0.1
    """Sharpness of the softmax. 0.1: the paper's for small pictures."""
    sigma: float | None = None
    """Width of the weights by which easy positives pull less (DCLW); none: all pull alike. 0.5 in the paper."""
    detach_weight: bool = True
    """Take those weights as constants. [design] on: they are there to weigh; an independent implementation sends
    gradients through them."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check("temperature", self.temperature > 0, "above 0")
        self._check("sigma", self.sigma is None or self.sigma > 0, "above 0, or none")

    def learner(self, encoder: Encoder, *, generator: torch.Generator) -> Learner:
        from contrapose.learners import Siamese
        from contrapose.objectives import OBJECTIVES, coupling, dcl

        def objective(z: Tensor, pairing: Pairing, rows: Tensor | None) -> Tensor:
            return dcl(
                z,
                temperature=self.temperature,
                sigma=self.sigma,
                detach_weight=self.detach_weight,
                rows=rows,
            )

        def watch(z: Tensor, pairing: Pairing, rows: Tensor | None) -> dict[str, Tensor | float]:
            # What NT-Xent would multiply the gradients of these embeddings by.
            shares = coupling(z, pairing, temperature=self.temperature, rows=rows)  # (V·R,)
            return {"coupling": shares.mean(), "coupling_tenth": shares.quantile(0.1)}

        head = self.head(encoder.dimension)
        return Siamese(encoder, head, objective, watch=watch, chance=OBJECTIVES["dcl"].chance)
