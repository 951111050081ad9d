"""The momentum learner of several views: what meets what, what is kept, where gradients go."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from contrapose.data import Batch
from contrapose.errors import ArgumentError
from contrapose.learners import MomentumViews
from contrapose.objectives import cacr_queue


def make(queue_size: int = 8) -> tuple[MomentumViews, dict[str, Tensor]]:
    seen: dict[str, Tensor] = {}

    def objective(q: Tensor, k: Tensor, queue: Tensor, rows: Tensor | None = None) -> Tensor:
        assert rows is None
        seen.update(q=q, k=k, queue=queue)
        return cacr_queue(q, k, queue)

    torch.manual_seed(0)
    learner = MomentumViews(
        nn.Flatten(),
        nn.Linear(4, 3),
        objective,
        dimension=3,
        queue_size=queue_size,
        momentum=0.9,
        generator=torch.Generator().manual_seed(1),
    )
    return learner.train(), seen


def batch(views: int = 3, size: int = 4) -> Batch:
    generator = torch.Generator().manual_seed(2)
    return Batch(views=tuple(torch.randn(views, size, 1, 2, 2, generator=generator)), indices=torch.arange(size))


def test_every_view_is_a_query_and_a_key_of_the_slow_copy_moved_before() -> None:
    learner, seen = make()
    before = learner.teacher.model[1].weight.clone()
    with torch.no_grad():
        learner.head.weight.add_(1.0)  # the student is ahead of its slow copy
    data = batch()
    learner.before_step()
    step = learner(data)
    slow = 0.9 * before + 0.1 * learner.head.weight.detach()
    x = torch.stack(data.views).flatten(2)  # (V, B, 4)
    torch.testing.assert_close(seen["q"], learner.head(x))
    torch.testing.assert_close(seen["k"], F.normalize(x @ slow.T + learner.teacher.model[1].bias, dim=-1))
    assert step.embeddings.shape == (12, 3)
    assert step.pairing.anchors == 12
    assert step.pairing.negatives_per_anchor() == 8


def test_the_last_views_keys_alone_enter_the_queue_after_the_step() -> None:
    learner, seen = make()
    before = learner.queue.rows.clone()
    learner.before_step()
    taken = learner(batch())
    assert torch.equal(seen["queue"], before)
    assert torch.equal(learner.queue.rows, before)
    learner.after_step([taken])
    assert torch.equal(learner.queue.rows[:4], seen["k"][-1])
    assert torch.equal(learner.queue.rows[4:], before[4:])
    assert int(learner.queue.position) == 4


def test_gradients_reach_the_encoder_and_not_the_slow_copy() -> None:
    learner, seen = make()
    learner.before_step()
    learner(batch()).loss.backward()
    assert learner.head.weight.grad is not None
    assert not seen["k"].requires_grad
    assert all(parameter.grad is None for parameter in learner.teacher.parameters())


def test_a_model_that_is_only_looked_at_keeps_nothing() -> None:
    learner, _ = make()
    before = learner.queue.rows.clone()
    learner.eval()
    learner(batch())
    assert torch.equal(learner.queue.rows, before)


def test_bad_batches_are_named() -> None:
    learner, _ = make(queue_size=6)
    with pytest.raises(ArgumentError, match="at least 2 views of each sample, got 1"):
        learner(batch(views=1))
    with pytest.raises(ArgumentError, match="queue of 6 is not a multiple"):
        learner(batch())
