"""One step: the closure, several passes at one batch, memory written once."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from contrapose.data import Batch
from contrapose.encoders.running_statistics import statistics_stay
from contrapose.learners import Learner, Step
from contrapose.pairing import by_views
from contrapose.training.step import take_step


class Counting(Learner):
    """A learner with batch normalisation, dropout and a memory, that counts what it is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Dropout(0.5))
        self.register_buffer("memory", torch.zeros(0, 4))
        self.calls: list[str] = []

    def before_step(self) -> None:
        self.calls.append("before")

    def after_backward(self) -> None:
        assert all(weight.grad is not None for weight in self.parameters())
        self.calls.append("backward")

    def after_step(self, steps: Any) -> None:
        self.calls.append("after")
        self.memory = torch.cat([self.memory, *(step.memory for step in steps)])

    def forward(self, batch: Batch) -> Step:
        self.calls.append(f"forward {batch.part}")
        z = self.encoder(batch.views[0])
        return Step(z.square().mean(), z.detach(), by_views(2, 4), memory=z.detach())


class Work:
    """Batches of noise, gradients in memory."""

    def __init__(self, learner: Learner) -> None:
        self.learner, self.clipped = learner, 0

    def batch(self, part: int) -> Batch:
        views = torch.randn(8, 4, generator=torch.Generator().manual_seed(part))
        return Batch(views=(views,), indices=torch.arange(8), part=part)

    def gradient(self, batch: Batch, *, parts: int, last: bool) -> Step:
        step = self.learner(batch)
        (step.loss / parts).backward()
        return step

    def clip(self, batch: Batch) -> float:
        self.clipped += 1
        return 1.5


class Twice(torch.optim.SGD):
    """An optimiser that looks at the gradient twice."""

    passes = 2

    def step(self, closure: Any = None) -> Any:
        self.seen: list[Tensor] = []
        for _ in range(2):
            closure()
            self.seen.append(self.param_groups[0]["params"][0].grad.clone())
        return super().step()


def test_a_step_in_order() -> None:
    learner = Counting()
    taken = take_step(learner, {"all": torch.optim.SGD(learner.parameters(), lr=0.1)}, Work(learner), seed=3, parts=2)
    assert learner.calls == ["before", "forward 0", "forward 1", "backward", "after"]
    assert len(taken.steps) == 2
    assert taken.gradient_norm == 1.5
    assert len(learner.memory) == 16


def test_several_passes_see_the_same_and_leave_one_trace() -> None:
    torch.manual_seed(0)
    once, twice = Counting(), Counting()
    twice.load_state_dict(once.state_dict())
    work = Work(twice)
    optimizer = Twice(twice.parameters(), lr=0.1)
    take_step(once, {"all": torch.optim.SGD(once.parameters(), lr=0.1)}, Work(once), seed=3, parts=2)
    take_step(twice, {"all": optimizer}, work, seed=3, parts=2)
    assert torch.equal(*optimizer.seen)  # the same batches, the same dropout
    assert work.clipped == 1
    assert twice.calls == ["before", *["forward 0", "forward 1", "backward"] * 2, "after"]
    for name, value in once.state_dict().items():  # running statistics and memory, too
        assert torch.equal(value, twice.state_dict()[name]), name


def test_statistics_come_back_after_an_error() -> None:
    norm = nn.BatchNorm1d(3)
    before = norm.running_mean.clone()
    with pytest.raises(ValueError, match="more than 1 value"), statistics_stay(norm):
        norm(torch.randn(8, 3)) + norm(torch.randn(1, 3))
    assert torch.equal(norm.running_mean, before)
    assert int(norm.num_batches_tracked) == 0
