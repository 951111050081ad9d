"""What both sides are assigned to in common: the first version of SwALIP."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from contrapose.distributed import gather
from contrapose.errors import ArgumentError
from contrapose.learners.two_towers.companions import Companion, Sides, two_layers


class SharedPrototypes(Companion):
    """SwALIP with prototypes: each side predicts which of K prototypes, the same for both, the other is assigned to.

        c_k = d_k / ||d_k||                                        directions d are learned, their lengths are not
        s_f = u(projector_f(f)) C^T,   s_g = u(projector_g(g)) C^T
        loss = mean of objective(s_f, s_g) over the weak pair and all combinations of strong views
        the first steps: the directions' gradient is dropped, so that neither momentum nor decay moves them

    The length of a direction is taken out within the graph, so that its gradient has no part along it.

    Shapes:
        d: `(K, D)`; scores: `(2, W·B, K)`, of both sides of all processes.

    Arguments:
        dimensions: F and G; hidden, width: of the projectors of two layers, one a side.
        objective: scores of both sides to a loss.
        prototypes: K.
        freeze: steps in which the prototypes stand still.
        temperature: of the predictions; here only for the verdict on the scores.
        generator: draws the first directions.

    Errors:
        ArgumentError: fewer than two prototypes, a negative number of steps.

    Papers: https://arxiv.org/abs/2305.08675; SwAV, https://arxiv.org/abs/2006.09882
    """

    steps: Tensor

    def __init__(
        self,
        dimensions: Sequence[int],
        objective: Callable[[Tensor], Tensor],
        *,
        hidden: int,
        width: int,
        prototypes: int,
        freeze: int = 0,
        temperature: float = 0.1,
        generator: torch.Generator | None = None,
    ) -> None:
        for name, value, least in (("prototypes", prototypes, 2), ("freeze", freeze, 0)):
            if value < least:
                raise ArgumentError(f"{name} is {value}; it must be {least} or more.")
        super().__init__()
        self.objective, self.freeze, self.temperature = objective, freeze, temperature
        self.projectors = nn.ModuleList(two_layers(side, hidden, width) for side in dimensions)
        self.directions = nn.Parameter(torch.randn(prototypes, width, generator=generator))  # (K, D)
        self.register_buffer("steps", torch.zeros((), dtype=torch.long))

    def forward(
        self, views: Sequence[Any], weak: Sides, strong: Sides | None, embedded: Tensor | None, scale: Tensor
    ) -> Tensor:
        prototypes = functional.normalize(self.directions, dim=1)  # (K, D)
        (of_first,), (of_second,) = (self._scores(number, f, 1, prototypes) for number, f in enumerate(weak))
        parts = [(of_first, of_second)]
        if strong is not None:
            count = len(views) - 1
            first, second = (self._scores(number, f, count, prototypes) for number, f in enumerate(strong))
            parts += list(product(first, second))
        self.prototype_scores = torch.cat([of_first, of_second]).detach() / self.temperature  # (2·W·B, K)
        return torch.stack([self.objective(torch.stack(pair)) for pair in parts]).mean()

    def _scores(self, side: int, features: Tensor, views: int, prototypes: Tensor) -> list[Tensor]:
        """Cosines of each view of all processes with the prototypes, V of `(W·B, K)`, in float32 at least."""
        z = self.projectors[side](features)  # (V·B, D)
        unit = functional.normalize(z.to(torch.promote_types(z.dtype, torch.float32)), dim=1)  # (V·B, D)
        with torch.autocast(unit.device.type, enabled=False):
            return [gather(part) @ prototypes.to(unit.dtype).T for part in unit.chunk(views)]

    def after_backward(self) -> None:
        if int(self.steps) < self.freeze:
            self.directions.grad = None  # not zeros, which momentum and weight decay would act upon

    def follow(self, encoder: nn.Module) -> None:
        self.steps += 1
