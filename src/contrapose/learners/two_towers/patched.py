"""Two towers that are contrasted with patches on some of their pictures, so that patches come to mean less."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from contrapose.data.batch import Batch
from contrapose.distributed import rank
from contrapose.errors import ArgumentError
from contrapose.learners.learner import Step
from contrapose.learners.two_towers.contrast import TwoTowerContrast
from contrapose.paired import Paired
from contrapose.robustness import paste


class PatchedContrast(TwoTowerContrast):
    """`TwoTowerContrast` of pictures some of which wear a patch; words stay as they are.

        x_b <- m_k P_k + (1 - m_k) x_b     of the rows b with floor((b + 1) s) > floor(b s), k = floor(b s) modulo K

    so a share s of every batch is patched, evenly spaced, and patches take turns. Nothing is drawn, for batches are
    shuffled already; processes patch the rows that one process would. All views of a picture wear the same patch, at
    its own place whatever the view has cut off, as an attacker pastes it on what the towers are shown.

    Shapes:
        views: as of `TwoTowerContrast`, pictures `(B, C, H, W)` uint8 or in [0, 1].

    Arguments:
        encoder, objective, options: as of `TwoTowerContrast`.
        patches: K of them, `(C, H, W)` in [0, 1], each with its mask `(1, H, W)`.
        share: of each batch that is patched, s.

    Errors:
        ArgumentError: no patch, or a share outside (0, 1].

    Closed form: with a share of a half the second, fourth, ... row is patched.
    """

    remedy: ClassVar[str] = "Lower --learning-rate"

    def __init__(
        self,
        encoder: nn.Module,
        objective: Any,
        patches: Sequence[tuple[Float[Tensor, "C H W"], Float[Tensor, "1 H W"]]],
        *,
        share: float = 0.5,
        **options: Any,
    ) -> None:
        super().__init__(encoder, objective, **options)
        if not patches:
            raise ArgumentError("PatchedContrast needs one patch at least.")
        if not 0 < share <= 1:
            raise ArgumentError(f"The share of pictures that are patched must lie in (0, 1], got {share:g}.")
        self.share, self.count = share, len(patches)
        for number, (patch, mask) in enumerate(patches):
            self.register_buffer(f"patch_{number}", patch.clone())
            self.register_buffer(f"mask_{number}", mask.clone())

    def worn(self, size: int) -> list[int]:
        """Which patch each row of this process's batch wears; -1: none."""
        first = rank() * size
        steps = [math.floor(row * self.share + 1e-9) for row in range(first, first + size + 1)]
        return [one % self.count if other > one else -1 for one, other in pairwise(steps)]

    def forward(self, batch: Batch) -> Step:
        worn = torch.tensor(self.worn(batch.size))  # (B,)
        views = tuple(Paired(self.patched(view.first, worn), view.second) for view in batch.views)
        step = super().forward(replace(batch, views=views))
        return replace(step, log={**step.log, "patched": float((worn >= 0).float().mean())})

    def patched(self, x: Tensor, worn: Tensor) -> Float[Tensor, "B C H W"]:
        """Pictures in [0, 1] with their patches on."""
        made = x.float() / 255 if x.dtype == torch.uint8 else x.clone()  # (B, C, H, W)
        for number in range(self.count):
            rows = (worn == number).nonzero().flatten().to(made.device)  # (n,)
            if len(rows):
                made[rows] = paste(made[rows], getattr(self, f"patch_{number}"), getattr(self, f"mask_{number}"))
        return made
