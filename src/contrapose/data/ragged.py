"""`Ragged`: sequences of any length, one after another in one array, with the place where each begins."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from contrapose.errors import ArgumentError


class Ragged:
    """N sequences without padding; the array may be a memory map, of which only what is asked for is read.

    Shapes:
        values: `(S, ...)`, the steps of all sequences.
        pointers: `(N + 1,)` int64 from 0 to S; sequence n is `values[pointers[n]:pointers[n + 1]]`.

    Errors:
        ArgumentError: pointers that do not begin at 0, fall, or end elsewhere than the values do.
    """

    def __init__(self, values: np.ndarray, pointers: np.ndarray) -> None:
        pointers = np.asarray(pointers)
        if pointers.ndim != 1 or pointers.dtype.kind not in "iu" or not len(pointers):
            raise ArgumentError(
                f"Pointers of sequences are integers of shape (N + 1,), not {pointers.dtype} of {pointers.shape}."
            )
        pointers = pointers.astype(np.int64)
        if pointers[0] != 0 or pointers[-1] != len(values) or (np.diff(pointers) < 0).any():
            raise ArgumentError(
                f"Pointers of {len(values):,} steps begin at 0, never fall and end at {len(values):,}; these go from "
                f"{pointers[0]:,} to {pointers[-1]:,}."
            )
        self.values = values
        self.pointers = pointers

    @classmethod
    def of(cls, sequences: Sequence[Any]) -> Ragged:
        """The same from N arrays of `(T_n, ...)`, which agree in all but their length.

        Errors:
            ArgumentError: no sequences, or some of another shape.
        """
        arrays = [np.asarray(one) for one in sequences]
        shapes = {one.shape[1:] for one in arrays}
        if not arrays or len(shapes) > 1 or any(one.ndim == 0 for one in arrays):
            raise ArgumentError(
                "Sequences are one array or more that agree in all but their length; these have steps of shapes "
                f"{', '.join(str(shape) for shape in sorted(shapes)) or '(none)'}."
            )
        return cls(np.concatenate(arrays), np.cumsum([0, *(len(one) for one in arrays)]))

    def __len__(self) -> int:
        return len(self.pointers) - 1

    def __getitem__(self, row: int) -> np.ndarray:
        """One sequence, `(T, ...)`, without a copy."""
        return self.values[self.pointers[row] : self.pointers[row + 1]]

    def __iter__(self) -> Iterator[np.ndarray]:
        return (self[row] for row in range(len(self)))

    @property
    def lengths(self) -> np.ndarray:
        """`(N,)` int64."""
        return np.diff(self.pointers)

    def gather(self, rows: np.ndarray) -> Ragged:
        """These sequences, in this order, as a store of their own: one look-up, whatever their number."""
        steps, pointers = self.steps_of(rows)
        return Ragged(self.values[steps], pointers)

    def steps_of(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Where the steps of these sequences lie in `values`, `(S',)`, and the pointers into those, `(B + 1,)`."""
        rows = np.asarray(rows, dtype=np.int64)
        starts, lengths = self.pointers[rows], self.lengths[rows]
        pointers = np.concatenate([[0], np.cumsum(lengths)])  # (B + 1,)
        return np.arange(pointers[-1]) + np.repeat(starts - pointers[:-1], lengths), pointers

    def padded(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """These sequences `(B, T, ...)` with zeros behind those shorter than the longest, and their lengths `(B,)`."""
        steps, pointers = self.steps_of(rows)
        lengths = np.diff(pointers)  # (B,)
        longest = int(lengths.max(initial=0))
        held = np.zeros((len(lengths) * longest, *self.values.shape[1:]), self.values.dtype)  # (B·T, ...)
        places = np.arange(len(steps)) + np.repeat(longest * np.arange(len(lengths)) - pointers[:-1], lengths)
        held[places] = self.values[steps]
        return held.reshape(len(lengths), longest, *self.values.shape[1:]), lengths
