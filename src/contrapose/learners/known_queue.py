"""A queue of keys that knows whose they are, and which of its places were filled yet."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.learners.momentum import Queue

EMPTY = -1
"""The owner of a place that nothing was written to."""


class KnownQueue(Queue):
    """`Queue` with the number of the sample that each row is a key of, and -1 where there is none yet.

    A block need not divide the queue: writing goes on at its start, and of a block that is longer the last rows stay.

    Shapes:
        rows: `(K, D)`, owners: `(K,)` int64 buffers.
    """

    owners: Tensor

    def __init__(self, size: int, dimension: int, *, generator: torch.Generator | None = None) -> None:
        super().__init__(size, dimension, generator=generator)
        self.register_buffer("owners", torch.full((size,), EMPTY, dtype=torch.long))

    @property
    def filled(self) -> Bool[Tensor, "K"]:
        return self.owners != EMPTY

    def ignored(self, samples: Int[Tensor, "B"]) -> Bool[Tensor, "B K"]:
        """What a query of each of these samples does not meet: empty places, and older keys of its own."""
        return (samples.unsqueeze(1) == self.owners) | ~self.filled  # (B, K)

    @torch.no_grad()
    def remember(self, keys: Float[Tensor, "B D"], samples: Int[Tensor, "B"]) -> None:
        """Overwrite the oldest rows with `keys` of `samples`, in order."""
        kept = slice(max(0, len(keys) - len(self.rows)), None)
        keys, samples = keys[kept], samples[kept]
        self.check_block(len(keys))
        places = (self.position + torch.arange(len(keys), device=self.rows.device)) % len(self.rows)  # (B,)
        self.owners[places] = samples.to(self.owners)
        self.enqueue(keys)

    def check_block(self, block: int) -> None:
        """Any number of rows fits but none."""
        if block < 1:
            raise ArgumentError("There are no keys to enqueue; give one row at least.")
