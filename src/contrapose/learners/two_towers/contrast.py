"""Two towers: both sides of a sample are embedded, and each looks for the other among all."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from contrapose.data.batch import Batch
from contrapose.distributed import gather, own_rows
from contrapose.encoders.capabilities import check_capable
from contrapose.errors import ArgumentError
from contrapose.learners.learner import Chance, Learner, Step
from contrapose.learners.two_towers.companions import Companion, Sides
from contrapose.pairing import by_towers
from contrapose.view import join

# (weak (2, B, D), strong (2, V, B, D) or None, scales (heads,), bias or None, rows of this process) -> loss
TwoSidedObjective = Callable[[Tensor, Tensor | None, Tensor, Tensor | None, Tensor | None], Tensor]
FIRST_SIGMOID = (math.log(10.0), -10.0)
"""The logarithm of the scale and the bias that the sigmoid loss begins with (SigLIP, arXiv 2303.15343)."""


class TwoTowerContrast(Learner):
    """Pictures and words of a batch, weak views with weak ones and strong views with strong ones (CLIP and its recipe).

        f, g = towers(view),   z_w = weak heads(f, g),   z_s = strong heads(f, g)
        loss = objective(z_w, z_s, exp(learned scales)) + weight * companion(f, g, z_s)

    The first view is weak: it passes the weak heads, and the second tower without dropout. All others are strong. Where
    the encoder has one head a side, strong views pass that, with its scale. After each step of the optimiser the scales
    are brought back between 1 and 100.

    Shapes:
        views: 1 + V, of two sides and B samples each.

    Arguments:
        encoder: with two towers (`encoders.capabilities.TwoTowers`); exported whole, heads and scales among it.
        objective: see `TwoSidedObjective`.
        sigmoid: whether there is a learned bias, and first values as of SigLIP.
        companion: a loss besides, without negatives; weight: its factor.

    Errors:
        ArgumentError: an encoder without two towers; another number of views than the companion takes.

    Papers: CLIP, https://arxiv.org/abs/2103.00020; its recipe, https://arxiv.org/abs/2305.08675
    """

    def __init__(
        self,
        encoder: nn.Module,
        objective: TwoSidedObjective,
        *,
        sigmoid: bool = False,
        companion: Companion | None = None,
        weight: float = 1.0,
        chance: Chance | None = None,
    ) -> None:
        super().__init__(chance=chance)
        check_capable(encoder, "two towers", asker=type(self).__name__)
        self.encoder = encoder
        self.objective, self.companion, self.weight = objective, companion, weight
        self.bias = nn.Parameter(torch.tensor(FIRST_SIGMOID[1])) if sigmoid else None
        if sigmoid:
            with torch.no_grad():
                self._towers.log_scales.fill_(FIRST_SIGMOID[0])

    @property
    def _towers(self) -> Any:
        return self.encoder

    def check_views(self, count: int) -> None:
        if count < 1:
            raise ArgumentError(f"This method needs a view of each sample at least, got {count}.")
        if self.companion is not None:
            self.companion.check_views(count - 1)

    def forward(self, batch: Batch) -> Step:
        self.check_views(len(batch.views))
        weak, strong = batch.views[0], batch.views[1:]
        weak_features: Sides = self._towers.features(weak, dropout=False)  # (B, F), (B, G)
        strong_features = self._strong(strong)  # (V·B, F), (V·B, G)
        z = torch.stack(self._towers.projected(weak_features, 0))  # (2, B, D)
        rows = own_rows(batch.size, device=z.device)
        everybody = gather(z, dim=1)  # (2, W·B, D)
        every_strong = None
        if strong_features is not None:
            of_strong = torch.stack(self._towers.projected(strong_features, self._towers.heads - 1))  # (2, V·B, D)
            every_strong = gather(of_strong.unflatten(1, (len(strong), batch.size)), dim=2)  # (2, V, W·B, D)
        scales = self._towers.log_scales.exp()  # (heads,)
        loss = self.objective(everybody, every_strong, scales, self.bias, rows)  # ()
        log: dict[str, Tensor | float] = {"scale": scales[0].detach()}
        if self.companion is not None:
            beside = self.companion(batch.views, weak_features, strong_features, every_strong, scales[-1])  # ()
            log |= {"contrast_loss": loss.detach(), "companion_loss": beside.detach()}
            loss = loss + self.weight * beside
        pairing = by_towers(everybody.shape[1], device=z.device)
        scores = None if self.companion is None else self.companion.prototype_scores
        return Step(loss, z.detach().flatten(0, 1), pairing, log, prototype_scores=scores)

    def _strong(self, views: Sequence[Any]) -> Sides | None:
        """All strong views in a pass of their own, so that normalisation never mixes them with weak ones."""
        return self._towers.features(join(views)) if views else None

    def after_backward(self) -> None:
        if self.companion is not None:
            self.companion.after_backward()

    def after_step(self, steps: Sequence[Step]) -> None:
        self._towers.clamp_scales()
        if self.companion is not None:
            self.companion.follow(self.encoder)
