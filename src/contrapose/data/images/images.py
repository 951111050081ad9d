"""`Images`: the one form that every kind of picture data takes before training."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import numpy as np
import torch
from jaxtyping import UInt8
from numpy.typing import ArrayLike
from torch import Tensor

from contrapose.data.images.packing.mapped import given_back, rows_of
from contrapose.data.samples import LABEL, Samples, evenly_spaced
from contrapose.errors import ArgumentError
from contrapose.preparation import Preparation

STATISTICS_SAMPLES = 10_000  # the error of a mean is then below 1 % of a standard deviation
BLOCK = 1024  # pictures that are looked at together
SMALLEST_STD = 1e-3  # a quarter of one grey level: a constant channel must not be blown up by normalisation


class Images(Samples):
    """Square uint8 pictures of one size, in memory or in a memory map, with what is known about each.

    Shapes:
        pixels: `(N', C, H, W)` uint8 with H = W; an array, a read-only memory map, or what is indexed like one and
            decodes what is asked for. Kept as `store`.
        labels: `(N,)` int64, or `None`.
        batch(indices): `(B, C, H, W)` uint8.

    Arguments:
        pixels: the pixels, of which `rows` are these samples.
        labels: one class number a sample; -1 for one that has no label.
        targets: further targets by name, such as `{"number": angles}`.
        preparation: how the pictures became these pixels: their white level, and what became of those not square.
        described: class_names, identifiers, skipped, origin, notes, fingerprint, former_fingerprint and rows; see
            `Samples`.

    Errors:
        ArgumentError: another type or shape, or lengths that do not fit each other.
    """

    modality: ClassVar[str] = "image"
    noun: ClassVar[str] = "picture"

    def __init__(
        self,
        pixels: np.ndarray,
        labels: np.ndarray | None = None,
        *,
        targets: Mapping[str, np.ndarray | None] | None = None,
        preparation: Preparation | None = None,
        **described: Any,
    ) -> None:
        _check(pixels)
        self.store = pixels
        self.preparation = preparation or Preparation()
        known = {} if labels is None else {LABEL: labels}  # labels may be among the targets of other samples
        super().__init__(len(pixels), targets={**(targets or {}), **known}, **described)

    @property
    def pixels(self) -> np.ndarray:
        """All pictures, `(N, C, H, W)` uint8; of a subset, a copy."""
        if self.rows is None:
            return self.store if isinstance(self.store, np.ndarray) else self.store[:]
        return self.store[self.rows]

    @property
    def channels(self) -> int:
        """C."""
        return self.store.shape[1]

    @property
    def image_size(self) -> int:
        """H = W, in pixels."""
        return self.store.shape[2]

    def batch(self, indices: Tensor | ArrayLike) -> UInt8[Tensor, "B C H W"]:
        """The pictures of these row numbers, in this order, as a new tensor on the CPU."""
        return torch.from_numpy(rows_of(self.store, self.stored_rows(indices)))  # (B, C, H, W)

    def with_pixels(self, pixels: np.ndarray, *, how: str = "changed") -> Images:
        """What these became, `(N, C, H, W)` uint8, with all that is known of each.

        Arguments:
            how: what was done to them, said of their origin.
        """
        found = Images(
            pixels,
            targets=self.targets,
            class_names=self.class_names,
            identifiers=self.identifiers,
            origin=f"{self.origin} ({how})",
            notes=self.notes,
            preparation=self.preparation,
        )
        found.names_of = self.names_of
        return found

    def digest(self) -> str:
        """A hash of the pixels."""
        return hash_pixels(self.store)

    def contents(self) -> Iterator[np.ndarray]:
        """The pixels of each picture; a memory map is never read whole."""
        for start in range(0, len(self), BLOCK):
            yield from self.batch(np.arange(start, min(start + BLOCK, len(self)))).numpy()

    @property
    def shape(self) -> tuple[int, ...]:
        """(C, H, W)."""
        return self.channels, self.image_size, self.image_size

    def in_words(self) -> str:
        """Channels, height and width."""
        return f"{self.channels} x {self.image_size} x {self.image_size}"

    def facts(self) -> dict[str, Any]:
        """Channels, size, and how the pictures became pixels."""
        return {
            "channels": self.channels,
            "image_size": self.image_size,
            "preparation": self.preparation.to_json(),
        }

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
        given_back(store, 1024)
    return digest.hexdigest()
