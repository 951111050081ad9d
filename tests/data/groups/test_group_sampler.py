"""Batches of one group each: pure, never twice, in cyclic order, the same over any number of processes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from contrapose.data import EpochSampler, PlainSource, Rows
from contrapose.data.groups import GroupSampler, InEpochsOf
from contrapose.data.randomness import derived_generator
from contrapose.errors import ArgumentError

SIZES = (13, 4, 0, 9, 2)
GROUPS = np.random.default_rng(0).permutation(np.repeat(range(5), SIZES))  # number 2 is nobody's


def epoch_of(sampler: Any, epoch: int) -> list[list[int]]:
    return [sampler.indices(epoch, position).tolist() for position in range(sampler.batches_per_epoch)]


@pytest.mark.parametrize(("batch", "world"), [(4, 1), (2, 2), (3, 1)])
def test_batches_are_pure_disjoint_and_as_many_as_the_formula_says(batch: int, world: int) -> None:
    samplers = [GroupSampler(GROUPS, batch, seed=1, world_size=world, rank=rank) for rank in range(world)]
    assert samplers[0].batches_per_epoch == sum(size // (batch * world) for size in SIZES)
    for epoch in (0, 1):
        batches = [epoch_of(sampler, epoch) for sampler in samplers]
        seen = [row for rank in batches for rows in rank for row in rows]
        assert len(set(seen)) == len(seen)
        for same_step in zip(*batches, strict=True):  # all ranks at one group
            assert len({int(GROUPS[row]) for rows in same_step for row in rows}) == 1
        assert all(len(rows) == batch for rank in batches for rows in rank)
    assert epoch_of(samplers[0], 0) != epoch_of(samplers[0], 1)


def test_groups_are_visited_in_turn_from_0_on_and_exhausted_ones_are_skipped() -> None:
    sampler = GroupSampler(GROUPS, 3, seed=0)  # 4, 1, 3 and no batches of the groups 0, 1, 3, 4
    visited = [int(GROUPS[rows[0]]) for rows in epoch_of(sampler, 5)]
    assert visited == [0, 1, 3, 0, 3, 0, 3, 0]


def test_ranks_joined_are_the_batch_of_one_process() -> None:
    alone = GroupSampler(GROUPS, 4, seed=3)
    ranks = [GroupSampler(GROUPS, 2, seed=3, world_size=2, rank=rank) for rank in (0, 1)]
    for epoch in (0, 2):
        joined = [one + two for one, two in zip(*(epoch_of(rank, epoch) for rank in ranks), strict=True)]
        assert joined == epoch_of(alone, epoch)


def test_one_group_is_plain_training_batch_for_batch() -> None:
    """K = 1: the same samples and the same views, in every epoch."""
    rows = Rows(torch.arange(60, dtype=torch.float32).view(20, 3))

    def noisy(raw: torch.Tensor, *, generator: torch.Generator) -> tuple[torch.Tensor, ...]:
        return tuple(raw + torch.rand(raw.shape, generator=generator) for _ in range(2))

    plain = PlainSource.shuffled(rows, noisy, batch_size=6, seed=9)
    sampler = GroupSampler(np.zeros(20, dtype=int), 6, seed=9)
    grouped = PlainSource(rows, noisy, InEpochsOf(sampler, plain.sampler.batches_per_epoch))
    assert grouped.steps_per_epoch == plain.steps_per_epoch == 3
    for step in range(7):
        one, two = (source.batch(step, 0, generator=derived_generator(9, step)) for source in (plain, grouped))
        assert torch.equal(one.indices, two.indices)
        assert all(torch.equal(a, b) for a, b in zip(one.views, two.views, strict=True))


def test_epochs_of_another_length_go_through_the_same_batches() -> None:
    sampler = GroupSampler(GROUPS, 4, seed=2)  # 6 batches
    longer = InEpochsOf(sampler, 7)
    flat = [rows for epoch in range(4) for rows in epoch_of(sampler, epoch)]
    assert [rows for epoch in range(3) for rows in epoch_of(longer, epoch)] == flat[:21]
    with pytest.raises(ArgumentError, match="does not exist"):
        longer.indices(0, 7)


def test_coverage_says_what_is_never_seen() -> None:
    sampler = GroupSampler(GROUPS, 4, seed=0)
    assert sampler.reached == pytest.approx(26 / 28)  # the group of 2 is not
    assert sampler.seen == pytest.approx((12 + 4 + 8) / 28)
    assert EpochSampler(28, 4, seed=0).batches_per_epoch == 7


@pytest.mark.parametrize(
    ("groups", "options", "said"),
    [
        (GROUPS, {"batch_size": 14}, "No group fills a batch of 14: of 4 groups the largest has 13"),
        (GROUPS, {"batch_size": 7, "world_size": 2}, "No group fills a batch of 14"),
        (np.array([0, -1]), {"batch_size": 1}, "from 0 on for each sample.* with -1"),
        (np.array([0.0, 1.0]), {"batch_size": 1}, "float64"),
        (np.zeros((2, 2), dtype=int), {"batch_size": 1}, r"shape \(2, 2\)"),
        (np.array([], dtype=int), {"batch_size": 1}, "No group fills"),
        (GROUPS, {"batch_size": 4, "rank": 1}, "rank"),
    ],
)
def test_groups_that_make_no_batches_are_refused(groups: np.ndarray, options: dict[str, Any], said: str) -> None:
    with pytest.raises(ArgumentError, match=said):
        GroupSampler(groups, seed=0, **options)
    with pytest.raises(ArgumentError, match="does not exist"):
        GroupSampler(GROUPS, 4, seed=0).indices(0, 6)
