"""Two encoders side by side: one learns what is easy, and shows the other which negatives are not."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from torch import Tensor, nn

from contrapose.data.batch import Batch
from contrapose.distributed import gather, own_rows
from contrapose.errors import ArgumentError
from contrapose.learners.embed_views import embed_views
from contrapose.learners.learner import Chance, Learner, Objective, Step
from contrapose.pairing import Pairing, by_views

# (embeddings, reference's embeddings, pairing, rows this process answers for) -> loss of the first
ReferredObjective = Callable[[Tensor, Tensor, Pairing, Tensor | None], Tensor]


class SideBySide(Learner):
    """An encoder and a reference of its own weights see the same views, and each has its own loss.

        z_v = head(encoder(view_v)),   r_v = reference_head(reference(view_v))
        loss = objective(z, r, pairing) + reference_objective(r, pairing)

    The first loss takes r as a constant and the two networks share no weights, so the sum trains each by its own loss
    alone. The encoder is exported, and so is the reference, to a folder of its own (`reference`): to see what it knows.

    Shapes:
        views: V tensors `(B, C, H, W)`; z: `(V, B, D)`, r: `(V, B, D2)`, gathered over processes.

    Arguments:
        objective: `(z, r, pairing, rows) -> scalar`; r carries no gradient.
        reference_objective: `(r, pairing, rows) -> scalar`.
        reference_rate: learning rate of the reference, as a multiple of the run's.

    Errors:
        ArgumentError: fewer than two views; encoders that share weights; reference_rate <= 0.

    Papers: difficulty-based sampling, https://par.nsf.gov/biblio/10433589.
    """

    def __init__(
        self,
        encoder: nn.Module,
        head: nn.Module,
        objective: ReferredObjective,
        *,
        reference: nn.Module,
        reference_head: nn.Module,
        reference_objective: Objective,
        reference_rate: float = 1.0,
        chance: Chance | None = None,
    ) -> None:
        super().__init__(chance=chance)
        self.encoder, self.head, self.objective = encoder, head, objective
        self.reference, self.reference_head, self.reference_objective = reference, reference_head, reference_objective
        self.reference_rate = reference_rate
        own = {id(weight) for part in (encoder, head) for weight in part.parameters()}
        if own & self._of_reference():
            raise ArgumentError("The encoder and its reference share weights; build two encoders and two heads.")
        if not reference_rate > 0:
            raise ArgumentError(f"reference_rate must be above 0, got {reference_rate}; 1 trains both alike.")

    def check_views(self, count: int) -> None:
        if count < 2:
            raise ArgumentError(f"This method needs at least 2 views of each sample, got {count}.")

    def forward(self, batch: Batch) -> Step:
        self.check_views(len(batch.views))
        z = embed_views(lambda x: self.head(self.encoder(x)), batch.views)  # (V, B, D)
        r = embed_views(lambda x: self.reference_head(self.reference(x)), batch.views)  # (V, B, D2)
        rows = own_rows(batch.size, device=z.device)
        embeddings = z.detach().flatten(0, 1)  # (V·B, D)
        z, r = gather(z, dim=1), gather(r, dim=1)  # (V, W·B, D), (V, W·B, D2)
        pairing = by_views(*z.shape[:2], device=z.device)
        own = self.objective(z, r.detach(), pairing, rows)  # ()
        of_reference = self.reference_objective(r, pairing, rows)  # ()
        log: dict[str, Tensor | float] = {"encoder_loss": own.detach(), "reference_loss": of_reference.detach()}
        return Step(own + of_reference, embeddings, pairing, log)

    def companions(self) -> dict[str, nn.Module]:
        return {"reference": self.reference}

    def clip_groups(self) -> list[list[nn.Parameter]]:
        """Each network by itself: the reference's gradient is far the larger, and would shrink the encoder's."""
        return list(self._split(self.parameters()))

    def parameter_groups(self, weight_decay: float) -> list[dict[str, Any]]:
        """The usual two groups of each network, the reference's with its own factor on the learning rate."""
        groups = []
        for group in super().parameter_groups(weight_decay):
            for weights, factor in zip(self._split(group["params"]), (1.0, self.reference_rate), strict=True):
                groups.append({**group, "params": weights, "learning_rate_factor": factor})
        return groups

    def _split(self, weights: Iterable[nn.Parameter]) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
        """The encoder's and its head's, and the reference's."""
        of_reference = self._of_reference()
        parts: tuple[list[nn.Parameter], list[nn.Parameter]] = ([], [])
        for weight in weights:
            parts[id(weight) in of_reference].append(weight)
        return parts

    def _of_reference(self) -> set[int]:
        return {id(weight) for part in (self.reference, self.reference_head) for weight in part.parameters()}
