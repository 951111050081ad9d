"""Which samples stand in which batch: a permutation per epoch that any process can compute for itself."""

from __future__ import annotations

from typing import Protocol

import torch
from jaxtyping import Int64
from torch import Tensor

from contrapose.data.randomness import derived_generator
from contrapose.errors import ArgumentError


class Sampler(Protocol):
    """Which samples stand in a batch, as a function of the batch's place: nothing to save or fast-forward.

    Shapes:
        `indices(epoch, position)`: `(B,)` int64, the samples of this process's batch.
    """

    @property
    def batches_per_epoch(self) -> int: ...

    def indices(self, epoch: int, position: int) -> Tensor: ...


class EpochSampler:
    """Shuffled batches without replacement, addressed by (epoch, position): nothing to save or fast-forward.

        permutation of epoch e:  randperm(length) drawn from the stream (seed, e)
        batch p of rank r:       permutation[p·W·B + r·B : p·W·B + (r + 1)·B]

    so the ranks' batches joined in rank order are the batch that one process of W times the size would see.
    The last samples of an epoch that do not fill a batch are left out of it (another epoch shuffles them in).

    Shapes:
        `indices(epoch, position)`: `(batch_size,)` int64 in `[0, length)`.

    Arguments:
        length: number of samples in the data set.
        batch_size: B, samples per batch *and process*.
        seed: the run's seed.
        world_size, rank: number of processes and this one's number; 1 and 0 for one process.

    Errors:
        ArgumentError: fewer samples than one batch of all processes, or sizes that make no sense.
    """

    def __init__(self, length: int, batch_size: int, *, seed: int, world_size: int = 1, rank: int = 0) -> None:
        if batch_size < 1:
            raise ArgumentError(f"batch_size is {batch_size}: a batch needs at least one sample.")
        if world_size < 1 or not 0 <= rank < world_size:
            raise ArgumentError(f"rank {rank} of world_size {world_size}: ranks are 0 to world_size - 1.")
        if length < batch_size * world_size:
            processes = "" if world_size == 1 else f" on each of {world_size} processes"
            share = length // world_size
            remedy = f"Lower batch_size to {share} or less, or" if share > 1 else "Contrast needs two or more:"
            raise ArgumentError(
                f"{length} sample{'s' * (length != 1)} do not fill one batch of {batch_size}{processes}. "
                f"{remedy} give more data."
            )
        self.length = length
        self.batch_size = batch_size
        self.seed = seed
        self.world_size = world_size
        self.rank = rank
        self._permutation: tuple[int, Tensor] | None = None  # the last epoch asked for; a memo, not a state

    @property
    def batches_per_epoch(self) -> int:
        """Number of full batches in an epoch, the same on every rank."""
        return self.length // (self.batch_size * self.world_size)

    def indices(self, epoch: int, position: int) -> Int64[Tensor, "B"]:
        """The samples of this rank's batch `position` of epoch `epoch`, both from 0; ask in any order."""
        if epoch < 0 or not 0 <= position < self.batches_per_epoch:
            raise ArgumentError(
                f"Epoch {epoch}, batch {position} does not exist: epochs count from 0 and "
                f"batches from 0 to {self.batches_per_epoch - 1}."
            )
        start = (position * self.world_size + self.rank) * self.batch_size
        return self._epoch(epoch)[start : start + self.batch_size].clone()  # (B,)

    def locate(self, step: int) -> tuple[int, int]:
        """(epoch, position) of the `step`-th batch (from 0) of a run."""
        return divmod(step, self.batches_per_epoch)

    def _epoch(self, epoch: int) -> Tensor:
        if self._permutation is None or self._permutation[0] != epoch:
            generator = derived_generator(self.seed, epoch)
            self._permutation = epoch, torch.randperm(self.length, generator=generator)  # (length,)
        return self._permutation[1]

    def __repr__(self) -> str:
        return (
            f"EpochSampler({self.length} samples, batches of {self.batch_size}, {self.batches_per_epoch} "
            f"an epoch, seed {self.seed}, rank {self.rank} of {self.world_size})"
        )
