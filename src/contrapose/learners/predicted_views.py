"""Momentum contrast without a queue: predictions of every view meet a slow copy's keys of the other views."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from contrapose.data.batch import Batch
from contrapose.distributed import gather, own_rows
from contrapose.encoders import Teacher
from contrapose.errors import ArgumentError
from contrapose.learners.embed_views import embed_views
from contrapose.learners.learner import Chance, Learner, Step
from contrapose.learners.shuffle import shuffled
from contrapose.pairing import by_towers

# (predictions (V, B, D), keys (U, B, D), rows this process answers for) -> loss
PredictedObjective = Callable[[Tensor, Tensor, Tensor | None], Tensor]


class PredictedViews(Learner):
    """A student with a predictor of its own, V views of a sample, and a slow copy that sees the first U of them.

        theta_k <- m theta_k + (1 - m) theta_q          (before the keys' forward passes; parameters only)
        p_v = predictor(head(encoder(x_v))),   k_u = normalize(slow copy(x_u)),   loss = objective(p, k, rows)

    Nothing is remembered but the slow copy: the keys of this batch, of all processes, are all that a prediction is
    compared with. The predictor is no part of the slow copy.

    Shapes:
        p: `(V, B, D)`, k: `(U, B, D)`, gathered over processes to `(V, W·B, D)` and `(U, W·B, D)`.

    Arguments:
        predictor: D to D, thrown away after training like the head.
        objective: see `PredictedObjective`; keys carry no gradient.
        key_views: U. 2: MoCo v3's, and CACR's with small crops, whose whole views come first.
        momentum: m (0.996 in CACR with ResNet-50, 0.99 in MoCo v3 with ViT; both raise it to 1).

    Errors:
        ArgumentError: fewer than two views, or than key views; fewer than one key view.

    Papers: MoCo v3, https://arxiv.org/abs/2104.02057; CACR, https://arxiv.org/abs/2105.03746.
    """

    steps: Tensor

    def __init__(
        self,
        encoder: nn.Module,
        head: nn.Module,
        predictor: nn.Module,
        objective: PredictedObjective,
        *,
        key_views: int = 2,
        momentum: float = 0.996,
        chance: Chance | None = None,
    ) -> None:
        super().__init__(chance=chance)
        if key_views < 1:
            raise ArgumentError(f"key_views must be at least 1, got {key_views}; without keys there is no target.")
        self.encoder, self.head, self.predictor = encoder, head, predictor
        self.teacher = Teacher(nn.Sequential(encoder, head), momentum=momentum)
        self.register_buffer("steps", torch.zeros((), dtype=torch.long))  # seeds the shuffling of keys
        self.objective, self.key_views = objective, key_views

    def before_step(self) -> None:
        self.teacher.update(nn.Sequential(self.encoder, self.head))

    def check_views(self, count: int) -> None:
        wanted = max(2, self.key_views)
        if count < wanted:
            raise ArgumentError(
                f"This method needs at least {wanted} views of each sample, {self.key_views} of them for keys; "
                f"got {count}."
            )

    def forward(self, batch: Batch) -> Step:
        self.check_views(len(batch.views))
        z = embed_views(nn.Sequential(self.encoder, self.head), batch.views)  # (V, B, D)
        p = self.predictor(z.flatten(0, 1)).view_as(z)  # (V, B, D), all views in one batch normalisation
        with torch.no_grad():
            seen = batch.views[: self.key_views]
            keys = [shuffled(self.teacher, view, seed=self.steps) for view in seen]  # U times (B, D)
            k = gather(F.normalize(torch.stack(keys).float(), dim=-1), dim=1)  # (U, W·B, D)
        rows = own_rows(batch.size, device=z.device)
        loss = self.objective(gather(p, dim=1), k, rows)
        return Step(loss, z.detach().flatten(0, 1), by_towers(k.shape[1], device=z.device))

    def companions(self) -> dict[str, nn.Module]:
        return {"teacher": self.teacher.model.get_submodule("0")}

    def after_step(self, steps: Sequence[Step]) -> None:
        self.steps += 1
