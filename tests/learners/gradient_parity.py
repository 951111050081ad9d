"""Gradients of a batch that processes share: what the tests of learners with two processes have in common."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.distributed as dist
from torch import Tensor

from contrapose.data import Batch
from contrapose.distributed import rank, world_size
from contrapose.learners import Learner
from distributed_helper import run_ranks


def shared_gradients(learner: Learner, x: Tensor) -> dict[str, Tensor]:
    """The loss and gradients of this process's part of a batch `(B, ...)`, averaged over processes."""
    count = len(x) // world_size()
    own = slice(rank() * count, (rank() + 1) * count)
    step = learner(Batch(views=(x[own],), indices=torch.arange(len(x))[own]))
    step.loss.backward()
    found = {name: weight.grad.clone() for name, weight in learner.named_parameters() if weight.grad is not None}
    found["loss"] = step.loss.detach().clone()
    for value in found.values() if world_size() > 1 else ():
        dist.all_reduce(value)
        value /= world_size()
    return found


def assert_two_are_one(gradients: Callable[[], dict[str, Tensor]]) -> None:
    """What two processes find is what one does, and it is not nothing."""
    alone = gradients()
    assert max(float(value.abs().max()) for name, value in alone.items() if name != "loss") > 0
    for found in run_ranks(gradients):
        assert found.keys() == alone.keys()
        for name, value in alone.items():
            torch.testing.assert_close(found[name], value, rtol=1e-6, atol=1e-9, msg=name)
