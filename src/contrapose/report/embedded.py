"""Some embedded samples with what is known of them: all that the map, the gallery and the confusions need."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from contrapose.errors import ArgumentError
from contrapose.report.cards import Card, Show


@dataclass(frozen=True)
class Embedded:
    """N samples of any kind.

    Shapes:
        embeddings: `(N, D)`; labels: `(N,)` strings (`None` for a sample without one), or `None`; numbers: `(N,)`,
            NaN for a sample without one, or `None`.

    Arguments:
        show: row number -> how the sample is shown.
        names: what each is called.

    Errors:
        ArgumentError: lengths that do not fit each other.
    """

    embeddings: Float[np.ndarray, "N D"]
    show: Show
    names: Sequence[str]
    labels: np.ndarray | None = None
    numbers: np.ndarray | None = None

    def __post_init__(self) -> None:
        for what, values in (("names", self.names), ("labels", self.labels), ("numbers", self.numbers)):
            if values is not None and len(values) != len(self.embeddings):
                raise ArgumentError(f"{len(self.embeddings)} samples came with {len(values)} {what}: one for each.")

    def __len__(self) -> int:
        return len(self.embeddings)

    def label(self, row: int) -> str | None:
        """The class of a sample, where there are any."""
        return None if self.labels is None or self.labels[row] is None else str(self.labels[row])

    def by_fifths(self) -> Embedded:
        """The same samples, each with the fifth of the numbers that its own is in, in the place of a class; as they are
        where they have labels, or no numbers that differ."""
        if self.labels is not None or self.numbers is None:
            return self
        known = self.numbers[np.isfinite(self.numbers)]  # (n,)
        if not len(known) or known.min() == known.max():
            return self
        ends = np.unique(np.quantile(known, np.linspace(0, 1, 6)))  # up to 6: fewer where many numbers are equal
        place = np.clip(np.searchsorted(ends, self.numbers, side="right") - 1, 0, len(ends) - 2)  # (N,)
        names = [f"{part + 1}: {ends[part]:.4g} to {ends[part + 1]:.4g}" for part in range(len(ends) - 1)]
        labels = [
            names[part] if np.isfinite(number) else None for part, number in zip(place, self.numbers, strict=True)
        ]
        return replace(self, labels=np.asarray(labels, object))

    def card(self, row: int) -> Card:
        """How a sample is shown."""
        return self.show(int(row))
