"""CACR: attraction and repulsion that concentrate where they are needed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from contrapose.methods.method import About, Method, register
from contrapose.views.options import ImageViews

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from contrapose.encoders import ImageEncoder
    from contrapose.learners import Learner
    from contrapose.pairing import Pairing


@register("cacr")
@dataclass(frozen=True, kw_only=True)
class CACR(Method):
    """Of several views of a sample the farthest attract most, of other samples the closest repel most."""

    about: ClassVar[About] = About(
        question="how hard should each negative push?",
        purpose="small batches with several views, unbalanced data: far positives pull most, close negatives push most",
        modality="images",
        paper="Zheng et al., TMLR 2023, https://arxiv.org/abs/2105.03746",
    )

    views: ImageViews = field(default_factory=lambda: ImageViews(count=5))
    """How views are made. 5 of each picture: the authors' 4 positives a query (time grows with them)."""
    attraction_sharpness: float = 1.0
    """Factor on the distance in a positive's weight; 0 = all alike. 1: the authors'."""
    repulsion_sharpness: float = 2.0
    """Factor on the distance in a negative's weight; 0 = all alike. 2: the authors' for CIFAR-100, STL-10, ImageNet;
    0.9 for CIFAR-10."""
    attraction_weight: float = 1.0
    """alpha. 1: the authors'."""
    repulsion_weight: float = 1.0
    """beta. 1: the authors'."""
    debias: float = 0.0
    """Share of an anchor's class among its negatives, taken out of their mean; without a queue. 0: off; the authors
    take 0.1."""
    debias_sign: Literal["corrected", "authors"] = "corrected"
    """corrected: debiasing lessens the repulsion of positives. authors: as in their code, which adds to it."""
    queue: int = 0
    """Negatives kept from the past, as in MoCo; a multiple of the batch. 0 = those of the batch; the authors keep
    65,536 on ImageNet."""
    momentum: float = 0.99
    """Inertia of the slow copy that fills the queue. [design] 0.99 for about a thousand steps, as in `moco`; 0.999
    in the authors' long runs."""
    in_batch_negatives: bool = False
    """With a queue: let the other queries of the batch repel as well."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("attraction_sharpness", "repulsion_sharpness", "attraction_weight", "repulsion_weight", "queue"):
            self._check(name, getattr(self, name) >= 0, "0 or more")
        self._check("debias", 0 <= self.debias < 1, "in [0, 1)")
        self._check("debias", self.debias == 0 or self.queue == 0, "0 with a queue")
        self._check("debias_sign", self.debias_sign in ("corrected", "authors"), "one of corrected, authors")
        self._check("momentum", 0 <= self.momentum <= 1, "in [0, 1]")
        self._check("in_batch_negatives", self.queue > 0 or not self.in_batch_negatives, "off without a queue")
        self._check("batch_size", self.batch_size >= 2, "at least 2 (a query needs a negative)")

    def learner(self, encoder: ImageEncoder, *, generator: torch.Generator) -> Learner:
        from contrapose.learners import MomentumViews, Siamese
        from contrapose.objectives import OBJECTIVES, cacr, cacr_queue

        shared: dict[str, Any] = {
            "attraction_sharpness": self.attraction_sharpness,
            "repulsion_sharpness": self.repulsion_sharpness,
            "attraction_weight": self.attraction_weight,
            "repulsion_weight": self.repulsion_weight,
        }
        chance = OBJECTIVES["cacr"].chance

        def in_batch(z: Tensor, pairing: Pairing, rows: Tensor | None) -> Tensor:
            return cacr(z, debias=self.debias, debias_sign=self.debias_sign, rows=rows, **shared)

        def in_queue(q: Tensor, k: Tensor, queue: Tensor, rows: Tensor | None = None) -> Tensor:
            return cacr_queue(q, k, queue, in_batch_negatives=self.in_batch_negatives, rows=rows, **shared)

        if self.queue == 0:
            return Siamese(encoder, self.head(encoder.dimension), in_batch, chance=chance)
        head = self.head(encoder.dimension, norm=False)  # as in MoCo v2
        return MomentumViews(
            encoder,
            head,
            in_queue,
            dimension=head.output_dimension,
            queue_size=self.queue,
            momentum=self.momentum,
            generator=generator,
            chance=chance,
        )
