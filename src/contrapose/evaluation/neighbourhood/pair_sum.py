"""The mean of exp(-scale d^2) over pairs of unit rows, from tiles of their products as these come."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch


class PairSum:
    """Adds up what uniformity is the logarithm of.

    Arguments:
        scale: the t of uniformity.
    """

    def __init__(self, scale: float) -> None:
        self.scale = scale
        self.pairs = 0
        self.total = -math.inf  # of logarithms

    def __call__(self, tile: Any, shift: np.ndarray) -> None:
        """Take a tile `(t, M)` of products, which with `(t,)` shifts are cosines of pairs not seen before."""
        exponents = torch.from_numpy(tile).mul(2 * self.scale)  # (t, M): -scale d^2 = 2 scale (cos - 1)
        rows = exponents.logsumexp(dim=1).double() + 2 * self.scale * (torch.from_numpy(shift) - 1)  # (t,)
        self.total = float(np.logaddexp(self.total, float(rows.logsumexp(dim=0))))
        self.pairs += tile.size

    @property
    def value(self) -> float:
        """The uniformity of all pairs seen."""
        return self.total - math.log(self.pairs)
