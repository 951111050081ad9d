"""Some embedded samples with what is known of them: all that the map, the gallery and the confusions need."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from contrapose.errors import ArgumentError
from contrapose.report.cards import Card, Show


@dataclass(frozen=True)
class Embedded:
    """N samples of any kind.

    Shapes:
        embeddings: `(N, D)`; labels: `(N,)` strings (`None` for a sample without one), or `None`.

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

    def __post_init__(self) -> None:
        for what, values in (("names", self.names), ("labels", self.labels)):
            if values is not None and len(values) != len(self.embeddings):
                raise ArgumentError(f"{len(self.embeddings)} samples came with {len(values)} {what}: one for each.")

    def __len__(self) -> int:
        return len(self.embeddings)

    def label(self, row: int) -> str | None:
        """The class of a sample, where there are any."""
        return None if self.labels is None or self.labels[row] is None else str(self.labels[row])

    def card(self, row: int) -> Card:
        """How a sample is shown."""
        return self.show(int(row))
