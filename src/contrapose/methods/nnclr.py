"""NNCLR: nearest neighbours as positives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from contrapose.methods.extent import Extent, Fit, fitting_queue
from contrapose.methods.method import About, Method, register

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from contrapose.encoders import Encoder
    from contrapose.learners import Learner


@register("nnclr")
@dataclass(frozen=True, kw_only=True)
class NNCLR(Method):
    """A sample's positive is its nearest neighbour among past embeddings: a look-alike rather than itself."""

    about: ClassVar[About] = About(
        question="who is a positive, when labels do not say?",
        purpose="variety that augmentations cannot make: the nearest of the samples seen lately is the positive",
        paper="Dwibedi et al., ICCV 2021, https://arxiv.org/abs/2104.14548; decoupled: Yeh et al., ECCV 2022, "
        "https://arxiv.org/abs/2110.06848",
    )

    projection_layers: int = 3
    """Linear maps of the projection head. 3: the paper's."""
    projection_dimension: int = 256
    """D, the dimension in which neighbours are looked up. 256: the paper's."""
    predictor_hidden: int = 512
    """Hidden units of the predictor, two linear maps on top of the projection. [design] as the projection head; 4096
    in the paper."""
    temperature: float = 0.1
    """Sharpness of the softmax. 0.1: the paper's."""
    decoupled: bool = False
    """Leave the positive out of the denominator (NNCLR + DCL)."""
    queue: int = 2048
    """Past embeddings among which neighbours are looked up; a multiple of the batch, and at most the number of samples,
    for in a longer queue most find themselves. [design] 2048 for thousands of samples, less for fewer;
    the paper keeps 98,304 of a million."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check("temperature", self.temperature > 0, "above 0")
        self._check("queue", self.queue > 0, "above 0")
        self._check("predictor_hidden", self.predictor_hidden > 0, "above 0")

    def fits(self, extent: Extent) -> list[Fit]:
        return fitting_queue(self.queue, extent)

    def learner(self, encoder: Encoder, *, generator: torch.Generator) -> Learner:
        from contrapose.encoders import ProjectionHead
        from contrapose.learners import NearestNeighbour
        from contrapose.objectives import OBJECTIVES, info_nce

        def objective(neighbours: Tensor, predictions: Tensor, rows: Tensor | None) -> Tensor:
            return info_nce(neighbours, predictions, temperature=self.temperature, decoupled=self.decoupled, rows=rows)

        head = self.head(encoder.dimension)
        predictor = ProjectionHead(
            head.output_dimension,
            hidden_dimension=self.predictor_hidden,
            output_dimension=head.output_dimension,
        )
        return NearestNeighbour(
            encoder,
            head,
            predictor,
            objective,
            dimension=head.output_dimension,
            queue_size=self.queue,
            generator=generator,
            chance=OBJECTIVES["dcl" if self.decoupled else "info_nce"].chance,
        )
