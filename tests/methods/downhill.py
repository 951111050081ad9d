"""What "it trains" means in a test: the loss of one fixed batch, before and after enough steps, in either precision."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from contrapose.data import Batch
from contrapose.encoders import build
from contrapose.methods.method import Method

PRECISIONS = ("float32", "bfloat16")
both_precisions = pytest.mark.parametrize("precision", PRECISIONS)


def losses_of_one_batch(
    method: Method,
    precision: str,
    *,
    views: int = 2,
    steps: int = 30,
    watch: tuple[str, ...] = ("loss",),
    targets: Mapping[str, Tensor] | None = None,
) -> dict[str, list[float]]:
    """The method's losses on the same views of the same 16 pictures, step after step; nothing is drawn anew.

    The random crops of a run make the loss of one step differ from the next by more than a few steps can lower it.
    """
    encoder = build("small_conv", channels=3, image_size=8, seed=0, widths=[8, 8])
    learner: Any = method.new_learner(encoder).train()
    random = torch.Generator().manual_seed(0)
    pictures = torch.rand(16, 3, 8, 8, generator=random)
    made = [(pictures + 0.1 * torch.randn(pictures.shape, generator=random)).clamp(0, 1) for _ in range(views)]
    batch = Batch(views=tuple(made), indices=torch.arange(16), targets=targets)
    parameters = [parameter for parameter in learner.parameters() if parameter.requires_grad]
    optimizer = torch.optim.Adam(parameters, lr=1e-3)
    seen: dict[str, list[float]] = {name: [] for name in watch}
    for _ in range(steps):
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=precision == "bfloat16"):
            step = learner(batch)
        optimizer.zero_grad()
        step.loss.backward()
        nn.utils.clip_grad_norm_(parameters, 10.0)
        optimizer.step()
        learner.after_step([step])
        for name in watch:
            seen[name].append(float((step.loss if name == "loss" else step.log[name]).detach()))
    return seen


def goes_downhill(losses: list[float]) -> bool:
    """The mean of the last fifth is below that of the first fifth."""
    few = max(1, len(losses) // 5)
    return sum(losses[-few:]) < sum(losses[:few])
