from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from contrapose.data import EpochSampler
from contrapose.errors import ArgumentError


def epoch_of(sampler: EpochSampler, epoch: int) -> list[int]:
    return [row for place in range(sampler.batches_per_epoch) for row in sampler.indices(epoch, place).tolist()]


@settings(max_examples=30, deadline=None)
@given(length=st.integers(6, 60), batch_size=st.integers(1, 3), world=st.integers(1, 2), seed=st.integers(0, 9))
def test_ranks_together_see_every_sample_at_most_once(length: int, batch_size: int, world: int, seed: int) -> None:
    ranks = [EpochSampler(length, batch_size, seed=seed, world_size=world, rank=rank) for rank in range(world)]
    rows = [row for sampler in ranks for row in epoch_of(sampler, 1)]
    assert len(rows) == len(set(rows)) == length // (batch_size * world) * batch_size * world
    assert set(rows) <= set(range(length))


def test_ranks_joined_in_order_are_the_batch_of_one_process() -> None:
    one = EpochSampler(50, 12, seed=4)
    three = [EpochSampler(50, 4, seed=4, world_size=3, rank=rank) for rank in range(3)]
    joined = torch.cat([sampler.indices(2, 3) for sampler in three])
    assert torch.equal(joined, one.indices(2, 3))


def test_any_batch_can_be_asked_for_directly() -> None:
    walked = EpochSampler(40, 8, seed=1)
    batches = {(epoch, place): walked.indices(epoch, place) for epoch in range(3) for place in range(5)}
    for (epoch, place), rows in reversed(batches.items()):
        assert torch.equal(EpochSampler(40, 8, seed=1).indices(epoch, place), rows)
        assert torch.equal(walked.indices(epoch, place), rows)


def test_epochs_and_seeds_shuffle_differently() -> None:
    sampler = EpochSampler(100, 10, seed=0)
    assert epoch_of(sampler, 0) != epoch_of(sampler, 1)
    assert epoch_of(sampler, 0) != epoch_of(EpochSampler(100, 10, seed=1), 0)
    assert epoch_of(sampler, 0) != sorted(epoch_of(sampler, 0))


def test_left_out_samples_come_back_in_other_epochs() -> None:
    sampler = EpochSampler(11, 4, seed=0)
    seen = {row for epoch in range(20) for row in epoch_of(sampler, epoch)}
    assert seen == set(range(11))


def test_changing_a_batch_does_not_change_the_sampler() -> None:
    sampler = EpochSampler(10, 5, seed=0)
    rows = sampler.indices(0, 0)
    kept = rows.clone()
    rows.zero_()
    assert torch.equal(sampler.indices(0, 0), kept)


def test_locate_counts_steps_through_epochs() -> None:
    sampler = EpochSampler(10, 3, seed=0)
    assert [sampler.locate(step) for step in (0, 2, 3, 7)] == [(0, 0), (0, 2), (1, 0), (2, 1)]


def test_too_few_samples_names_both_numbers_and_the_remedy() -> None:
    with pytest.raises(ArgumentError, match=r"7 samples .* batch of 4 on each of 2 .*batch_size to 3"):
        EpochSampler(7, 4, seed=0, world_size=2)
    with pytest.raises(ArgumentError, match="Lower batch_size to 5"):
        EpochSampler(5, 6, seed=0)


@pytest.mark.parametrize(
    "arguments",
    [{"batch_size": 0}, {"batch_size": 1, "world_size": 2, "rank": 2}, {"batch_size": 1, "world_size": 0}],
)
def test_impossible_sizes_are_errors(arguments: dict[str, int]) -> None:
    with pytest.raises(ArgumentError):
        EpochSampler(10, seed=0, **arguments)


@pytest.mark.parametrize(("epoch", "position"), [(0, 3), (0, -1), (-1, 0)])
def test_a_batch_that_does_not_exist_is_an_error(epoch: int, position: int) -> None:
    with pytest.raises(ArgumentError, match="does not exist"):
        EpochSampler(10, 3, seed=0).indices(epoch, position)
