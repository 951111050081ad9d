"""Batches that are drawn from one group each, so that everybody else in a batch agrees with a sample."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Int64
from torch import Tensor

from contrapose.data.groups.codes import group_numbers
from contrapose.data.randomness import derived_generator
from contrapose.data.sampler import EpochSampler, Sampler
from contrapose.errors import ArgumentError


class GroupSampler:
    """Shuffled batches of one group each, addressed by (epoch, position).

        permutation of group g in epoch e:  randperm(n_g), one group after another from the stream (seed, e)
        batches of group g:                 floor(n_g / (W·B)), of W·B samples each; the rest waits for another epoch
        order:                              round after round through the groups from 0 on, one batch of each that has
                                            one left

    Every rank is at the same group at the same step, and the ranks' batches joined in rank order are the batch of one
    process of W times the size. With one group it is the `EpochSampler` of the same seed, batch for batch.

    Shapes:
        `indices(epoch, position)`: `(B,)` int64, samples of one group.

    Arguments:
        groups: `(N,)` the group of each sample, any integers from 0 on. A tuple of clusters: `tuple_codes`.
        batch_size: B, samples per batch *and process*.
        seed: the run's seed.
        world_size, rank: W, and the number of this process.

    Attributes:
        batches_per_epoch: sum over groups of floor(n_g / (W·B)), the same on every rank.
        sizes: `(G,)` samples of each group, ascending by its number.

    Errors:
        ArgumentError: no group fills a batch of all processes, groups that are negative or no integers, sizes that make
            no sense.
    """

    def __init__(self, groups: np.ndarray, batch_size: int, *, seed: int, world_size: int = 1, rank: int = 0) -> None:
        groups = np.asarray(groups)
        if groups.ndim != 1 or groups.dtype.kind not in "iu" or (len(groups) and int(groups.min()) < 0):
            raise ArgumentError(
                f"groups must be one integer from 0 on for each sample; got {groups.dtype} of shape {groups.shape}"
                + (f" with {int(groups.min())} among them." if groups.dtype.kind in "iu" and groups.size else ".")
            )
        EpochSampler(max(len(groups), batch_size * world_size), batch_size, seed=seed, world_size=world_size, rank=rank)
        numbers, _ = group_numbers(groups)  # (N,)
        self.members = [torch.from_numpy(np.flatnonzero(numbers == g)) for g in range(int(numbers.max(initial=-1)) + 1)]
        self.sizes = np.array([len(members) for members in self.members], dtype=np.int64)  # (G,)
        self.batch_size, self.seed, self.world_size, self.rank = batch_size, seed, world_size, rank
        self._batches = self.sizes // (batch_size * world_size)  # (G,)
        if self._batches.sum() == 0:
            largest = int(self.sizes.max(initial=0))
            raise ArgumentError(
                f"No group fills a batch of {batch_size * world_size}: of {len(self.sizes)} groups the largest has "
                f"{largest} samples. Take fewer clusters, a smaller batch, or merge small groups (min_group, "
                "--min-group)."
            )
        self._order = [  # the group of each batch of an epoch, and which of that group's batches it is
            (group, number)
            for number in range(int(self._batches.max()))
            for group in np.flatnonzero(self._batches > number).tolist()
        ]
        self._shuffled: tuple[int, list[Tensor]] | None = None  # the last epoch asked for; a memo, not a state

    @property
    def batches_per_epoch(self) -> int:
        return len(self._order)

    @property
    def reached(self) -> float:
        """The share of samples whose group fills a batch: all others are never seen."""
        return float(self.sizes[self._batches > 0].sum() / self.sizes.sum())

    @property
    def seen(self) -> float:
        """The share of samples that stand in a batch of one epoch."""
        return float(self._batches.sum() * self.batch_size * self.world_size / self.sizes.sum())

    def indices(self, epoch: int, position: int) -> Int64[Tensor, "B"]:
        """The samples of this rank's batch `position` of epoch `epoch`, both from 0; ask in any order."""
        if epoch < 0 or not 0 <= position < self.batches_per_epoch:
            raise ArgumentError(
                f"Epoch {epoch}, batch {position} does not exist: epochs count from 0 and "
                f"batches from 0 to {self.batches_per_epoch - 1}."
            )
        group, number = self._order[position]
        start = (number * self.world_size + self.rank) * self.batch_size
        return self._epoch(epoch)[group][start : start + self.batch_size].clone()  # (B,)

    def _epoch(self, epoch: int) -> list[Tensor]:
        """The members of each group in the order of this epoch."""
        if self._shuffled is None or self._shuffled[0] != epoch:
            generator = derived_generator(self.seed, epoch)
            shuffled = [members[torch.randperm(len(members), generator=generator)] for members in self.members]
            self._shuffled = epoch, shuffled
        return self._shuffled[1]

    def __repr__(self) -> str:
        return (
            f"GroupSampler({self.sizes.sum()} samples in {len(self.sizes)} groups, batches of {self.batch_size}, "
            f"{self.batches_per_epoch} an epoch, seed {self.seed}, rank {self.rank} of {self.world_size})"
        )


class InEpochsOf:
    """The batches of a sampler, one epoch of it after another, counted in epochs of another length.

    A run knows how many steps it takes before its groups are known; an epoch of groups is shorter than one of all
    samples by what does not fill a batch.

    Arguments:
        sampler: whose batches these are.
        batches_per_epoch: how many are called an epoch.

    Errors:
        ArgumentError: fewer than one.
    """

    def __init__(self, sampler: Sampler, batches_per_epoch: int) -> None:
        if batches_per_epoch < 1:
            raise ArgumentError(f"An epoch has one batch at least, not {batches_per_epoch}.")
        self.sampler, self.batches_per_epoch = sampler, batches_per_epoch

    def indices(self, epoch: int, position: int) -> Int64[Tensor, "B"]:
        """The samples of batch `position` of epoch `epoch`, as counted here."""
        if epoch < 0 or not 0 <= position < self.batches_per_epoch:
            raise ArgumentError(f"Epoch {epoch}, batch {position} does not exist.")
        number = epoch * self.batches_per_epoch + position
        return self.sampler.indices(*divmod(number, self.sampler.batches_per_epoch))  # (B,)
