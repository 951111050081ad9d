"""GroCo: views of a sample rank above its hardest negatives, by a sorting network; no temperature."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from contrapose.errors import OptionError
from contrapose.methods.extent import Extent, Fit
from contrapose.methods.method import About, Method, register

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from contrapose.encoders import Encoder
    from contrapose.learners import Learner
    from contrapose.pairing import Pairing


@register("groco")
@dataclass(frozen=True, kw_only=True)
class GroCo(Method):
    """An anchor's views and its hardest negatives are sorted, softly; pairs that are out of order push most.

    What to expect: on 4,000 pictures of CIFAR-10, batch 64, 12 epochs and five seeds (`contrapose reproduce groco`:
    *contrary here*): kNN 45.4 % with `--negatives 2`, SimCLR 45.9 %, untrained 36.4 %. What helps is the choice of the
    hardest negatives, not their order: NT-Xent of the ten hardest (`hard-contrastive`) has 46.8 %.
    """

    about: ClassVar[About] = About(
        question="how hard should each negative push?",
        purpose="for neighbourhoods (search, kNN): views must rank above the hardest negatives; no temperature",
        paper="Shvetsova et al., ICCV 2023, https://arxiv.org/abs/2301.02009",
    )

    projection_layers: int = 3
    """Linear maps of the projection head, which ends in a batch normalisation without scale and shift. 3: the authors'
    configurations."""
    negatives: int = 10
    """Hardest negatives of each anchor; fewer than the batch. 10: the authors'."""
    steepness: float = 1.0
    """How sharply the network sorts. 1: the authors'."""
    network: Literal["odd_even", "bitonic"] = "odd_even"
    """The sorting network. odd_even: the authors'; bitonic has fewer layers for more than 10 candidates."""
    distribution: Literal["cauchy", "logistic", "logistic_phi", "reciprocal", "optimal"] = "cauchy"
    """How a comparator softens. cauchy: the authors'; its heavy tails never stop pushing."""
    stop_gradient: bool = True
    """Only the anchor moves. On: as published."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.views.count < 2:
            raise OptionError(
                f"views.count is {self.views.count}; a sample needs at least 2 full views, for small crops pull "
                "nobody.",
                "views.count",
            )
        self._check("negatives", self.negatives > 0, "above 0")
        self._check("steepness", self.steepness > 0, "above 0")
        self._check_choice("network", ("odd_even", "bitonic"))
        self._check_choice("distribution", ("cauchy", "logistic", "logistic_phi", "reciprocal", "optimal"))

    def fits(self, extent: Extent) -> list[Fit]:
        """At most as many negatives as a batch has: looked at here, where the batch has been fitted to the data."""
        most = extent.batch - 1
        if self.negatives <= most:
            return []
        refusal = (
            f"negatives is {self.negatives}, and a batch of {extent.batch} has {most} beside an anchor. Take "
            f"--negatives {most} or less, or a larger --batch-size."
        )
        return [Fit("negatives", most, f"a batch of {extent.batch} has no more", refusal)]

    def learner(self, encoder: Encoder, *, generator: torch.Generator) -> Learner:
        import torch
        from torch import nn

        from contrapose.learners import Siamese
        from contrapose.objectives import groco
        from contrapose.objectives.ranking.groco import groco_chance

        # small crops come after the full views and pull nobody; without any, all views pull, were they the user's own
        full = self.views.count if self.views.total() > self.views.count else None

        def objective(z: Tensor, pairing: Pairing, rows: Tensor | None) -> Tensor:
            return groco(
                z,
                negatives=self.negatives,
                positive_views=full,
                steepness=self.steepness,
                network=self.network,
                distribution=self.distribution,
                stop_gradient=self.stop_gradient,
                rows=rows,
            )

        def chance(pairing: Pairing) -> float:
            others, _ = pairing.counts(torch.arange(1))  # (1,) other views of a sample
            views = int(others) + 1
            return groco_chance(views, negatives=self.negatives, positive_views=full, network=self.network)

        head = self.head(encoder.dimension)
        whitened = nn.BatchNorm1d(head.output_dimension, affine=False)
        return Siamese(encoder, nn.Sequential(head, whitened), objective, chance=chance)
