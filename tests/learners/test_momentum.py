"""The momentum learner: order of the teacher's update, content of the queue, where gradients go."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from contrapose.data import Batch
from contrapose.errors import ArgumentError
from contrapose.learners import Momentum, Queue


def make(queue_size: int = 8, momentum: float = 0.9) -> tuple[Momentum, dict[str, Tensor]]:
    seen: dict[str, Tensor] = {}

    def objective(q: Tensor, k: Tensor, queue: Tensor) -> Tensor:
        seen.update(q=q, k=k, queue=queue)
        return (F.normalize(q, dim=1) * k).sum() - (q @ queue.T).mean()

    torch.manual_seed(0)
    learner = Momentum(
        nn.Flatten(),
        nn.Linear(4, 3),
        objective,
        dimension=3,
        queue_size=queue_size,
        momentum=momentum,
        generator=torch.Generator().manual_seed(1),
    )
    return learner.train(), seen


def batch(size: int = 4) -> Batch:
    return Batch(views=(torch.randn(size, 1, 2, 2), torch.randn(size, 1, 2, 2)), indices=torch.arange(size))


def test_the_queue_starts_as_random_unit_rows_of_its_generator() -> None:
    one, two = (Queue(5, 3, generator=torch.Generator().manual_seed(4)) for _ in range(2))
    torch.testing.assert_close(one.rows.norm(dim=1), torch.ones(5))
    assert torch.equal(one.rows, two.rows)


@pytest.mark.parametrize(("size", "dimension"), [(0, 3), (4, 0)])
def test_a_queue_of_nothing_is_refused(size: int, dimension: int) -> None:
    with pytest.raises(ArgumentError, match=f"got {size} and {dimension}"):
        Queue(size, dimension)


def test_the_queue_holds_the_latest_keys_in_order() -> None:
    queue = Queue(6, 1)
    for step in range(5):  # blocks of 2: 0 1 | 2 3 | ... | 8 9; the last three blocks stay
        queue.enqueue(torch.tensor([[2.0 * step], [2.0 * step + 1]]))
    assert queue.rows.flatten().tolist() == [6, 7, 8, 9, 4, 5]
    assert int(queue.position) == 4


def test_blocks_of_different_sizes_go_on_at_the_start() -> None:
    queue = Queue(6, 1)
    for first, block in ((0, 2), (2, 3), (5, 3)):
        queue.enqueue(torch.arange(first, first + block, dtype=torch.float32).unsqueeze(1))
    assert queue.rows.flatten().tolist() == [6, 7, 2, 3, 4, 5]
    assert int(queue.position) == 2
    queue.enqueue(torch.arange(10.0, 16.0).unsqueeze(1))
    assert queue.rows.flatten().tolist() == [14, 15, 10, 11, 12, 13]
    assert int(queue.position) == 2


@pytest.mark.parametrize("block", [0, 4, 12])
def test_a_block_that_is_empty_or_does_not_divide_the_queue_is_refused(block: int) -> None:
    queue = Queue(6, 1)
    rows = queue.rows.clone()
    with pytest.raises(ArgumentError, match=f"batch of {block}" if block else "no keys"):
        queue.enqueue(torch.ones(block, 1))
    assert torch.equal(queue.rows, rows)


def test_the_teacher_moves_before_the_key_is_made_and_before_the_optimizer() -> None:
    learner, seen = make(momentum=0.9)
    with torch.no_grad():
        learner.head.weight.add_(1.0)  # the student is ahead of its teacher
    teacher_before = learner.teacher.model[1].weight.clone()
    student = learner.head.weight.detach().clone()
    data = batch()
    learner.before_step()
    step = learner(data)
    expected = 0.9 * teacher_before + 0.1 * student
    now = learner.teacher.model[1]
    torch.testing.assert_close(now.weight, expected)
    torch.testing.assert_close(seen["k"], F.normalize(data.views[1].flatten(1) @ expected.T + now.bias, dim=1))
    step.loss.backward()
    assert learner.head.weight.grad is not None
    assert all(parameter.grad is None for parameter in learner.teacher.parameters())
    assert not seen["k"].requires_grad
    assert not seen["queue"].requires_grad


def test_no_sample_meets_its_own_key_in_the_queue() -> None:
    learner, seen = make()
    start = learner.queue.rows.clone()
    learner.before_step()
    taken = learner(batch())
    assert torch.equal(seen["queue"], start)  # the loss saw the queue as it was
    keys = seen["k"].clone()
    assert torch.equal(learner.queue.rows, start)  # and nothing enters before the step is over
    learner.after_step([taken])
    torch.testing.assert_close(learner.queue.rows[:4], keys)
    assert torch.equal(learner.queue.rows[4:], start[4:])


def test_evaluation_leaves_the_queue_alone() -> None:
    learner, _ = make()
    start = learner.queue.rows.clone()
    learner.eval()
    learner(batch())
    assert torch.equal(learner.queue.rows, start)


def test_negatives_are_the_queue() -> None:
    learner, _ = make()
    assert learner(batch()).pairing.negatives_per_anchor() == 8


def test_all_memory_is_in_the_state() -> None:
    learner, _ = make()
    names = set(learner.state_dict())
    assert {"queue.rows", "queue.position", "steps"} <= names
    assert any(name.startswith("teacher.") for name in names)


def test_a_batch_that_does_not_divide_the_queue_is_refused_with_a_size_that_works() -> None:
    learner, _ = make(queue_size=10)
    with pytest.raises(ArgumentError, match=r"queue of 10 .* batch of 4; take --queue 8"):
        learner(batch())
    with pytest.raises(ArgumentError, match="2 views"):
        learner(Batch(views=(torch.randn(2, 1, 2, 2),), indices=torch.arange(2)))
