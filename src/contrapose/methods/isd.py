"""ISD: no negatives, but a teacher's opinion of how similar other images are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from contrapose.methods.extent import Extent, Fit, fitting_queue
from contrapose.methods.method import About, Method, register

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from contrapose.encoders import Encoder
    from contrapose.learners import Learner


@register("isd")
@dataclass(frozen=True, kw_only=True)
class ISD(Method):
    """A student learns from its slow copy how similar an image is to each of a queue of others.

    The head and temperatures are the authors' ISD; momentum and queue are for short runs. Their "ISD plus" is
    `--projection-layers 2 --projection-dimension 64 --predictor-hidden 512 --temperature 0.1 --teacher-temperature 0.01
    --views.weak-count 1`: the teacher, which takes the second view, sees it cropped and flipped alone. 64 and 512 are
    for small_conv's 256 features: a quarter and twice.

    What to expect: on 4,000 pictures of CIFAR-10, three classes frequent and seven rare, batch 64, 15 epochs and five
    seeds (`contrapose reproduce isd`: *contrary here*): kNN 38.7 %, with `--views.weak-count 1` 40.5 %, MoCo 43.3 % and
    44.9 %, untrained 36.4 %; on rare classes no better. These are 900 steps; the authors' runs on ImageNet are a
    thousand times longer.
    """

    about: ClassVar[About] = About(
        question="what if the data are unbalanced or biased?",
        purpose="unbalanced or repetitive pictures: nothing is pushed away that a slow copy finds similar",
        paper="Tejankar et al., ICCV 2021, https://arxiv.org/abs/2012.09259",
    )

    projection_layers: int = 0
    """Linear maps of a head in front of the predictor. 0: the authors' ISD compares the encoder's own output; 2 in
    ISD plus."""
    predictor_hidden: int | None = None
    """Hidden units of the predictor. Default: as many as it predicts, as in ISD; twice the encoder's output in ISD
    plus."""
    temperature: float = 0.02
    """Sharpness of the student's softmax. 0.02: the authors' ISD; 0.1 in ISD plus."""
    teacher_temperature: float | None = None
    """Sharpness of the teacher's softmax; MoCo's 0.2 would leave it nearly uniform. Default: the student's, as in the
    authors' ISD; 0.01 in ISD plus."""
    queue: int = 2048
    """Images whose similarity is compared; a multiple of the batch, and at most the number of samples, for in a longer
    queue most find themselves. [design] 2048 for thousands of samples, less for fewer; the authors keep 128,000 of a
    million."""
    momentum: float = 0.99
    """Inertia of the slow copy. 0.99: the authors' ISD plus, and right for about a thousand steps; 0.999 in ISD."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("temperature", "queue"):
            self._check(name, getattr(self, name) > 0, "above 0")
        for name in ("teacher_temperature", "predictor_hidden"):
            self._check(name, getattr(self, name) is None or getattr(self, name) > 0, "above 0")
        self._check("momentum", 0 <= self.momentum <= 1, "in [0, 1]")

    def fits(self, extent: Extent) -> list[Fit]:
        return fitting_queue(self.queue, extent)

    def learner(self, encoder: Encoder, *, generator: torch.Generator) -> Learner:
        from contrapose.encoders import ProjectionHead
        from contrapose.learners import Distillation
        from contrapose.objectives import isd, soft_targets

        teacher_temperature = self.teacher_temperature or self.temperature

        def objective(predictions: Tensor, keys: Tensor, queue: Tensor) -> tuple[Tensor, Mapping[str, Tensor]]:
            targets = soft_targets(keys, queue, temperature=teacher_temperature)
            loss = isd(
                predictions,
                keys,
                queue,
                temperature=self.temperature,
                teacher_temperature=teacher_temperature,
                targets=targets,
            )
            return loss, {"teacher_entropy": targets.entropy.mean()}

        head = self.head(encoder.dimension)
        dimension = head.output_dimension
        predictor = ProjectionHead(
            dimension, hidden_dimension=self.predictor_hidden or dimension, output_dimension=dimension, layers=2
        )
        # no chance value: 0, the loss of equal embeddings, is the minimum as well
        return Distillation(
            encoder,
            head,
            predictor,
            objective,
            dimension=dimension,
            queue_size=self.queue,
            momentum=self.momentum,
            generator=generator,
        )
