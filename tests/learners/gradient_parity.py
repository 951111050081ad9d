"""Gradients and turns of a batch that processes share: what the tests of learners with two processes have in
common."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
import torch
import torch.distributed as dist
from torch import Tensor

from contrapose.data import Batch
from contrapose.distributed import rank, world_size
from contrapose.learners import Learner
from distributed_helper import run_ranks


def shared_gradients(learner: Learner, x: Tensor) -> dict[str, Tensor]:
    """The loss and gradients of this process's part of a batch `(B, ...)`, averaged over processes."""
    own = own_part(len(x))
    step = learner(Batch(views=(x[own],), indices=torch.arange(len(x))[own]))
    step.loss.backward()
    found = {name: weight.grad.clone() for name, weight in learner.named_parameters() if weight.grad is not None}
    found["loss"] = step.loss.detach().clone()
    for value in found.values():
        average(value)
    return found


def average(value: Tensor) -> Tensor:
    """The mean over processes, in its place."""
    if world_size() > 1:
        dist.all_reduce(value)
        value /= world_size()
    return value


def own_part(count: int) -> slice:
    """Which rows of a batch of so many are this process's."""
    share = count // world_size()
    return slice(rank() * share, (rank() + 1) * share)


def assert_two_are_one(gradients: Callable[[], dict[str, Tensor]]) -> None:
    """What two processes find is what one does, and it is not nothing."""
    alone = gradients()
    assert max(float(value.abs().max()) for name, value in alone.items() if name != "loss") > 0
    for found in run_ranks(gradients):
        assert found.keys() == alone.keys()
        for name, value in alone.items():
            torch.testing.assert_close(found[name], value, rtol=1e-6, atol=1e-9, msg=name)


def assert_turns_are_one(by_turns: Callable[[], dict[str, Any]], start: Mapping[str, Tensor], *, moved: float) -> None:
    """Losses, and what was learned, are after some turns of two processes what they are of one; and something moved.

    Arguments:
        by_turns: plays, and gives "losses" and what the learner then holds, by the names in `start`.
        start: that before the first turn.
        moved: by how much something must have changed.
    """
    alone = by_turns()
    assert any(not torch.allclose(start[name], alone[name], atol=moved) for name in start)
    for found in run_ranks(by_turns):
        assert found["losses"] == pytest.approx(alone["losses"], rel=1e-8)
        for name in start:
            torch.testing.assert_close(found[name], alone[name], rtol=1e-6, atol=1e-9, msg=name)
