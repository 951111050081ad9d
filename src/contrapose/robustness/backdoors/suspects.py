"""Which class is suspect: the one that predictions pile up on once pictures are disturbed without any aim."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor

from contrapose.errors import ArgumentError

CANDIDATES = 3
"""Classes that are looked into where the first does not stand out."""
CLEAR = 2.0
"""The first stands out where it rises by so many times as much as the second."""


@dataclass(frozen=True)
class Suspects:
    """How predictions moved from clean pictures to disturbed ones.

    Shapes:
        before, after: `(K,)`, the share of the pictures in each class.
    """

    before: Float[np.ndarray, " K"]
    after: Float[np.ndarray, " K"]

    @classmethod
    def of(cls, clean: Int64[Tensor, "N"], disturbed: Int64[Tensor, "N"], classes: int) -> Suspects:
        """From the predicted classes of the same pictures, both ways.

        Errors:
            ArgumentError: no picture, or different numbers of them.
        """
        if len(clean) != len(disturbed) or not len(clean):
            raise ArgumentError(f"Give predictions of the same pictures, got {len(clean)} and {len(disturbed)}.")
        counts = [torch.bincount(one.cpu(), minlength=classes).double() for one in (clean, disturbed)]  # (K,) each
        before, after = ((each / len(clean)).numpy() for each in counts)
        return cls(before, after)

    @property
    def rises(self) -> Float[np.ndarray, " K"]:
        """By how much each class's share has risen, 1 being all pictures."""
        return self.after - self.before

    @property
    def gained(self) -> Float[np.ndarray, " K"]:
        """The rise as a share of what was left to gain: a class that has half of the pictures cannot rise by more than
        half. 0 of a class that had them all."""
        left = 1 - self.before  # (K,)
        return np.divide(self.rises, left, out=np.zeros_like(left), where=left > 0)

    @property
    def order(self) -> list[int]:
        """All classes, the one that rose most first; of equals the one of lower number."""
        return np.argsort(-self.rises, kind="stable").tolist()

    @property
    def clear(self) -> bool:
        """Whether the first rose by twice as much as the second."""
        first, second = (self.rises[number] for number in self.order[:2])
        return bool(first > 0 and first >= CLEAR * second)

    def candidates(self) -> Sequence[int]:
        """The classes to look for a trigger of: the first, or the first three where it does not stand out."""
        return self.order[:1] if self.clear else self.order[:CANDIDATES]

    def looked_into(self, others: int) -> Sequence[int]:
        """The candidates, and behind them so many other classes (evenly over the rest of the order), which tell how
        easy it is to come to a class that nobody planted."""
        first = list(self.candidates())
        rest = self.order[len(first) :]
        asked = min(len(rest), max(0, others + 1 - len(first)))
        return [*first, *(rest[place * len(rest) // asked] for place in range(asked))]
