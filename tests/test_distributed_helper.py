"""The helper that runs several ranks must not hide what happened on one of them."""

from __future__ import annotations

import pytest
import torch.distributed as dist

from distributed_helper import run_ranks


def _one_fails_while_the_other_waits() -> None:
    if dist.get_rank() == 1:
        raise ValueError("rank one had enough")
    dist.barrier()


def test_a_failing_rank_ends_the_run_and_is_named() -> None:
    with pytest.raises(AssertionError, match=r"(?s)rank 1:.*had enough"):
        run_ranks(_one_fails_while_the_other_waits)
