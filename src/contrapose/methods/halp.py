"""HaLP: MoCo that also draws each query to positives made up on the sphere, where views are hard to invent."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from contrapose.methods.extent import Extent, Fit
from contrapose.methods.method import About, register
from contrapose.methods.moco import MoCo

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from contrapose.encoders import Encoder
    from contrapose.learners import Learner

PROTOTYPES, NEWEST = 20, 256
"""Unless they are set; a shorter queue has fewer."""
LEAST_STEPS = 4
"""Of a run that overwrites the shortest queue twice, with one key more, and then hallucinates."""


@register("halp")
@dataclass(frozen=True, kw_only=True)
class HaLP(MoCo.bare):  # type: ignore[misc, valid-type]  # of no kind of data yet
    """MoCo, and from half of the run on each query is drawn to points between its key and other groups of keys.

    What to expect: the positives cost no forward pass, a k-means on 256 keys every fifth step. They are as far from the
    key as can be without leaving its group, and only attract, so the loss is about mu / temperature lower than MoCo's.
    On MSR-Action3D by subject (232 sequences, 110 epochs, five seeds; `contrapose reproduce halp`: *not resolved here*)
    a linear probe has 66.9 %, MoCo 63.1 (+3.9 [-3.9, 11.6]), the same attraction to the key itself (`--positives-from
    key`) 64.1 (+2.8 [-3.1, 8.8]), untrained 64.2, resampled coordinates 62.5; the nearest neighbour 63.0, 61.7, 61.9,
    61.6 and 66.9. MoCo alone is not ahead of an untrained encoder there: so few sequences teach little.
    """

    about: ClassVar[About] = About(
        question="who is a positive, when labels do not say?",
        purpose="sequences and other data whose views are hard to invent: further positives, made on the sphere",
        paper="Shah et al. (HaLP), CVPR 2023, https://arxiv.org/abs/2304.00387",
    )

    mu: float = 1.0
    """Weight of the attraction beside MoCo's loss. 1: the authors' for PKU-MMD, 2 for NTU-60; 0 is the method moco."""
    prototypes: int | None = None
    """Groups of keys, whose centres the positives lie between. Default: 20, the authors', or as many as there are
    newest keys."""
    positives: int = 100
    """M, hallucinated for each key. 100: the authors'."""
    hardness: float = 0.8
    """lambda, from 0 to 1: how far from the border of the key's group, on the way back to the key, positives may lie;
    0 is the border alone, the hardest. 0.8: the authors'."""
    hardness_from: float = 0.0
    """How far from the border they lie at least. With both 1 they are the key itself, a control. 0: the authors'."""
    positives_from: Literal["prototypes", "key"] = "prototypes"
    """"key": in the place of hallucinated positives the query is drawn to its key once more, from the same step on and
    with the same weight: the control that costs nothing."""
    newest: int | None = None
    """Keys of the queue, the last that entered it, which are grouped. Default: 256, the authors', or the whole of a
    shorter queue."""
    refit_steps: int = 5
    """Steps from one grouping to the next. 5: the authors' default, 10 in their scripts."""
    start: float = 0.5
    """Share of the run that is MoCo alone. 0.5: the authors' for PKU-MMD (500 of 1,001 epochs; 200 of 451 for NTU-60).
    It also waits until the queue has been overwritten twice."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check("mu", math.isfinite(self.mu) and self.mu >= 0, "0 or more")
        self._check("queue", self.queue >= 2, "2 or more: there are two prototypes at least")
        for name, most in (("newest", self.queue), ("prototypes", self._newest)):
            value = getattr(self, name)
            self._check(name, value is None or 2 <= value <= most, f"in 2 to {most}, {_WHOSE[name]}")
        self._check_choice("positives_from", ("prototypes", "key"))
        for name in ("positives", "refit_steps"):
            self._check(name, getattr(self, name) > 0, "above 0")
        for name in ("hardness", "start"):
            self._check(name, 0 <= getattr(self, name) <= 1, "in [0, 1]")
        self._check("hardness_from", 0 <= self.hardness_from <= self.hardness, f"in [0, {self.hardness:g}], the most")

    @property
    def _newest(self) -> int:
        return min(NEWEST, self.queue) if self.newest is None else self.newest

    def remarks(self) -> list[str]:
        if self.mu == 0:
            return ["mu is 0: this is the method moco"]
        return [
            f"MoCo alone for {100 * self.start:.0f} % of the steps, and until the queue of {self.queue:,} has been "
            "overwritten twice; `hallucinating` in metrics.jsonl is 1 from then on"
        ]

    def fits(self, extent: Extent) -> list[Fit]:
        """A run that would end before its queue has been overwritten twice takes a shorter one."""
        found: list[Fit] = super().fits(extent)
        queue = next((fit.value for fit in found if fit.option == "queue"), self.queue)
        block = extent.block * extent.accumulate
        if self.mu == 0 or self.start == 1 or extent.steps < LEAST_STEPS or 2 * queue // block + 1 < extent.steps:
            return found
        fitting = max(1, (extent.steps - 2) // 4) * block  # overwritten twice after half of the run
        refusal = (
            f"queue is {self.queue}, which {extent.steps} steps of {block} do not overwrite twice: nothing would ever "
            f"be hallucinated. Take --queue {fitting}, or train longer; without it is the method moco."
        )
        why = f"the run has {extent.steps} steps, and the queue is overwritten twice before positives are made"
        return [fit for fit in found if fit.option != "queue"] + [Fit("queue", fitting, why, refusal)]

    def learner(self, encoder: Encoder, *, generator: torch.Generator) -> Learner:
        from contrapose.learners import HallucinatedPositives
        from contrapose.objectives import OBJECTIVES, hallucinated_positives, halp, info_nce
        from contrapose.training.multistage.k_means import k_means

        def contrast(q: Tensor, k: Tensor, queue: Tensor) -> Tensor:
            return info_nce(
                q, k, queue=queue, in_batch_negatives=False, temperature=self.temperature, decoupled=self.decoupled
            )

        def attraction(q: Tensor, positives: Tensor, keep: Tensor, pairs: Tensor) -> Tensor:
            return halp(q, positives, keep, temperature=self.temperature, pairs=pairs)

        prototypes = min(PROTOTYPES, self._newest) if self.prototypes is None else self.prototypes

        def hallucinate(
            keys: Tensor, centres: Tensor, rows: Tensor | None, draws: torch.Generator
        ) -> tuple[Tensor, Tensor, Tensor]:
            return hallucinated_positives(
                keys,
                centres,
                count=self.positives,
                hardness=self.hardness,
                hardness_from=self.hardness_from,
                candidates=prototypes,
                rows=rows,
                generator=draws,
            )

        def fit(keys: Tensor, draws: torch.Generator) -> Tensor:
            return k_means(keys, prototypes, generator=draws, spherical=True).centres

        head = self.head(encoder.dimension, norm=False)  # MoCo v2's head has no batch normalisation
        return HallucinatedPositives(
            encoder,
            head,
            contrast,
            attraction=attraction,
            hallucinate=None if self.positives_from == "key" else hallucinate,
            fit=fit,
            weight=self.mu,
            prototypes=prototypes,
            newest=self._newest,
            refit_steps=self.refit_steps,
            start=self.start,
            dimension=head.output_dimension,
            queue_size=self.queue,
            momentum=self.momentum,
            attraction_chance=-1 / self.temperature,
            generator=generator,
            chance=OBJECTIVES["dcl" if self.decoupled else "info_nce"].chance,
        )


_WHOSE = {"newest": "the length of the queue", "prototypes": "the keys that are grouped"}
