"""Contrast among more than two views: MV-DHEL, MV-InfoNCE, and the pairwise losses they are compared with."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Literal, get_args

from contrapose.errors import ArgumentError, did_you_mean
from contrapose.methods.method import About, Method, register

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from contrapose.encoders import Encoder
    from contrapose.learners import Learner
    from contrapose.pairing import Pairing


ViewObjective = Literal[
    "mv_dhel",
    "mv_info_nce",
    "pairwise_nt_xent",
    "pairwise_dhel",
    "average_nt_xent",
    "pvc_geometric",
    "pvc_arithmetic",
]


@register("multiview")
@dataclass(frozen=True, kw_only=True)
class MultiView(Method):
    """Several views of a sample attract each other in one term; the samples of each view spread apart.

    What to expect: on 2,000 pictures of CIFAR-10, batch 64, 8 epochs and three seeds (`contrapose reproduce multiview`:
    *reproduced here*), each loss at its best temperature, kNN accuracy is 47.0 % with `mv_dhel` of four views, 46.0 %
    with two views, and 43.5 % with NT-Xent of two; its projections use 62, 54 and 31 of 64 dimensions. `pairwise_dhel`
    of four views is as good (47.6 %, 58 dimensions): most of the gain is the decoupling. An untrained encoder has 36.6
    %.
    """

    about: ClassVar[About] = About(
        question="what do more than two views add?",
        purpose="more than two views of each sample in one loss, in place of a sum over pairs of views",
        paper="Koromilas et al., 2025, https://arxiv.org/abs/2507.06979",
    )

    view_count: ClassVar[int] = 4
    view_note: ClassVar[str] = "four of each sample, as in the authors' larger tables; a step costs in proportion"

    objective: ViewObjective = "mv_dhel"
    """mv_dhel and mv_info_nce: the paper's two; the rest are the baselines: two-view losses over all pairs of views,
    each view against the mean of the others, and poly-view contrast. SimCLR with more views is another one."""
    temperature: float = 0.5
    """Sharpness of the similarities. 0.5: the authors' configurations for CIFAR and ImageNet-100."""
    same_view_negatives: bool = True
    """Of mv_info_nce alone: the other samples of the anchor's own view repel, too. On: the authors' code; their README
    leaves them out."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check("temperature", self.temperature > 0, "above 0")
        if self.objective not in get_args(ViewObjective):
            known = did_you_mean(self.objective, get_args(ViewObjective))
            raise ArgumentError(f"Unknown objective {self.objective!r}.{known}")
        alone = self.same_view_negatives or self.objective == "mv_info_nce"
        self._check("same_view_negatives", alone, "left on, but for mv_info_nce")
        self._check_views(2, usual=4)

    def learner(self, encoder: Encoder, *, generator: torch.Generator) -> Learner:
        from contrapose.learners import Siamese
        from contrapose.objectives import OBJECTIVES, mv_info_nce
        from contrapose.objectives.many_views.view_chances import VIEW_CHANCES, mv_info_nce_chance

        function, chance_of = OBJECTIVES[self.objective].function, VIEW_CHANCES[self.objective]
        if not self.same_view_negatives:
            function = partial(mv_info_nce, same_view_negatives=False)
            chance_of = partial(mv_info_nce_chance, same_view_negatives=False)

        def objective(z: Tensor, pairing: Pairing, rows: Tensor | None) -> Tensor:
            loss: Tensor = function(z, temperature=self.temperature, rows=rows)
            return loss

        def chance(pairing: Pairing) -> float:
            return chance_of(pairing, self.temperature)

        return Siamese(encoder, self.head(encoder.dimension), objective, chance=chance)
