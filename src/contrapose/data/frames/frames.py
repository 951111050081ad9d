"""`Frames`: sequences of frames, of joints of a body or of plain channels."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike
from torch import Tensor

from contrapose.data.frames.skeletons import Skeleton
from contrapose.data.ragged import Ragged
from contrapose.data.samples import Samples
from contrapose.errors import ArgumentError
from contrapose.words import counted

TOGETHER = 2**16  # steps that are hashed at a time: of a file that is mapped, no more is in memory


class Frames(Samples):
    """N sequences of any length, one after another in one array, which may be a memory map.

    Shapes:
        sequences: `Ragged` of `(S, J, C)`, J joints in C dimensions, or `(S, C)`, C channels; kept as `store`.
        batch(indices): `Ragged` float32 of B sequences.

    Arguments:
        skeleton: which joint hangs on which, where that is known.
        described: targets, class_names, identifiers, skipped, origin, notes, fingerprint, rows; see `Samples`.

    Errors:
        ArgumentError: values of another shape, or that are no numbers; an empty sequence.
    """

    modality: ClassVar[str] = "frames"
    noun: ClassVar[str] = "sequence"

    def __init__(self, sequences: Ragged, skeleton: Skeleton | None = None, **described: Any) -> None:
        values = sequences.values
        if values.ndim not in (2, 3) or 0 in values.shape[1:] or values.dtype.kind not in "fiu" or not len(sequences):
            raise ArgumentError(
                "Frames hold sequences of numbers of shape (S, joints, channels) or (S, channels), not "
                f"{values.dtype} of shape {values.shape}."
            )
        if skeleton is not None and (values.ndim == 2 or len(skeleton.parents) != values.shape[1]):
            raise ArgumentError(
                f"The skeleton {skeleton.name} has {len(skeleton.parents)} joints, and these sequences are of shape "
                f"(S, {', '.join(map(str, values.shape[1:]))})."
            )
        self.store = sequences
        self.skeleton = skeleton
        super().__init__(len(sequences), **described)

    @property
    def joints(self) -> int:
        """J; 0 of plain channels."""
        return self.store.values.shape[1] if self.store.values.ndim == 3 else 0

    @property
    def channels(self) -> int:
        """C."""
        return int(self.store.values.shape[-1])

    @property
    def lengths(self) -> np.ndarray:
        """Frames of each, `(N,)` int64."""
        return self.store.lengths if self.rows is None else self.store.lengths[self.rows]

    def batch(self, indices: Tensor | ArrayLike) -> Ragged:
        """The sequences of these row numbers, in this order."""
        found = self.store.gather(self.stored_rows(indices))
        return Ragged(np.asarray(found.values, np.float32), found.pointers)

    def sequence(self, row: int) -> np.ndarray:
        """One of them, `(T, J, C)` or `(T, C)`."""
        return self.store[int(self.stored_rows([row])[0])]

    def digest(self) -> str:
        """A hash of the shape, of the lengths and of all numbers."""
        values = self.store.values
        digest = hashlib.sha256(f"{values.shape} {values.dtype}".encode() + self.store.pointers.tobytes())
        for start in range(0, len(values), TOGETHER):
            digest.update(np.ascontiguousarray(values[start : start + TOGETHER]).tobytes())
        return digest.hexdigest()

    def contents(self) -> Iterator[np.ndarray]:
        """The numbers of each."""
        for row in range(len(self)):
            yield np.ascontiguousarray(self.sequence(row))

    def excerpt(self, row: int) -> str:
        """How long it is, and how far what is in it moves between two frames, on average."""
        sequence = np.asarray(self.sequence(row), np.float64)  # (T, ...)
        moved = f", {np.abs(np.diff(sequence, axis=0)).mean():.3g} a step" if len(sequence) > 1 else ""
        return f"{counted(len(sequence), 'frame')}{moved}"

    def in_words(self) -> str:
        """How long they are, and of what."""
        lengths = self.lengths
        low, middle, high = int(lengths.min()), round(float(np.median(lengths))), int(lengths.max())
        long = counted(low, "frame") if low == high else f"{low:,} to {high:,} frames (median {middle:,})"
        return f"{long} of {self.step_in_words()}"

    def step_in_words(self) -> str:
        """What a frame is."""
        if not self.joints:
            return counted(self.channels, "channel")
        named = "" if self.skeleton is None else f" ({self.skeleton.name})"
        return f"{counted(self.joints, 'joint')} in {counted(self.channels, 'dimension')}{named}"

    def facts(self) -> dict[str, Any]:
        """What a frame is, and the median length."""
        skeleton = None if self.skeleton is None else self.skeleton.name
        found = {"channels": self.channels, "median_frames": round(float(np.median(self.lengths)))}
        return {"joints": self.joints, "skeleton": skeleton, **found}
