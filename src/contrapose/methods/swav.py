"""SwAV: views agree on prototypes, not on each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from contrapose.errors import ArgumentError
from contrapose.methods.extent import Extent, Fit, fitting_queue
from contrapose.methods.method import About, Method, register

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from contrapose.encoders import Encoder
    from contrapose.learners import Learner


@register("swav")
@dataclass(frozen=True, kw_only=True)
class SwAV(Method):
    """Each view predicts which prototypes another view of the sample was assigned to, evenly over the batch.

    No pair of samples is ever compared, and there is no slow copy and no negative. Small crops, which cost little, may
    predict as well (multi-crop: `--views.small-count 4`); they are not predicted.

    What to expect: on 2,000 pictures of CIFAR-10, batch 64, 8 epochs and three seeds (`contrapose reproduce swav`:
    *contrary here*), a probe of 5 labels a class has 24.6 % with four small crops, 25.7 without them in equal time,
    18.4 without balance (all samples at one prototype); NT-Xent 28.4, untrained 20.4, raw pixels 21.3. A queue did not
    help at batch 32 either. In so few steps it is behind losses with negatives.
    """

    about: ClassVar[About] = About(
        question="who is a positive, when labels do not say?",
        purpose="no pairs and no negatives: views of a sample agree on which prototypes it belongs to",
        paper="Caron et al., NeurIPS 2020, https://arxiv.org/abs/2006.09882",
    )

    temperature: float = 0.1
    """Sharpness of the predictions. 0.1: the paper's."""
    epsilon: float = 0.05
    """Softness of the codes, which is not the temperature. 0.05: the paper's; lower where the loss stays at chance."""
    sinkhorn_iterations: int = 3
    """Rounds of balancing the codes. 3: the paper's."""
    prototypes: int = 100
    """K, rather more than there are classes to be found. [design] 100, so that a batch of 128 can be spread over them;
    3,000 in the paper for the 1,000 classes of ImageNet, where their number hardly mattered."""
    assigned_views: int = 2
    """The first so many full views are assigned to prototypes, and predicted by all others. 2: the paper's."""
    queue: int = 0
    """Past samples that are balanced along with the batch, for batches smaller than the prototypes are many; a multiple
    of the batch, and at most the number of samples. Off; 3,840 in the paper's recipe for batches of 256."""
    queue_after: int = 0
    """Steps before anything enters the queue. [design] 0; 15 of 200 epochs in the paper's recipe."""
    freeze_prototypes: int = 30
    """First steps in which the prototypes do not learn. [design] 30, about an epoch of 4,000 samples, and at most a
    tenth of the run; one epoch in the paper's recipe, to hinder a collapse at the start."""
    balanced: bool = True
    """Balance the codes over the prototypes. Without it all samples tend to one prototype: to see what it is for."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("temperature", "epsilon"):
            self._check(name, getattr(self, name) > 0, "above 0")
        self._check("sinkhorn_iterations", self.sinkhorn_iterations >= 1, "at least 1")
        self._check("prototypes", self.prototypes >= 2, "at least 2: with one, everybody would get it")
        for name in ("queue", "queue_after", "freeze_prototypes"):
            self._check(name, getattr(self, name) >= 0, "0 or more")
        full = self.views.count
        known = 1 <= self.assigned_views <= full
        self._check("assigned_views", known, f"from 1 to {full}, the number of full views (--views.count)")
        self._check_views(2)

    def fits(self, extent: Extent) -> list[Fit]:
        """A queue that serves within the run, and prototypes that stand still for a tenth of it at most."""
        found = fitting_queue(self.queue, extent)
        steps, tenth = extent.steps, extent.steps // 10
        if self.freeze_prototypes > tenth:
            found.append(Fit("freeze_prototypes", tenth, f"the run has {steps} steps"))
        filling = -(-self.queue // (extent.block * extent.accumulate))  # steps, rounded up
        if self.queue <= extent.samples and self.queue > 0 and steps <= self.queue_after + filling:
            raise ArgumentError(
                f"The queue of {self.queue} starts after {self.queue_after} steps and is full {filling} steps later, "
                f"but the run has {steps} steps: it would never be used. Take a shorter --queue, a smaller "
                "--queue-after, or train longer."
            )
        return found

    def learner(self, encoder: Encoder, *, generator: torch.Generator) -> Learner:
        from contrapose.learners import Prototypes
        from contrapose.objectives import swapped_prediction

        def objective(scores: Tensor, others: Tensor | None) -> Tensor:
            return swapped_prediction(
                scores,
                others,
                assigned=range(self.assigned_views),
                temperature=self.temperature,
                epsilon=self.epsilon,
                iterations=self.sinkhorn_iterations,
                balanced=self.balanced,
            )

        head = self.head(encoder.dimension)
        return Prototypes(
            encoder,
            head,
            objective,
            dimension=head.output_dimension,
            prototypes=self.prototypes,
            temperature=self.temperature,
            assigned=self.assigned_views,
            queue_size=self.queue,
            queue_after=self.queue_after,
            freeze_prototypes=self.freeze_prototypes,
            generator=generator,
        )
