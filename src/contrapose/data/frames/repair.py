"""Which sequences can be used, and what is filled in where a joint was not seen for a moment."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from contrapose.data.ragged import Ragged
from contrapose.words import counted, percent

MOST_MISSING = 0.25
"""Share of the frames of a sequence in which a number may be missing to be filled [design]: a joint that was hidden for
a moment is between where it was seen before and after; more would be made up."""
LARGEST = 1e30  # a number behind it does not survive the squares of a float32


@dataclass(frozen=True)
class Repaired:
    """What became of some sequences.

    Arguments:
        sequences: the same number of them, numbers filled in.
        unusable: why one cannot be used, by its row.
        filled: `(N,)` bool, in which of the others something was filled in.
        missing: share of the numbers of these that was.
    """

    sequences: Ragged
    unusable: dict[int, str]
    filled: np.ndarray
    missing: float

    def notes(self) -> list[str]:
        """A sentence on what was filled in."""
        count = int(self.filled.sum())
        if not count:
            return []
        return [
            f"{counted(count, 'sequence')} with missing numbers ({percent(self.missing)} of theirs): filled in time, "
            "by a straight line between the frames beside them."
        ]


def repaired(sequences: Ragged) -> Repaired:
    """Empty sequences, those of nothing but zeros and those with too much missing are set aside; gaps are filled.

    A number is missing that is NaN, infinite, or beyond 1e30. Nothing is copied where none is.
    """
    values, pointers, lengths = sequences.values, sequences.pointers, sequences.lengths
    flat = values.reshape(len(values), -1)  # (S, F), of a memory map a memory map
    there = np.zeros(len(sequences), bool)  # (N,), anything but zeros
    lacking: list[int] = []
    for row in np.flatnonzero(lengths).tolist():
        own = flat[pointers[row] : pointers[row + 1]]  # (T, F)
        there[row] = bool(own.any())
        if own.dtype.kind == "f" and not (np.abs(own) < LARGEST).all():
            lacking.append(row)
    unusable = {int(row): "no frames" for row in np.flatnonzero(lengths == 0)}
    unusable |= {int(row): "all zeros" for row in np.flatnonzero((lengths > 0) & ~there)}
    filled, missing, numbers = np.zeros(len(sequences), bool), 0, 0
    if lacking:
        flat = np.array(flat)
    for row in lacking:
        part = slice(pointers[row], pointers[row + 1])
        known = np.isfinite(flat[part]) & (np.abs(flat[part]) < LARGEST)  # (T, F)
        worst = float((~known).mean(axis=0).max())
        if worst > MOST_MISSING:
            unusable[row] = f"{_where(known, values.shape[1:])} is missing in {percent(worst)} of its frames"
            continue
        flat[part] = _filled(flat[part], known)
        filled[row], missing, numbers = True, missing + int((~known).sum()), numbers + known.size
    whole = Ragged(flat.reshape(values.shape), pointers) if lacking else sequences
    return Repaired(whole, unusable, filled, missing / max(numbers, 1))


def _filled(own: np.ndarray, known: np.ndarray) -> np.ndarray:
    """`(T, F)`: each column by a straight line between what is known, held before the first and behind the last."""
    own, time = own.copy(), np.arange(len(own))
    for column in np.flatnonzero(~known.all(axis=0)):
        seen = known[:, column]
        own[:, column] = np.interp(time, time[seen], own[seen, column])
    return own


def _where(known: np.ndarray, shape: tuple[int, ...]) -> str:
    """The joint or channel that is missing most."""
    column = int((~known).mean(axis=0).argmax())
    return f"joint {column // shape[1]}" if len(shape) == 2 else f"channel {column}"
