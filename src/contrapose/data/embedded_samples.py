"""Samples as what an encoder made of them: for what is trained on embeddings that do not change any more."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from contrapose.data.samples import Samples


class EmbeddedSamples(Samples):
    """The embeddings of some samples in their place: a batch of them is `(B, D)`.

    Targets, identifiers and fingerprint are those of the samples: a run on these is a run on them.

    Shapes:
        z: `(N, D)`.
    """

    noun = "embedding"

    def __init__(self, samples: Samples, z: Tensor) -> None:
        super().__init__(
            len(samples),
            targets=samples.targets,
            class_names=samples.class_names,
            identifiers=samples.identifiers,
            origin=samples.origin,
        )
        self.samples, self.z = samples, z

    def batch(self, indices: Tensor | ArrayLike) -> Any:
        return self.z[torch.from_numpy(self.stored_rows(indices)).to(self.z.device)]  # (B, D)

    def digest(self) -> str:
        return self.samples.fingerprint

    def recorded_as(self, fingerprint: str) -> bool:
        return self.samples.recorded_as(fingerprint)

    def in_words(self) -> str:
        return f"{self.z.shape[1]} numbers"

    def contents(self) -> Iterator[Any]:
        rows = np.arange(self._stored) if self.rows is None else self.rows
        return (self.z[row].cpu().numpy() for row in rows.tolist())


def as_they_are(raw: Any, *, generator: torch.Generator | None = None) -> tuple[Any, ...]:
    """One view of samples: themselves."""
    return (raw,)
