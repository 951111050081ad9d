"""A picture of the loss around the weights: its values on a plane through them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from contrapose.errors import ArgumentError
from contrapose.robustness.directions import evaluating, filter_normalized, moved
from contrapose.robustness.sharpness import Loss


@dataclass(frozen=True)
class Landscape:
    """Losses on a grid.

    Arguments:
        places: `(P,)` coordinates along either direction; 1 is as far as each filter is long.
        losses: `(P, P)`; the row is the place along the first direction.
    """

    places: Tensor
    losses: Tensor


def landscape(
    model: nn.Module, loss: Loss, *, generator: torch.Generator, points: int = 25, reach: float = 1.0
) -> Landscape:
    """The loss at w + a d_1 + b d_2 for a, b on a grid, in evaluation mode, with two filter-normalised directions.

    Arguments:
        points: P, places along either side, an odd number, so that the weights themselves are in the middle. 25 in the
            literature, which is 625 losses.
        reach: the grid goes from minus to plus this.

    Errors:
        ArgumentError: an even number of points or fewer than 3, or a reach that is not above 0.

    Paper: Li et al. 2018, https://arxiv.org/abs/1712.09913.
    """
    if points < 3 or points % 2 == 0:
        raise ArgumentError(f"points must be an odd number from 3 up, got {points}; 25 is usual.")
    if not reach > 0:
        raise ArgumentError(f"reach must be above 0, got {reach}; 1 is usual.")
    first, second = (filter_normalized(model, generator=generator) for _ in range(2))
    places = torch.linspace(-reach, reach, points, dtype=torch.float64)  # (P,)
    places[points // 2] = 0.0
    losses = torch.empty(points, points, dtype=torch.float64)  # (P, P)
    with evaluating(model), torch.no_grad():
        for row, a in enumerate(places.tolist()):
            for column, b in enumerate(places.tolist()):
                with moved(model, (a, first), (b, second)):
                    losses[row, column] = float(loss())
    return Landscape(places, losses)
