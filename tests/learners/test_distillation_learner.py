"""The distilling learner: order of the teacher's update, which anchors, and where the predictor stands."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from contrapose.data import Batch
from contrapose.errors import ArgumentError
from contrapose.learners import Distillation
from contrapose.objectives import isd


def make(queue_size: int = 8, momentum: float = 0.9) -> tuple[Distillation, dict[str, Tensor]]:
    seen: dict[str, Tensor] = {}

    def objective(p: Tensor, k: Tensor, queue: Tensor) -> tuple[Tensor, Mapping[str, Tensor]]:
        seen.update(p=p, k=k, queue=queue)
        return isd(p, k, queue, temperature=0.1), {"teacher_entropy": torch.tensor(1.5)}

    torch.manual_seed(0)
    learner = Distillation(
        nn.Sequential(nn.Flatten(), nn.Linear(4, 5)),
        nn.Linear(5, 3),
        nn.Linear(3, 3),
        objective,
        dimension=3,
        queue_size=queue_size,
        momentum=momentum,
        generator=torch.Generator().manual_seed(1),
    )
    return learner.train(), seen


def batch(size: int = 4) -> Batch:
    first, second = torch.randn(2, size, 1, 2, 2, generator=torch.Generator().manual_seed(2))
    return Batch(views=(first, second), indices=torch.arange(size))


def test_the_student_predicts_and_the_teacher_does_not() -> None:
    learner, seen = make()
    data = batch()
    learner.before_step()
    learner(data)
    torch.testing.assert_close(seen["p"], learner.predictor(learner.head(learner.encoder(data.views[0]))))
    with torch.no_grad():
        key = learner.teacher.model[1](learner.teacher.model[0](data.views[1]))
    torch.testing.assert_close(seen["k"], F.normalize(key, dim=1))
    assert not any("predictor" in name for name, _ in learner.teacher.named_parameters())


def test_the_teacher_follows_the_student_of_before_the_optimizers_step() -> None:
    learner, seen = make(momentum=0.9)
    optimizer = torch.optim.SGD([p for p in learner.parameters() if p.requires_grad], lr=1.0)
    with torch.no_grad():
        learner.head.weight.add_(1.0)
    teacher, student = learner.teacher.model[1].weight.clone(), learner.head.weight.detach().clone()
    anchors = learner.queue.rows.clone()
    learner.before_step()
    taken = learner(batch())
    taken.loss.backward()
    optimizer.step()
    learner.after_step([taken])
    torch.testing.assert_close(learner.teacher.model[1].weight, 0.9 * teacher + 0.1 * student)
    assert not torch.equal(learner.head.weight, student)
    assert torch.equal(seen["queue"], anchors)  # no sample met its own key
    torch.testing.assert_close(learner.queue.rows[:4], seen["k"])


def test_the_place_to_write_wraps_around() -> None:
    learner, _ = make(queue_size=8)
    places = []
    for _ in range(3):
        learner.before_step()
        learner.after_step([learner(batch())])
        places.append(int(learner.queue.position))
    assert places == [4, 0, 4]


def test_gradients_reach_student_and_predictor_and_nothing_else() -> None:
    learner, _ = make()
    learner.before_step()
    learner(batch()).loss.backward()
    for name, parameter in learner.named_parameters():
        if name.startswith("teacher."):
            assert parameter.grad is None
        else:
            assert parameter.grad is not None, name
            assert parameter.grad.abs().max() > 0, name


def test_what_the_objective_counts_is_logged_and_all_memory_is_in_the_state() -> None:
    learner, _ = make()
    assert float(learner(batch()).log["teacher_entropy"]) == 1.5
    names = set(learner.state_dict())
    assert {"queue.rows", "queue.position", "predictor.weight", "head.weight", "steps"} <= names


def test_a_queue_that_is_not_a_multiple_of_the_batch_and_a_momentum_above_one_are_refused() -> None:
    with pytest.raises(ArgumentError, match="queue of 10"):
        make(queue_size=10)[0](batch())
    with pytest.raises(ArgumentError, match="momentum"):
        make(momentum=1.5)
