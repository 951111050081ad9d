"""Plain regression: what contrast over a number is compared with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import nn

from contrapose.data.batch import Batch
from contrapose.distributed import gather
from contrapose.learners.embed_views import embed_views
from contrapose.learners.learner import Learner, Step
from contrapose.learners.number_scale import FULL, NumberScale, number_in
from contrapose.pairing import by_views


class Regressor(Learner):
    """An encoder with a linear layer on top, trained by the absolute error of every view.

        loss = mean over views v and samples b with a number of |w·encoder(x_vb) + c - y_b|,   y from 0 to 100

    It sees as many samples a step as a contrastive learner with the same views, so that their budgets are equal. The
    layer's answer is on the scale of 0 to 1, and is brought to that of y, so that first errors are of the size of the
    data's spread.

    Shapes:
        views: V of B samples; answers `(V, B)`.

    Arguments:
        dimension: of the encoder's output.

    Errors:
        ArgumentError: data without a number.
    """

    contrasts: ClassVar[bool] = False

    def __init__(self, encoder: nn.Module, *, dimension: int) -> None:
        super().__init__()
        self.encoder, self.scale = encoder, NumberScale()
        self.head = nn.Linear(dimension, 1)

    def see_targets(self, targets: Mapping[str, Any]) -> None:
        self.scale.find(number_in(targets))

    def forward(self, batch: Batch) -> Step:
        own = number_in(batch.targets)  # (B,)
        if not self.scale.known:
            self.scale.find(gather(own))
        numbers = self.scale(own)  # (B,)
        z = embed_views(self.encoder, batch.views)  # (V, B, D)
        answers = FULL * self.head(z).squeeze(2)  # (V, B)
        known = numbers.isfinite()  # (B,)
        errors = (answers[:, known].to(numbers.dtype) - numbers[known]).abs()  # (V, b)
        counts = gather(known.sum().double().unsqueeze(0))  # (W,) processes may know different numbers of samples
        loss = errors.sum() / len(z) * len(counts) / counts.sum().clamp(min=1)
        log: dict[str, torch.Tensor | float] = {"training_error": torch.nan_to_num(errors.mean()).detach()}
        pairing = by_views(len(z), batch.size * len(counts), device=z.device)
        return Step(loss.float(), z.detach().flatten(0, 1), pairing, log)
