"""CACR: attraction and repulsion that concentrate where they are needed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from contrapose.methods.extent import Extent, Fit, fitting_queue
from contrapose.methods.method import About, Method, register

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from contrapose.encoders import Encoder
    from contrapose.learners import Learner
    from contrapose.pairing import Pairing


@register("cacr")
@dataclass(frozen=True, kw_only=True)
class CACR(Method):
    """Of several views of a sample the farthest attract most, of other samples the closest repel most.

    The authors' four variants are sharpnesses: "full" both above 0, "without_w1" `--attraction-sharpness 0`,
    "without_w2" `--repulsion-sharpness 0`, "none" both 0. Their form on MoCo v2 is `--queue 65536`; that on MoCo v3
    `--predictor --views.count 2`, with small crops also `--views.small-count 6`.

    What to expect: on 2,000 pictures of CIFAR-10, four views, batch 64, 8 epochs and five seeds (`contrapose reproduce
    cacr`: *not resolved here*): a linear probe has 49.7 %, with uniform weights 44.6 %, with NT-Xent over all pairs of
    views at its best temperature 49.2 %, untrained 40.8 %. Classes of unequal size change none of it. Here
    `--repulsion-sharpness 5` was best.
    """

    about: ClassVar[About] = About(
        question="how hard should each negative push?",
        purpose="small batches with several views, unbalanced data: far positives pull most, close negatives push most",
        paper="Zheng et al., TMLR 2023, https://arxiv.org/abs/2105.03746",
    )

    view_count: ClassVar[int] = 5
    view_note: ClassVar[str] = "5 of each sample: the authors' 4 positives a query; time grows with them"

    attraction_sharpness: float = 1.0
    """Factor on the distance in a positive's weight; 0 = all alike ("without_w1"). 1: the authors'."""
    repulsion_sharpness: float = 2.0
    """Factor on the distance in a negative's weight; 0 = all alike ("without_w2"). 2: the authors' for CIFAR-100,
    STL-10, ImageNet; 0.9 for CIFAR-10."""
    attraction_weight: float = 1.0
    """alpha. 1: the authors'."""
    repulsion_weight: float = 1.0
    """beta. 1: the authors'."""
    cost: Literal["squared", "rbf"] | None = None
    """What negatives repel by: their squared distance, or rbf, a kernel of it (with a predictor: InfoNCE with weighted
    positives). Default: the authors', squared, and rbf with a predictor."""
    rbf_sharpness: float = 2.0
    """Factor on the distance in the kernel, in batch. 2: the authors'."""
    debias: float = 0.0
    """Share of an anchor's class among its negatives, taken out of their mean; in batch, with the squared cost. 0: off;
    the authors take 0.1."""
    debias_sign: Literal["corrected", "authors"] = "corrected"
    """corrected: debiasing lessens the repulsion of positives. authors: as in their code, which adds to it, without
    beta."""
    queue: int = 0
    """Negatives kept from the past, as in MoCo; a multiple of the batch, and at most the number of samples. 0 = those
    of the batch; the authors keep 65,536 on ImageNet."""
    momentum: float = 0.99
    """Inertia of the slow copy that fills the queue or, with a predictor, makes the keys. [design] 0.99 for about a
    thousand steps, as in `moco`; 0.999 (queue) and 0.996 (predictor, rising to 1) in the authors' long runs."""
    in_batch_negatives: bool = False
    """With a queue: let the other queries of the batch repel as well."""
    predictor: bool = False
    """Train as on MoCo v3: predictions of every view meet a slow copy's keys of the others, of this batch."""
    predictor_hidden: int = 512
    """Hidden units of the predictor, two linear maps on top of the projection. [design] as the projection head; 4096
    in MoCo v3."""
    key_views: int = 2
    """With a predictor: views of which the slow copy makes keys, the first ones. 2: the authors' light mode; as many as
    there are views is their full mode."""
    temperature: float = 0.2
    """With a predictor: what distances are divided by, in all weights. 0.2: the authors' with ViT-B; 1 with
    ResNet-50."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("attraction_sharpness", "repulsion_sharpness", "attraction_weight", "repulsion_weight", "queue"):
            self._check(name, getattr(self, name) >= 0, "0 or more")
        for name in ("rbf_sharpness", "predictor_hidden", "key_views", "temperature"):
            self._check(name, getattr(self, name) > 0, "above 0")
        self._check("cost", self.cost in (None, "squared", "rbf"), "one of squared, rbf")
        self._check("cost", self.cost != "rbf" or self.queue == 0, "squared with a queue")
        self._check("debias", 0 <= self.debias < 1, "in [0, 1)")
        self._check("debias", self.debias == 0 or self.queue == 0, "0 with a queue")
        self._check("debias", self.debias == 0 or self.cost != "rbf", "0 with the cost rbf")
        self._check_choice("debias_sign", ("corrected", "authors"))
        self._check("momentum", 0 <= self.momentum <= 1, "in [0, 1]")
        self._check("in_batch_negatives", self.queue > 0 or not self.in_batch_negatives, "off without a queue")
        if self.predictor:
            self._check_predictor()

    def _check_predictor(self) -> None:
        for name in ("queue", "debias", "attraction_weight", "repulsion_weight", "rbf_sharpness"):
            usual = getattr(CACR, name)
            self._check(name, getattr(self, name) == usual, f"left at {usual:g} with a predictor, which does without")
        for name in ("attraction_sharpness", "repulsion_sharpness"):
            usual = getattr(CACR, name)
            self._check(name, getattr(self, name) == usual, f"left at {usual:g} with a predictor (give --temperature)")
        views = self.views.total()
        self._check("key_views", self.key_views <= views, f"at most {views}, the views there are (--views.count)")

    def fits(self, extent: Extent) -> list[Fit]:
        return fitting_queue(self.queue, extent)

    def learner(self, encoder: Encoder, *, generator: torch.Generator) -> Learner:
        if self.predictor:
            return self._with_predictor(encoder)
        return self._with_queue(encoder, generator) if self.queue else self._in_batch(encoder)

    def _in_batch(self, encoder: Encoder) -> Learner:
        from contrapose.learners import Siamese
        from contrapose.objectives import OBJECTIVES, cacr

        def objective(z: Tensor, pairing: Pairing, rows: Tensor | None) -> Tensor:
            return cacr(
                z,
                cost=self.cost or "squared",
                rbf_sharpness=self.rbf_sharpness,
                debias=self.debias,
                debias_sign=self.debias_sign,
                rows=rows,
                **self._weighing(),
            )

        return Siamese(encoder, self.head(encoder.dimension), objective, chance=OBJECTIVES["cacr"].chance)

    def _with_queue(self, encoder: Encoder, generator: torch.Generator) -> Learner:
        from contrapose.learners import MomentumViews
        from contrapose.objectives import OBJECTIVES, cacr_queue

        def objective(q: Tensor, k: Tensor, queue: Tensor, rows: Tensor | None = None) -> Tensor:
            return cacr_queue(q, k, queue, in_batch_negatives=self.in_batch_negatives, rows=rows, **self._weighing())

        head = self.head(encoder.dimension, norm=False)  # as in MoCo v2
        return MomentumViews(
            encoder,
            head,
            objective,
            dimension=head.output_dimension,
            queue_size=self.queue,
            momentum=self.momentum,
            generator=generator,
            chance=OBJECTIVES["cacr_queue"].chance,
        )

    def _with_predictor(self, encoder: Encoder) -> Learner:
        from contrapose.encoders import ProjectionHead
        from contrapose.learners import PredictedViews
        from contrapose.objectives import cacr_predicted
        from contrapose.objectives.engine.chances import distance_chance, predicted_chance

        cost = self.cost or "rbf"

        def objective(predictions: Tensor, keys: Tensor, rows: Tensor | None) -> Tensor:
            return cacr_predicted(predictions, keys, temperature=self.temperature, cost=cost, rows=rows)

        head = self.head(encoder.dimension)
        predictor = ProjectionHead(
            head.output_dimension,
            hidden_dimension=self.predictor_hidden,
            output_dimension=head.output_dimension,
        )
        return PredictedViews(
            encoder,
            head,
            predictor,
            objective,
            key_views=self.key_views,
            momentum=self.momentum,
            chance=partial(predicted_chance, temperature=self.temperature) if cost == "rbf" else distance_chance,
        )

    def _weighing(self) -> dict[str, Any]:
        return {
            "attraction_sharpness": self.attraction_sharpness,
            "repulsion_sharpness": self.repulsion_sharpness,
            "attraction_weight": self.attraction_weight,
            "repulsion_weight": self.repulsion_weight,
        }
