"""The helper that runs several ranks must not hide what happened on one of them."""

from __future__ import annotations

import os

import pytest
import torch.distributed as dist

from distributed_helper import run_ranks


def _one_fails_while_the_other_waits() -> None:
    if dist.get_rank() == 1:
        raise ValueError("rank one had enough")
    dist.barrier()


def _who() -> tuple[int, int]:
    return dist.get_rank(), os.getpid()


def test_processes_stay_for_the_next_work_until_one_fails_and_is_named() -> None:
    first = run_ranks(_who)
    assert [rank for rank, _ in first] == [0, 1]
    assert run_ranks(_who) == first
    with pytest.raises(AssertionError, match=r"(?s)rank 1:.*had enough"):
        run_ranks(_one_fails_while_the_other_waits)
