"""`Images`: the one form that every kind of picture data takes before training."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import UInt8
from numpy.typing import ArrayLike
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.preparation import Preparation

STATISTICS_SAMPLES = 10_000  # the error of a mean is then below 1 % of a standard deviation
SMALLEST_STD = 1e-3  # a quarter of one grey level: a constant channel must not be blown up by normalisation


@dataclass(frozen=True)
class Skipped:
    """A picture that could not be used, and why."""

    path: str
    reason: str


class Images:
    """Square uint8 pictures of one size, in memory or in a memory map, with what is known about each.

    Shapes:
        pixels: `(N', C, H, W)` uint8 with H = W; an array or a read-only memory map. Kept as `store`.
        labels: `(N,)` int64, or `None`.
        batch(indices): `(B, C, H, W)` uint8.

    Arguments:
        pixels: the pixels, of which `rows` are these samples.
        labels: one class number a sample; -1 for one that has no label.
        class_names: names of classes 0, 1, ...; `None` where numbers are all that is known.
        identifiers: for each sample, its file's path relative to the data, or its row number as text.
        skipped: what was found but could not be read.
        origin: one sentence on where the pictures come from, for people.
        notes: what was decided on the way that a person should know of (scaling, cropping, ignored files).
        fingerprint: a text that identifies the pictures (not their labels) from run to run; by default a hash
            of the pixels.
        preparation: how the pictures became these pixels: their white level, and what became of those not square.
        former_fingerprint: the text by which earlier versions identified them, where it was another one.
        rows: which rows of the pixels these samples are, in order; `None`: all. (How `subset` avoids copies.)

    Errors:
        ArgumentError: another type or shape, or lengths that do not fit each other.
    """

    modality: ClassVar[str] = "image"

    def __init__(
        self,
        pixels: np.ndarray,
        labels: np.ndarray | None = None,
        *,
        class_names: Sequence[str] | None = None,
        identifiers: Sequence[str] | None = None,
        skipped: Sequence[Skipped] = (),
        origin: str = "memory",
        notes: Sequence[str] = (),
        fingerprint: str | None = None,
        preparation: Preparation | None = None,
        former_fingerprint: str | None = None,
        rows: np.ndarray | None = None,
    ) -> None:
        _check(pixels)
        self.store = pixels
        self.rows = rows
        self.labels = None if labels is None else np.asarray(labels, dtype=np.int64)
        self.class_names = None if class_names is None else tuple(class_names)
        self.identifiers = [str(row) for row in range(len(self))] if identifiers is None else identifiers
        self.skipped = tuple(skipped)
        self.origin = origin
        self.notes = tuple(notes)
        self._fingerprint = fingerprint
        self.preparation = preparation or Preparation()
        self._former_fingerprint = former_fingerprint
        for name, values in (("labels", self.labels), ("identifiers", self.identifiers)):
            if values is not None and len(values) != len(self):
                raise ArgumentError(f"{len(self)} pictures came with {len(values)} {name}: give one for each.")

    def __len__(self) -> int:
        return len(self.store if self.rows is None else self.rows)

    @property
    def pixels(self) -> np.ndarray:
        """All pictures, `(N, C, H, W)` uint8; of a subset, a copy."""
        return self.store if self.rows is None else self.store[self.rows]

    @property
    def channels(self) -> int:
        """C."""
        return self.store.shape[1]

    @property
    def image_size(self) -> int:
        """H = W, in pixels."""
        return self.store.shape[2]

    @property
    def fingerprint(self) -> str:
        """A text that identifies the pictures from run to run."""
        if self._fingerprint is None:
            self._fingerprint = hash_pixels(self.store)
        return self._of_rows(self._fingerprint)

    def recorded_as(self, fingerprint: str) -> bool:
        """Whether these are the pictures that had this fingerprint, in this version or in an earlier one."""
        former = self._former_fingerprint
        return (former is not None and fingerprint == self._of_rows(former)) or fingerprint == self.fingerprint

    def batch(self, indices: Tensor | ArrayLike) -> UInt8[Tensor, "B C H W"]:
        """The pictures of these row numbers, in this order, as a new tensor on the CPU."""
        wanted = self._checked(indices)
        rows = wanted if self.rows is None else self.rows[wanted]
        return torch.from_numpy(np.ascontiguousarray(self.store[rows]))  # (B, C, H, W)

    def statistics(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Per channel, mean and standard deviation of the pixels in [0, 1]: what an encoder normalises with.

        From at most 10,000 evenly spaced samples; a standard deviation is never given below 0.001.
        """
        wanted = evenly_spaced(len(self), STATISTICS_SAMPLES)
        totals = np.zeros((2, self.channels))  # sums of the pixels and of their squares, (2, C)
        for start in range(0, len(wanted), 256):
            pixels = self.batch(wanted[start : start + 256]).numpy().astype(np.float32) / 255  # (b, C, H, W)
            totals[0] += pixels.sum(axis=(0, 2, 3), dtype=np.float64)  # (C,)
            totals[1] += np.square(pixels).sum(axis=(0, 2, 3), dtype=np.float64)  # (C,)
        mean, square = totals / (len(wanted) * self.image_size**2)  # (C,), (C,)
        std = np.sqrt(np.maximum(square - mean**2, SMALLEST_STD**2))
        return tuple(mean.tolist()), tuple(std.tolist())

    def subset(self, indices: Tensor | ArrayLike) -> Images:
        """These samples only, in this order; the pixels are shared, not copied."""
        wanted = self._checked(indices)
        return Images(
            self.store,
            None if self.labels is None else self.labels[wanted],
            class_names=self.class_names,
            identifiers=[self.identifiers[row] for row in wanted],
            skipped=self.skipped,
            origin=self.origin,
            notes=self.notes,
            fingerprint=self._fingerprint,
            preparation=self.preparation,
            former_fingerprint=self._former_fingerprint,
            rows=wanted if self.rows is None else self.rows[wanted],
        )

    def with_labels(self, labels: np.ndarray | None, class_names: Sequence[str] | None = None) -> Images:
        """The same pictures with other labels, or with none."""
        return Images(
            self.store,
            labels,
            class_names=class_names,
            identifiers=self.identifiers,
            skipped=self.skipped,
            origin=self.origin,
            notes=self.notes,
            fingerprint=self._fingerprint,
            preparation=self.preparation,
            former_fingerprint=self._former_fingerprint,
            rows=self.rows,
        )

    def _of_rows(self, fingerprint: str) -> str:
        if self.rows is None:
            return fingerprint
        return hashlib.sha256(fingerprint.encode() + self.rows.tobytes()).hexdigest()

    def _checked(self, indices: Tensor | ArrayLike) -> np.ndarray:
        wanted = np.asarray(indices.cpu() if isinstance(indices, Tensor) else indices)
        if wanted.size == 0:
            wanted = wanted.astype(np.int64)
        if wanted.ndim != 1 or wanted.dtype.kind not in "iu":
            raise ArgumentError(
                f"Row numbers must be integers of shape (B,), not {wanted.dtype} of shape {wanted.shape}."
            )
        wanted = wanted.astype(np.int64)
        if wanted.size and (wanted.min() < 0 or wanted.max() >= len(self)):
            wrong = wanted[(wanted < 0) | (wanted >= len(self))][0]
            raise ArgumentError(f"Row {wrong} does not exist: rows are 0 to {len(self) - 1}.")
        return wanted

    def __repr__(self) -> str:
        classes = "no labels" if self.labels is None else f"{len(np.unique(self.labels[self.labels >= 0]))} classes"
        skipped = f", {len(self.skipped)} skipped" if self.skipped else ""
        size = f"{self.image_size} x {self.image_size} x {self.channels}"
        return f"Images({len(self):,} of {size}, {classes}{skipped}, from {self.origin})"


def evenly_spaced(length: int, limit: int | None) -> np.ndarray:
    """At most `limit` of the rows 0..length-1, ascending, evenly spaced: sorted classes keep their shares."""
    if limit is None or limit >= length:
        return np.arange(length)
    return np.arange(limit) * length // limit


def _check(pixels: np.ndarray) -> None:
    square = pixels.ndim == 4 and pixels.shape[2] == pixels.shape[3]
    if pixels.dtype != np.uint8 or not square or 0 in pixels.shape:
        raise ArgumentError(
            f"Images hold uint8 pixels of shape (N, C, H, H) with N > 0, not {pixels.dtype} of shape "
            f"{tuple(pixels.shape)}. open_data(...) brings other arrays into this form."
        )


def hash_pixels(store: np.ndarray) -> str:
    """SHA-256 of the shape and of all pixels."""
    digest = hashlib.sha256(str(store.shape).encode())
    for start in range(0, len(store), 1024):
        digest.update(np.ascontiguousarray(store[start : start + 1024]).data)
    return digest.hexdigest()
