"""What trains two towers beside their contrast, without negatives: BarLIP, SiamLIP, BYOLIP, SwALIP.

SwALIP with prototypes is in `shared_prototypes.py`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from contrapose.distributed import gather
from contrapose.encoders import Teacher
from contrapose.errors import ArgumentError
from contrapose.view import join

Sides = tuple[Tensor, Tensor]
# (first (B, D), second (B, D)) -> loss
OfTwo = Callable[[Tensor, Tensor], Tensor]


class Companion(nn.Module):
    """A loss of the features of both sides, over the weak views and over all combinations of strong ones.

    Attributes:
        prototype_scores: `(N, K)` detached logits of the last rows against prototypes; None without such.

    Shapes:
        views: 1 + V of two sides; weak: `(B, F)` and `(B, G)`; strong: `(V·B, F)` and `(V·B, G)`, None where V = 0;
        embedded: `(2, V, W·B, D)`, what the strong heads made of all processes' views; scale: `()`; returns `()`.
    """

    prototype_scores: Tensor | None = None

    def forward(
        self, views: Sequence[Any], weak: Sides, strong: Sides | None, embedded: Tensor | None, scale: Tensor
    ) -> Tensor:
        raise NotImplementedError(f"{type(self).__name__} must give its loss.")

    def check_views(self, strong: int) -> None:
        """Pass a number of strong views."""

    def after_backward(self) -> None:
        """Called when a gradient is complete: the place to drop part of it."""

    def follow(self, encoder: nn.Module) -> None:
        """Called when the optimiser has moved the encoder: the place to move a slow copy."""


class Redundancy(Companion):
    """BarLIP: dimension by dimension the sides agree, and dimensions do not repeat each other.

    Projectors of three layers, normalised over the batch at their end.

    Arguments:
        dimensions: F and G; hidden, width: of the projectors. objective: of two standardised sides.
    """

    def __init__(self, dimensions: Sequence[int], objective: OfTwo, *, hidden: int, width: int) -> None:
        super().__init__()
        self.objective = objective
        self.projectors = nn.ModuleList(
            nn.Sequential(_mlp(side, hidden, width, layers=3), nn.BatchNorm1d(width)) for side in dimensions
        )

    def forward(
        self, views: Sequence[Any], weak: Sides, strong: Sides | None, embedded: Tensor | None, scale: Tensor
    ) -> Tensor:
        parts = [tuple(net(f) for net, f in zip(self.projectors, weak, strict=True))]  # (B, D) each
        losses = [self.objective(*(gather(z) for z in parts[0]))]
        if strong is not None:
            count = len(views) - 1
            first, second = (net(f).chunk(count) for net, f in zip(self.projectors, strong, strict=True))  # V of (B, D)
            losses += [self.objective(gather(one), gather(other)) for one, other in product(first, second)]
        return torch.stack(losses).mean()


class Prediction(Companion):
    """SiamLIP: each side predicts the other, which stands still; BYOLIP: the other of a slow copy of the whole model.

    Arguments:
        dimensions: F and G; hidden, width: of projectors and predictors.
        momentum: of the slow copy; None: no copy, SiamLIP.
        encoder: whose copy that is.
    """

    def __init__(
        self,
        dimensions: Sequence[int],
        objective: OfTwo,
        *,
        hidden: int,
        width: int,
        momentum: float | None = None,
        encoder: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.objective = objective
        self.projectors = nn.ModuleList(
            nn.Sequential(_mlp(side, hidden, width, layers=2), nn.BatchNorm1d(width, affine=False))
            for side in dimensions
        )
        self.predictors = nn.ModuleList(_mlp(width, hidden, width, layers=2) for _ in dimensions)
        self.teacher = None
        if momentum is not None and encoder is not None:
            self.teacher = Teacher(nn.ModuleDict({"encoder": encoder, "projectors": self.projectors}), momentum)

    def forward(
        self, views: Sequence[Any], weak: Sides, strong: Sides | None, embedded: Tensor | None, scale: Tensor
    ) -> Tensor:
        losses = self._both_ways(weak, self._targets(views[0], weak, dropout=False), 1)
        if strong is not None:
            losses += self._both_ways(strong, self._targets(join(views[1:]), strong, dropout=True), len(views) - 1)
        return torch.stack(losses).mean()

    def _both_ways(self, features: Sides, targets: Sides, views: int) -> list[Tensor]:
        """What the first side predicts of the second and the reverse, all views with all."""
        predicted = []
        for predictor, projector, side in zip(self.predictors, self.projectors, features, strict=True):
            predicted.append(predictor(projector(side)).chunk(views))  # V of (B, D)
        one, other = (target.chunk(views) for target in targets)  # V of (B, D) each
        pairs = [*product(predicted[0], other), *product(predicted[1], one)]
        return [self.objective(p, v) for p, v in pairs]

    def _targets(self, view: Any, features: Sides, *, dropout: bool) -> Sides:
        """Of both sides, without gradient, `(V·B, D)` each."""
        with torch.no_grad():
            if self.teacher is None:
                networks: Any = self.projectors
            else:
                slow: Any = self.teacher.model
                features, networks = slow["encoder"].features(view, dropout=dropout), slow["projectors"]
            first, second = (network(side) for network, side in zip(networks, features, strict=True))
        return first, second

    def follow(self, encoder: nn.Module) -> None:
        if self.teacher is not None:
            self.teacher.update(nn.ModuleDict({"encoder": encoder, "projectors": self.projectors}))


class Assignment(Companion):
    """SwALIP: which sample of the one side goes with which of the other, predicted from other views of both.

    Arguments:
        objective: `(first (2, B, D), second (2, B, D), temperature) -> loss`.
    """

    VIEWS: ClassVar[int] = 2

    def __init__(self, objective: Callable[[Tensor, Tensor, Tensor], Tensor]) -> None:
        super().__init__()
        self.objective = objective

    def check_views(self, strong: int) -> None:
        if strong != self.VIEWS:
            raise ArgumentError(
                f"Swapped assignments need 2 strong views beside the weak one, and there are {strong}: 3 views of each "
                "sample."
            )

    def forward(
        self, views: Sequence[Any], weak: Sides, strong: Sides | None, embedded: Tensor | None, scale: Tensor
    ) -> Tensor:
        assert embedded is not None, "there are strong views"
        return self.objective(embedded[0], embedded[1], 1 / scale)


def two_layers(inputs: int, hidden: int, outputs: int) -> nn.Sequential:
    """A projector: two linear maps with batch normalisation and ReLU between them."""
    return _mlp(inputs, hidden, outputs, layers=2)


def _mlp(inputs: int, hidden: int, outputs: int, *, layers: int) -> nn.Sequential:
    """Linear maps with batch normalisation and ReLU between them; the last one without a bias."""
    parts: list[nn.Module] = []
    for _ in range(layers - 1):
        parts += [nn.Linear(inputs, hidden, bias=False), nn.BatchNorm1d(hidden), nn.ReLU()]
        inputs = hidden
    return nn.Sequential(*parts, nn.Linear(inputs, outputs, bias=False))
