"""In which range numbers lie, found block by block and without a copy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from contrapose.preparation import Kind

BITS = tuple(2.0**bits - 1 for bits in range(8, 17))
LEVELS = {  # at which a data set may be white, and what resampling may overshoot it by
    "integers": BITS,
    "floats": (*(2.0**power for power in range(-16, 1)), 1.25, 255.0, 1.25 * 255, *BITS[1:]),
}
DEEPEST = BITS[-1]
BLOCK = 1 << 22  # values looked at a time


@dataclass(frozen=True)
class PixelRange:
    """Extremes of some values, and how many of them lie above certain levels.

    Arguments:
        low, high: of the finite values.
        count: how many values there are.
        negative: how many are below 0.
        wrong: how many are NaN or infinite.
        above: level -> how many values are larger.
    """

    low: float
    high: float
    count: int
    negative: int
    wrong: int
    above: dict[float, int]

    def __add__(self, other: PixelRange) -> PixelRange:
        return PixelRange(
            min(self.low, other.low),
            max(self.high, other.high),
            self.count + other.count,
            self.negative + other.negative,
            self.wrong + other.wrong,
            {level: count + other.above[level] for level, count in self.above.items()},
        )

    def share_above(self, level: float) -> float:
        """The share of values above a level: exact at those that were counted at, else at most that share."""
        if self.high <= level:
            return 0.0
        return self.above[max(known for known in self.above if known <= level)] / max(1, self.count)


def kind_of(dtype: np.dtype) -> Kind:
    """Whether numbers of this type are whole."""
    return "floats" if dtype.kind == "f" else "integers"


def range_of(values: np.ndarray, extra: Sequence[float] = ()) -> PixelRange:
    """The range of the numbers in an array of any shape, at the `LEVELS` of its kind and some others."""
    levels = (*LEVELS[kind_of(values.dtype)], *extra)
    found = PixelRange(np.inf, -np.inf, 0, 0, 0, dict.fromkeys(levels, 0))
    rows = max(1, BLOCK // max(1, values[:1].size))
    for start in range(0, len(values), rows):
        found += _range_of_block(values[start : start + rows], levels)
    return found


def _range_of_block(block: np.ndarray, levels: Sequence[float]) -> PixelRange:
    wrong = 0
    if block.dtype.kind == "f":
        finite = np.isfinite(block)
        wrong = int(finite.size - np.count_nonzero(finite))
        block = block[finite] if wrong else block
        block = block.astype(np.float32) if block.dtype.itemsize < 4 else block  # float16 ends below 65535
    if not block.size:
        return PixelRange(np.inf, -np.inf, wrong, 0, wrong, dict.fromkeys(levels, 0))
    low, high = float(block.min()), float(block.max())
    above = {}
    for level in levels:
        bound = level if block.dtype.kind == "f" else int(level)  # whole numbers above 4.5 are those above 4
        above[level] = 0 if high <= level else block.size if low > level else int(np.count_nonzero(block > bound))
    negative = int(np.count_nonzero(block < 0)) if low < 0 else 0
    return PixelRange(low, high, block.size + wrong, negative, wrong, above)
