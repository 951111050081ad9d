"""The nearest-neighbour learner: who is looked up and when, where gradients go, what is remembered."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from contrapose.data import Batch
from contrapose.errors import ArgumentError
from contrapose.learners import NearestNeighbour, SupportSet
from contrapose.objectives import info_nce


def make(
    queue_size: int = 8, *, predictor: nn.Module | None = None
) -> tuple[NearestNeighbour, list[dict[str, Tensor]]]:
    calls: Calls = []

    def objective(neighbours: Tensor, predictions: Tensor, rows: Tensor | None) -> Tensor:
        calls.append({"neighbours": neighbours, "predictions": predictions})
        return info_nce(neighbours, predictions, decoupled=True, temperature=0.1, rows=rows)

    torch.manual_seed(0)
    learner = NearestNeighbour(
        nn.Flatten(),
        nn.Linear(4, 3),
        nn.Linear(3, 3) if predictor is None else predictor,
        objective,
        dimension=3,
        queue_size=queue_size,
        generator=torch.Generator().manual_seed(1),
    )
    return learner.train(), calls


def batch(size: int = 4) -> Batch:
    generator = torch.Generator().manual_seed(2)
    views = torch.randn(2, size, 1, 2, 2, generator=generator)
    return Batch(views=tuple(views), indices=torch.arange(size))


def embed(learner: NearestNeighbour, data: Batch) -> Tensor:
    return torch.stack([learner.head(view.flatten(1)) for view in data.views])  # (2, B, D)


def test_the_nearest_row_is_that_of_the_highest_cosine_and_the_first_of_equals(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("contrapose.learners.nearest_neighbour.LOOKED_UP_AT_ONCE", 2)
    support = SupportSet(4, 2)
    support.enqueue(torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, 1.0]]))
    z = F.normalize(torch.tensor([[[3.0, 1.0], [1.0, 3.0], [-2.0, 0.1]]]), dim=2)
    assert support.nearest(z).tolist() == [[[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]]]


def test_neighbours_too_close_for_bfloat16_are_told_apart() -> None:
    angle = torch.tensor([0.0, 0.03])
    rows = torch.stack([angle.cos(), angle.sin()], dim=1)  # cosines 1 and 0.9996 with the second
    support = SupportSet(2, 2)
    support.enqueue(rows)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(support.nearest(rows[1:]), rows[1:])


def test_with_the_batch_itself_in_the_set_it_is_plain_decoupled_contrast_of_the_views() -> None:
    learner, _ = make(queue_size=8, predictor=nn.Identity())
    data = batch()
    unit = F.normalize(embed(learner, data).detach(), dim=2)
    learner.support.enqueue(unit.flatten(0, 1))  # both views of all
    step = learner(data)
    logits = unit[0] @ unit[1].T / 0.1
    others = logits.masked_fill(torch.eye(4, dtype=torch.bool), -torch.inf)
    expected = (others.logsumexp(0) + others.logsumexp(1)).mean() / 2 - logits.diagonal().mean()
    torch.testing.assert_close(step.loss, expected)
    torch.testing.assert_close(step.log["neighbour_cosine"], torch.tensor(1.0))


def test_the_neighbour_of_one_view_meets_the_prediction_of_the_other() -> None:
    learner, calls = make()
    data, start = batch(), learner.support.rows.clone()
    z = embed(learner, data)
    learner(data)
    unit = F.normalize(z, dim=2)
    for call, (asks, answers) in zip(calls, [(0, 1), (1, 0)], strict=True):
        torch.testing.assert_close(call["neighbours"], start[(unit[asks] @ start.T).argmax(1)])
        torch.testing.assert_close(call["predictions"], learner.predictor(z[answers]))


def test_gradients_flow_through_predictions_alone() -> None:
    learner, calls = make()
    step = learner(batch())
    assert all(call["predictions"].requires_grad and not call["neighbours"].requires_grad for call in calls)
    step.loss.backward()
    assert learner.support.rows.grad is None
    assert all(parameter.grad is not None for parameter in learner.parameters())
    assert not step.embeddings.requires_grad


def test_looking_up_comes_before_entering_and_only_the_first_view_enters() -> None:
    learner, calls = make()
    data, start = batch(), learner.support.rows.clone()
    learner.before_step()
    taken = [learner(data), learner(data)]  # two batches of one step
    assert torch.equal(learner.support.rows, start)
    learner.after_step(taken)
    first = F.normalize(embed(learner, data)[0].detach(), dim=1)
    torch.testing.assert_close(learner.support.rows, torch.cat([first, first]))
    calls.clear()
    learner(data)
    torch.testing.assert_close(calls[0]["neighbours"], first)  # what the other order would have found at once
    assert int(learner.support.position) == 0


def test_evaluation_leaves_the_set_alone() -> None:
    learner, _ = make()
    start = learner.support.rows.clone()
    learner.eval()(batch())
    assert torch.equal(learner.support.rows, start)


def test_all_memory_is_in_the_state_and_negatives_are_the_rest_of_the_batch() -> None:
    learner, _ = make()
    assert {"support.rows", "support.position"} <= set(learner.state_dict())
    assert learner(batch()).pairing.negatives_per_anchor() == 3


def test_bad_batches_are_refused_before_any_work() -> None:
    learner, _ = make(queue_size=10)
    with pytest.raises(ArgumentError, match=r"queue of 10 .* batch of 4; take --queue 8"):
        learner(batch())
    with pytest.raises(ArgumentError, match="2 views of each sample, got 3"):
        learner(Batch(views=(torch.randn(2, 1, 2, 2),) * 3, indices=torch.arange(2)))
