"""A number to be predicted, on the scale of 0 to 100: what learners of numbers share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from contrapose.data.samples import NUMBER
from contrapose.errors import ArgumentError, DataError

FULL = 100.0
"""The largest number of the training data, on the scale that losses see; the smallest is 0."""


class NumberScale(nn.Module):
    """The range of the training data's numbers, found once and kept in checkpoints.

        scaled = 100 (y - lowest) / (highest - lowest)

    A unit of the scale is one per cent of the range, whatever the number's own unit is: a window and a weight mean the
    same for ages and for prices. Numbers outside of the range (of other data) lie outside of 0 to 100.

    Shapes:
        lowest, highest: `()` float64, NaN until they are known.
    """

    lowest: Tensor
    highest: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("lowest", torch.tensor(torch.nan, dtype=torch.float64))
        self.register_buffer("highest", torch.tensor(torch.nan, dtype=torch.float64))

    @property
    def known(self) -> bool:
        """Whether the range was found."""
        return bool(self.lowest.isfinite())

    def find(self, numbers: Any) -> None:
        """Take the range of `(N,)` numbers; NaN are those that nobody knows.

        Errors:
            DataError: no two different numbers.
        """
        values = np.asarray(numbers.cpu() if isinstance(numbers, Tensor) else numbers, dtype=np.float64)  # (N,)
        values = values[np.isfinite(values)]
        if len(values) == 0 or values.min() == values.max():
            what = f"are all {values[0]:g}" if len(values) else "are all missing"
            raise DataError(f"The numbers to learn from {what}: there is no order in them. Name another column.")
        self.lowest.fill_(float(values.min()))
        self.highest.fill_(float(values.max()))

    def forward(self, numbers: Tensor) -> Tensor:
        """Numbers `(B,)` on the scale; of data that were never looked at as a whole, this batch gives the range."""
        if not self.known:
            self.find(numbers)
        return FULL * (numbers.double() - self.lowest) / (self.highest - self.lowest)


def number_in(targets: Mapping[str, Any]) -> Any:
    """The numbers `(B,)` among the targets of a batch or of a data set, NaN where nobody knows them.

    Errors:
        ArgumentError: there are none.
    """
    if NUMBER not in targets:
        raise ArgumentError(
            "This method learns from a number of each sample, and the data has none. Name its column with "
            "--number-column, or choose a method without a number."
        )
    return targets[NUMBER]
